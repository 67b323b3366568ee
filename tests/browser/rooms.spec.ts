import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { type Klieg, expect, test } from './klieg.ts';
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
  for (const page of [viewer, moderator, host]) await expect(one(page, 'second rude words')).toHaveCount(0);
  await chat.getByRole('button', { name: 'Settings of the chat' }).click();
  await picture(host, 'host-settings');
  await clean(host);
});

test('a private channel opens by its passphrase on a phone, and by a link', async ({ browser, page, klieg }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  await klieg.command({ command: 'set_passphrase', channel: 'program', passphrase: 'open sesame' });
  // Whoever watched without it is put out.
  const field = page.getByRole('textbox', { name: 'Passphrase of this private channel' });
  await expect(field).toBeVisible();
  await expect(page.getByText('The chat of a private channel opens with its passphrase.')).toBeVisible();
  await picture(page, 'private-asks');
  await clean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await field.fill('open barley');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'not the passphrase' })).toBeVisible();
  await picture(page, 'private-wrong');
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
  await expect(dialog.getByLabel('Address')).toHaveValue(/^http:\/\/127\.0\.0\.1:\d+\/watch\/program\?key=[0-9a-f]{32}$/);
  await picture(page, 'host-links');
  await clean(page);
});
