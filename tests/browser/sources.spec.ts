import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
}

/** Opens the menu of sources and begins with one of them. */
async function begin(page: Page, kind: string) {
  await page.keyboard.press('a');
  await page.getByRole('menuitem', { name: new RegExp(`^${kind}\\b`) }).click();
  return page.getByRole('dialog');
}

test('a text gets a font of the machine, crawls, and comes from a file that is missing', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  const dialog = await begin(page, 'Text');
  await dialog.getByRole('textbox', { name: 'Text' }).fill('Evening news');
  await dialog.getByRole('button', { name: 'Add' }).click();
  const text = async () => (await klieg.snapshot()).collection.sources.find((one) => one.name === 'Evening news');

  const font = page.getByRole('combobox', { name: 'Font' });
  await font.click();
  await font.fill('jetbrains');
  await expect(page.getByRole('listbox', { name: 'Fonts' }).getByRole('option')).toHaveText(['JetBrains Mono']);
  await font.press('Enter');
  await expect.poll(async () => JSON.stringify(await text())).toContain('"font":"JetBrains Mono"');
  await page.getByRole('radio', { name: 'Centred' }).check();
  await page.getByRole('combobox', { name: 'Moves' }).selectOption('left');
  await page.getByRole('textbox', { name: 'Pixels a second' }).fill('240');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await text())?.settings).toMatchObject({ crawl: { direction: 'left', speed: 240 }, style: { align: 'center' } });
  await clean(page);

  await page.getByRole('combobox', { name: 'From' }).selectOption('file');
  await page.getByRole('textbox', { name: 'File' }).fill('no-such-song.txt');
  await page.keyboard.press('Enter');
  await expect(page.getByText(/no-such-song\.txt is not there/).first()).toBeVisible();
});

test('a countdown takes another scene to the program', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  const dialog = await begin(page, 'Countdown');
  await dialog.getByRole('textbox', { name: 'Minutes' }).fill('0');
  await dialog.getByRole('textbox', { name: 'Seconds' }).fill('2');
  await dialog.getByRole('combobox', { name: 'At zero' }).selectOption('scene');
  await dialog.getByRole('combobox', { name: 'Scene' }).selectOption('test');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('test');
});

test('a file is paused, sought and played by its buttons and keys', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await page.getByRole('region', { name: /^Sources/ }).getByRole('button', { name: /^Studio loop/ }).click();
  const playback = async () => (await klieg.snapshot()).sources.find((one) => one.id === 'loop')?.playback;
  const transport = page.getByRole('group', { name: 'Playback' });
  await transport.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(async () => (await playback())?.playing).toBe(false);
  await expect(transport.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  await transport.getByRole('slider', { name: 'Position' }).press('End');
  await expect.poll(async () => (await playback())?.position_ms ?? 0).toBeGreaterThan(3000);
  await transport.getByRole('button', { name: 'Stop' }).press('Enter');
  await expect.poll(async () => (await playback())?.position_ms).toBe(0);
  await transport.getByRole('button', { name: 'Play', exact: true }).press(' ');
  await expect.poll(async () => (await playback())?.playing).toBe(true);
});

test('a file begins again at its end, goes faster, and gives way to the next of a playlist', async ({ page, klieg }) => {
  await open(page, klieg.studio);
  await page.getByRole('region', { name: /^Sources/ }).getByRole('button', { name: /^Studio loop/ }).click();
  const playback = async () => (await klieg.snapshot()).sources.find((one) => one.id === 'loop')?.playback;
  const media = async () => {
    const source = (await klieg.snapshot()).collection.sources.find((one) => one.id === 'loop');
    if (source?.kind !== 'media') throw new Error('it is a file no more');
    return source.settings;
  };
  const properties = page.getByRole('region', { name: /^Properties/ });
  const transport = page.getByRole('group', { name: 'Playback' });
  const again = properties.getByRole('checkbox', { name: 'Begin again at its end' });
  await expect.poll(async () => (await playback())?.playing).toBe(true);

  // Without it the end is the end; with it, playing goes on from the beginning.
  await again.uncheck();
  await expect.poll(async () => (await media()).looped).toBe(false);
  await transport.getByRole('slider', { name: 'Position' }).press('End');
  await expect.poll(playback).toMatchObject({ playing: false });
  const { position_ms: end, duration_ms: length } = (await playback())!;
  expect(end).toBe(length);
  await transport.getByRole('button', { name: 'Play', exact: true }).click();
  await expect.poll(async () => (await playback())?.playing).toBe(true);
  await again.check();
  await expect.poll(async () => (await media()).looped).toBe(true);
  await transport.getByRole('slider', { name: 'Position' }).fill('8000');
  await expect.poll(async () => (await playback())?.position_ms ?? 0).toBeGreaterThan(7900);
  await expect.poll(async () => (await playback())?.position_ms ?? 0).toBeLessThan(5000);
  expect((await playback())?.playing).toBe(true);

  await properties.getByRole('group', { name: 'Usual speeds' }).getByRole('button', { name: '2×' }).click();
  await expect.poll(async () => (await playback())?.speed).toBe(2);
  await properties.getByRole('textbox', { name: 'Speed' }).fill('0.5');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await playback())?.speed).toBe(0.5);

  // The same file twice more: it is their order that counts.
  await transport.getByRole('button', { name: 'Pause' }).click();
  await expect(transport.getByRole('button', { name: 'Next' })).toHaveCount(0);
  const { path, looped, playing } = await media();
  const list = { path, looped, playing: { ...playing, more: [path, path] } };
  await klieg.command({ command: 'edit', edit: { edit: 'set_source', id: 'loop', source: { kind: 'media', settings: list } } });
  await expect.poll(async () => (await playback())?.entries).toBe(3);
  await transport.getByRole('button', { name: 'Next' }).click();
  await expect.poll(playback).toMatchObject({ entry: 1, playing: false });
  await expect(transport.getByText(/^2 of 3/)).toBeVisible();
  await transport.getByRole('button', { name: 'Next' }).click();
  await expect.poll(async () => (await playback())?.entry).toBe(2);
  await transport.getByRole('button', { name: 'Previous' }).click();
  await expect.poll(async () => (await playback())?.entry).toBe(1);
});
