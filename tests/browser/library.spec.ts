import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';
import { plays } from './picture.ts';

const seconds = (page: Page): Promise<number> => page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime);

test('a viewer goes back in a live show, and to live again', async ({ page, klieg }) => {
  // What is kept has more sound tracks than any player takes: viewers get the mix.
  const loop = (await klieg.snapshot()).collection.sources.find((one) => one.kind === 'media');
  if (!loop) throw new Error('the demo has a film');
  const edit = { edit: 'set_audio' as const, id: loop.id, audio: { ...loop.audio, tracks: [2, 4] } };
  await klieg.command({ command: 'edit', edit });
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  // What is kept grows while the show goes on.
  await expect.poll(async () => (await klieg.snapshot()).rewinds[0]?.behind_ms ?? 0, { timeout: 40_000 }).toBeGreaterThan(14_000);
  const back = page.getByRole('button', { name: 'Back 30 seconds' });
  await expect(back).toBeVisible({ timeout: 15_000 });
  await back.click();
  await expect(page.locator('.badges')).toContainText(/\d+:\d\d ago/);
  await expect.poll(() => page.locator('video').evaluate((video: HTMLVideoElement) => video.readyState)).toBeGreaterThan(2);
  const before = await seconds(page);
  await expect.poll(() => seconds(page)).toBeGreaterThan(before + 1);
  await expect.poll(async () => (await klieg.channels())[0]?.viewers).toMatchObject({ hls: 1 });
  await clean(page);

  const bar = page.getByRole('slider', { name: 'How long ago' });
  await expect(bar).toHaveAttribute('aria-valuetext', /ago$/);
  await page.getByRole('button', { name: 'Go to live' }).click();
  await plays(page, 'webrtc');
  await expect(page.locator('.badge.live')).toHaveText('LIVE');
});

test('what is recorded in the studio is watched in the library', async ({ page, klieg }) => {
  await page.goto(klieg.studio);
  // A source goes onto a sound track of its own, in the mixer.
  const tracks = page.getByRole('button', { name: /^Sound tracks of / }).first();
  await tracks.click();
  await page.getByRole('menuitemcheckbox', { name: /^Track 2/ }).click();
  await expect(tracks).toHaveAccessibleName(/on sound track 2 of recordings$/);
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  const stop = page.getByRole('button', { name: 'Stop recording' });
  const recorded = async (): Promise<number> => (await klieg.snapshot()).recordings[0]?.duration_ms ?? 0;
  await expect.poll(recorded).toBeGreaterThan(2000);
  await expect(stop).toContainText(/00:00:\d\d/);
  await klieg.command({ command: 'say', channel: 'program', text: 'What a beginning' });
  await page.keyboard.press('k');
  await expect(page.getByText('This moment is marked.')).toBeVisible();
  await page.getByRole('button', { name: 'Recording', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Pause the recording' }).click();
  await expect.poll(async () => (await klieg.snapshot()).recordings[0]?.paused).toBe(true);
  await page.getByRole('button', { name: 'Recording', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Go on recording' }).click();
  await expect.poll(recorded, { timeout: 40_000 }).toBeGreaterThan(6000);
  await stop.click();
  await expect(page.getByText(/^Recorded: .*\.mp4\. It is in the library\.$/)).toBeVisible();

  await page.getByRole('button', { name: 'Library' }).click();
  const dialog = page.getByRole('dialog', { name: 'Library' });
  await expect(dialog.getByRole('listitem').first()).toBeVisible();
  await dialog.getByRole('button', { name: /: more$/ }).click();
  await page.getByRole('menuitem', { name: 'Rename or describe…' }).click();
  await dialog.getByLabel('Title').fill('The first one');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('The first one')).toBeVisible();
  await dialog.getByRole('button', { name: /: more$/ }).click();
  await page.getByRole('menuitem', { name: /^Protect/ }).click();
  await expect(dialog.getByText('protected', { exact: true })).toBeVisible();
  await expect(dialog.getByText(/ MB taken/)).toBeVisible();
  await expect(dialog.getByRole('link', { name: /^Download .* as MKV$/ })).toBeVisible();
  await dialog.getByRole('button', { name: /: more$/ }).click();
  await page.getByRole('menuitem', { name: 'Cut a clip…' }).click();
  await expect(dialog.getByLabel('From this very picture')).toBeChecked();
  await dialog.getByLabel('Title').fill('The best of it');
  await dialog.getByLabel('From', { exact: true }).fill('0:01.5');
  await dialog.getByLabel('To', { exact: true }).fill('0:03');
  await dialog.getByRole('button', { name: 'Cut', exact: true }).click();
  const link = dialog.getByRole('button', { name: 'Copy the link to The best of it' });
  await expect(link).toBeVisible();
  const shared = (await link.getAttribute('title')) ?? '';
  await clean(page);
  // Deleted, and back again.
  await klieg.command({ command: 'end_broadcast' });
  await expect(dialog.getByText(/ · going on/)).toHaveCount(0);
  await dialog.getByRole('button', { name: 'The first one: more' }).click();
  await page.getByRole('menuitem', { name: 'Delete', exact: true }).click();
  await expect(dialog.getByText('deleted', { exact: true })).toBeVisible();
  await dialog.getByRole('button', { name: 'The first one: more' }).click();
  await page.getByRole('menuitem', { name: 'Bring back' }).click();
  await expect(dialog.getByText('deleted', { exact: true })).toHaveCount(0);
  const { pathname, search } = new URL(shared);
  await page.goto(`${klieg.http}${pathname}${search}`);
  await expect.poll(() => page.locator('video').evaluate((video: HTMLVideoElement) => Math.abs(video.duration - 1.5))).toBeLessThan(0.1);

  await page.goto(`${klieg.http}/library`);
  const card = page.getByRole('link', { name: /The first one/ });
  await expect(card.locator('img')).toBeVisible();
  await clean(page);
  await card.click();
  await expect(page.getByRole('heading', { name: 'The first one' })).toBeVisible();
  await expect.poll(() => page.locator('video').evaluate((video: HTMLVideoElement) => video.duration)).toBeGreaterThan(5);
  // The chat comes as it was said.
  const chat = page.getByRole('log');
  await expect(chat.getByRole('listitem')).toHaveCount(0);
  await page.getByRole('button', { name: /Marker 1/ }).click();
  await expect.poll(() => seconds(page)).toBeGreaterThan(1);
  await expect(chat).toContainText('What a beginning');
  await page.getByRole('combobox', { name: 'Speed' }).selectOption('2×');
  expect(await page.locator('video').evaluate((video: HTMLVideoElement) => video.playbackRate)).toBe(2);
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.play());
  const before = await seconds(page);
  await expect.poll(() => seconds(page)).toBeGreaterThan(before + 0.5);
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.pause());
  await page.locator('.track').hover();
  await expect(page.locator('.peek img')).toBeVisible();
  await clean(page);
});
