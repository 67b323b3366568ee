import { type ChildProcess, spawn } from 'node:child_process';
import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { has } from './peers.ts';
import { plays } from './picture.ts';

const messages = (page: Page) => page.getByRole('log', { name: 'Chat messages' });
const one = (page: Page, text: string) => messages(page).locator('.message', { hasText: text });
const written = (page: Page) => page.getByRole('textbox', { name: 'Your message' });

async function named(page: Page, name: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Your name in the chat' }).fill(name);
  await page.getByRole('button', { name: 'Use this name' }).click();
  await expect(page.getByText(`As ${name}`)).toBeVisible();
}

async function say(page: Page, text: string): Promise<void> {
  await written(page).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** The address of a link that the host hands out. */
async function link(klieg: Klieg, kind: 'watch' | 'moderate'): Promise<string> {
  await klieg.command({ command: 'create_link', link: { kind, name: `To ${kind}`, channel: 'program' } });
  const made = (await klieg.snapshot()).access.find((entry) => entry.kind === kind);
  if (!made) throw new Error('no link was made');
  const { pathname, search, hash } = new URL(made.url);
  return klieg.http + pathname + search + hash;
}

/** Somebody else's channel, over RTMP, until it is killed. */
function publish(klieg: Klieg, channel: string): ChildProcess {
  const input = ['-re', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '30'];
  return spawn('ffmpeg', ['-v', 'error', ...input, '-pix_fmt', 'yuv420p', '-t', '300', '-f', 'flv', `${klieg.ready.rtmp}/${channel}`], { stdio: 'ignore' });
}

/** What is shown, where a folder for pictures is named. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['KLIEG_SHOTS'];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

test('a moderator and the host keep order, and a viewer reads why', async ({ browser, klieg }) => {
  const device = async (width: number, height: number): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
    return context.newPage();
  };
  const [viewer, moderator, host] = [await device(360, 740), await device(360, 740), await device(1440, 900)];
  await viewer.goto(`${klieg.http}/watch/program`);
  await named(viewer, 'troll');
  for (const text of ['first rude words', 'second rude words']) await say(viewer, text);

  await moderator.goto(await link(klieg, 'moderate'));
  await expect(moderator.getByText('You moderate')).toBeVisible();
  expect(moderator.url()).not.toContain('moderate=');
  await named(moderator, 'olga');
  await say(moderator, 'please be kind');
  await expect(one(viewer, 'please be kind').locator('.role')).toHaveText('moderator');
  // A viewer has no menu; the moderator reaches it by the keyboard.
  await expect(one(viewer, 'first rude words').getByRole('button')).toHaveCount(0);
  const menu = one(moderator, 'first rude words').getByRole('button', { name: /^What to do about/ });
  await menu.focus();
  await moderator.keyboard.press('Enter');
  await expect(moderator.getByRole('menuitem', { name: 'Delete message' })).toBeFocused();
  await picture(moderator, 'moderator-menu');
  await clean(moderator);
  await moderator.keyboard.press('Enter');
  await expect(one(viewer, 'first rude words')).toHaveCount(0);
  await expect(one(moderator, 'first rude words')).toHaveCount(0);

  await one(moderator, 'second rude words').getByRole('button', { name: /^What to do about/ }).click();
  await moderator.getByRole('menuitem', { name: 'Time out for 10 minutes' }).click();
  await expect(viewer.getByText(/You have been asked to be quiet until/)).toBeVisible();
  await expect(written(viewer)).toBeHidden();
  await picture(viewer, 'viewer-stopped');
  await clean(viewer);
  await viewer.reload();
  await expect(viewer.getByText(/You have been asked to be quiet until/)).toBeVisible();

  await moderator.getByRole('button', { name: 'Settings of the chat' }).click();
  const dialog = moderator.getByRole('dialog', { name: 'Settings of the chat' });
  await dialog.getByLabel('Blocked words, one on a line').fill('spam');
  await dialog.getByRole('checkbox', { name: 'Viewers may write links' }).uncheck();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('Saved')).toBeVisible();
  await picture(moderator, 'moderator-settings');
  await clean(moderator);
  expect(await moderator.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await dialog.getByRole('button', { name: 'Let “troll” write again' }).click();
  await moderator.keyboard.press('Escape');
  await expect(written(viewer)).toBeVisible();
  await say(viewer, 'S P A M');
  await expect(viewer.getByRole('alert').filter({ hasText: 'blocked' })).toBeVisible();

  await host.goto(klieg.studio);
  const chat = host.getByRole('region', { name: 'Chat' });
  await expect(chat.getByText('No links · 1 blocked')).toBeVisible();
  await one(host, 'second rude words').getByRole('button', { name: /^What to do about/ }).click();
  await picture(host, 'host-menu');
  await host.getByRole('menuitem', { name: 'Ban, and delete all they wrote' }).click();
  await expect(viewer.getByText('You are banned from this chat.')).toBeVisible();
  // What was said of an earlier message does not stand under it.
  await expect(viewer.getByRole('alert').filter({ hasText: 'blocked' })).toHaveCount(0);
  for (const page of [viewer, moderator, host]) await expect(one(page, 'second rude words')).toHaveCount(0);
  await chat.getByRole('button', { name: 'Settings of the chat' }).click();
  await picture(host, 'host-settings');
  await clean(host);
});

test('slow mode holds one viewer back and nobody who keeps order, and a moderator clears the chat for everyone', async ({ browser, klieg }) => {
  const device = async (): Promise<Page> => (await browser.newContext({ reducedMotion: 'reduce' })).newPage();
  const [eager, other, moderator, host] = [await device(), await device(), await device(), await device()];
  for (const [page, name] of [[eager, 'eager'], [other, 'patient']] as const) {
    await page.goto(`${klieg.http}/watch/program`);
    await named(page, name);
  }
  await host.goto(klieg.studio);
  await moderator.goto(await link(klieg, 'moderate'));
  await expect(moderator.getByText('You moderate')).toBeVisible();
  await named(moderator, 'olga');
  await moderator.getByRole('button', { name: 'Settings of the chat' }).click();
  const dialog = moderator.getByRole('dialog', { name: 'Settings of the chat' });
  await dialog.getByLabel('Slow mode').selectOption('One message in 5 min from each viewer');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('Saved')).toBeVisible();
  await moderator.keyboard.press('Escape');
  for (const page of [eager, other, moderator]) await expect(page.getByText('Slow mode: one message in 5 min')).toBeVisible();
  await expect(host.getByRole('region', { name: 'Chat' }).getByText('Slow mode: 5 min')).toBeVisible();

  await say(eager, 'the first is heard');
  await expect(one(other, 'the first is heard')).toBeVisible();
  await say(eager, 'the second is too soon');
  await expect(eager.getByRole('alert').filter({ hasText: /slow mode.*again in \d+ s/ })).toBeVisible();
  // What was refused is not lost, and waits for nobody else.
  await expect(written(eager)).toHaveValue('the second is too soon');
  await say(other, 'everybody has a turn of their own');
  for (const text of ['moderators have', 'as many as they need']) await say(moderator, text);
  for (const text of ['everybody has a turn of their own', 'moderators have', 'as many as they need']) await expect(one(eager, text)).toBeVisible();
  await expect(one(other, 'too soon')).toHaveCount(0);

  await moderator.getByRole('button', { name: 'Settings of the chat' }).click();
  await dialog.getByRole('button', { name: 'Delete all messages' }).click();
  await expect(dialog.getByText('Press again')).toBeVisible();
  await expect(one(other, 'the first is heard')).toBeVisible();
  await dialog.getByRole('button', { name: 'Delete all messages' }).click();
  for (const page of [eager, other, moderator, host]) await expect(messages(page).locator('.message')).toHaveCount(0);
  // It is gone for those who come later, too; the rule stays.
  await other.reload();
  await expect(other.getByText('Slow mode: one message in 5 min')).toBeVisible();
  await expect(messages(other).locator('.message')).toHaveCount(0);
});

test.describe('with channels of others', () => {
  test.use({ settings: ['ingest.policy=open'] });

  test('the chat of a channel that is not live says when it opens, and opens by itself', async ({ page, klieg }) => {
    test.skip(!has.ffmpeg, 'FFmpeg is not installed');
    await page.goto(`${klieg.http}/watch/garden`);
    const chat = page.getByRole('region', { name: 'Chat' });
    await expect(chat.getByText('The chat opens when garden goes live.')).toBeVisible();
    await expect(chat.getByText('Connecting…')).toHaveCount(0);
    await expect(chat.getByRole('textbox')).toBeHidden();
    for (const [width, height] of [[1280, 800], [360, 740]] as const) {
      await page.setViewportSize({ width, height });
      await picture(page, `chat-absent-${width}`);
      await clean(page);
    }
    const garden = publish(klieg, 'garden');
    try {
      await named(page, 'ben');
      await say(page, 'here from the first picture on');
      await expect(one(page, 'here from the first picture on')).toBeVisible();
      await expect(chat.getByText('The chat opens')).toHaveCount(0);
    } finally {
      garden.kill('SIGKILL');
    }
  });

  test('the host looks into the chat of any live channel, answers there, keeps order there, and is back when it ends', async ({ browser, klieg }) => {
    test.skip(!has.ffmpeg, 'FFmpeg is not installed');
    const device = async (): Promise<Page> => (await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })).newPage();
    const [host, viewer, elsewhere] = [await device(), await device(), await device()];
    await host.goto(klieg.studio);
    const dock = host.getByRole('region', { name: 'Chat' });
    const choice = dock.getByRole('combobox', { name: 'Whose chat' });
    await expect(dock.getByText('Nobody has written yet.')).toBeVisible();
    await expect(choice).toHaveCount(0);
    await elsewhere.goto(`${klieg.http}/watch/program`);
    await named(elsewhere, 'ana');
    await say(elsewhere, 'this is the program');
    await expect(one(elsewhere, 'this is the program')).toBeVisible();

    const garden = publish(klieg, 'garden');
    try {
      await expect(choice.locator('option')).toHaveText(['program', 'garden']);
      await viewer.goto(`${klieg.http}/watch/garden`);
      await named(viewer, 'ben');
      await say(viewer, 'said before anybody looked');
      await expect(one(viewer, 'said before')).toBeVisible();

      await dock.getByRole('textbox', { name: 'Your message as the host' }).fill('half a sentence for the program');
      await choice.selectOption('garden');
      await expect(one(host, 'said before anybody looked')).toBeVisible();
      await expect(one(host, 'this is the program')).toHaveCount(0);
      await say(viewer, 'said while the host looks');
      await expect(one(host, 'said while the host looks')).toBeVisible();
      await picture(host, 'host-room');
      await clean(host);
      const field = dock.getByRole('textbox', { name: 'Your message as the host' });
      await expect(field).toHaveValue('');
      await field.fill('hello garden');
      await field.press('Enter');
      await expect(one(viewer, 'hello garden').locator('.name')).toContainText(/host/i);
      await expect(one(elsewhere, 'hello garden')).toHaveCount(0);

      await one(host, 'said before').getByRole('button', { name: /^What to do about/ }).click();
      await host.getByRole('menuitem', { name: 'Delete message' }).click();
      await expect(one(viewer, 'said before')).toHaveCount(0);
      await dock.getByRole('button', { name: 'Settings of the chat' }).click();
      const dialog = host.getByRole('dialog', { name: 'Settings of the chat' });
      await dialog.getByRole('checkbox', { name: 'Viewers may write links' }).uncheck();
      await dialog.getByRole('button', { name: 'Save' }).click();
      await expect(dialog.getByText('Saved')).toBeVisible();
      await host.keyboard.press('Escape');
      await expect(viewer.getByText('no links')).toBeVisible();
      await expect(elsewhere.getByText('no links')).toHaveCount(0);
      await expect(dock.getByText('No links')).toBeVisible();
      await field.fill('half a sentence for the garden');
    } finally {
      garden.kill('SIGKILL');
    }
    // The channel is gone, and the dock is the program's, with what was typed for it.
    await expect(choice).toHaveCount(0);
    await expect(one(host, 'this is the program')).toBeVisible();
    await expect(one(host, 'hello garden')).toHaveCount(0);
    await expect(host.getByText('“garden” has ended.')).toBeVisible();
    await expect(dock.getByText('No links')).toHaveCount(0);
    await expect(dock.getByRole('textbox', { name: 'Your message as the host' })).toHaveValue('half a sentence for the program');
  });
});

test('a private channel opens by its passphrase on a phone, and by a link', async ({ browser, page, klieg }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  await klieg.command({ command: 'set_passphrase', channel: 'program', passphrase: 'open sesame' });
  // Whoever watched without it is put out.
  const field = page.getByRole('textbox', { name: 'Passphrase of this private channel' });
  await expect(field).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'Your right to watch was taken back.' })).toBeVisible();
  await expect(field).toBeFocused();
  await expect(field).toHaveAccessibleDescription(/^Your right to watch was taken back\. Ask the host for a new link or the passphrase\./);
  await expect(page.getByText('The chat of a private channel opens with its passphrase.')).toBeVisible();
  await picture(page, 'private-asks');
  await clean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect(field).toBeVisible();
  await picture(page, 'private-asks-wide');
  await clean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
  await field.fill('open barley');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'not the passphrase' })).toBeVisible();
  await picture(page, 'private-wrong');
  await clean(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await field.fill('open sesame');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await plays(page, 'webrtc');
  await named(page, 'ana');
  await page.reload();
  await plays(page, 'webrtc');
  await page.goto(`${klieg.http}/watch/program?transport=hls`);
  await plays(page, 'hls');
  await page.goto(klieg.http);
  await expect(page.getByText(/private/)).toBeVisible();
  await picture(page, 'private-list');
  await clean(page);

  const friend = await (await browser.newContext()).newPage();
  await friend.goto(await link(klieg, 'watch'));
  await plays(friend, 'webrtc');
  expect(friend.url()).toBe(`${klieg.http}/watch/program`);

  await klieg.command({ command: 'set_passphrase', channel: 'program', passphrase: 'another one' });
  await page.goto(`${klieg.http}/watch/program`);
  await expect(field).toBeVisible();
  // Who has just come was not watching.
  await expect(page.getByText('taken back')).toHaveCount(0);
  await klieg.command({ command: 'set_passphrase', channel: 'program' });
  await page.reload();
  await plays(page, 'webrtc');
});

test('the host makes a channel private and hands links out', async ({ browser, klieg }) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(klieg.studio);
  await page.getByRole('button', { name: 'Make private' }).click();
  await page.getByRole('textbox', { name: 'Passphrase' }).fill('open sesame');
  await picture(page, 'host-private');
  await clean(page);
  await page.getByRole('button', { name: 'Make it private' }).click();
  await expect(page.getByText('Private: asks for a passphrase')).toBeVisible();
  expect((await klieg.channels())[0]?.private).toBe(true);
  await page.getByRole('button', { name: 'Links to hand out' }).click();
  const dialog = page.getByRole('dialog', { name: 'Links to hand out' });
  for (const kind of ['Watch', 'Moderate']) {
    await dialog.getByLabel('For', { exact: true }).selectOption(kind);
    await dialog.getByLabel('Name', { exact: true }).fill(`${kind} it`);
    await dialog.getByRole('button', { name: 'Make the link' }).click();
    await expect(dialog.getByText(`${kind} it`)).toBeVisible();
  }
  await dialog.getByRole('button', { name: 'Show “Watch it” as a picture and in letters' }).click();
  await expect(dialog.getByLabel('Address')).toHaveValue(/^http:\/\/127\.0\.0\.1:\d+\/(?:watch\/program)?\?key=[0-9a-f]{32}$/);
  await picture(page, 'host-links');
  await clean(page);
});
