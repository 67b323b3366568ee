import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { has, microphone } from './machine.ts';
import { listen, moves, plays } from './picture.ts';

test.use({ onAir: false, plain: true, viewport: { width: 1280, height: 720 } });

const welcome = (page: Page) => page.getByRole('dialog', { name: 'Welcome to Klieg' });

async function open(page: Page, klieg: Klieg): Promise<void> {
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'Go live' }).first()).toBeVisible();
}

test('the first start shows the picture, tests the machine, and ends live with a link and a code', async ({ page, klieg }) => {
  await open(page, klieg);
  const dialog = welcome(page);
  await expect.poll(async () => Number((await dialog.locator('canvas.program').getAttribute('data-frames')) ?? 0)).toBeGreaterThan(2);
  const name = dialog.getByRole('textbox', { name: 'What is it called?' });
  await expect(name).toBeFocused();
  await name.fill('Evening Show');
  await expect(dialog.getByRole('combobox', { name: 'Which camera?' })).toBeVisible();
  await expect(dialog.getByRole('combobox', { name: 'Which microphone?' })).toBeVisible();

  // What it says was measured: each size took time, and a larger one took more of it.
  await expect(dialog.getByRole('radio')).toHaveCount(6);
  await expect(dialog.getByRole('radio', { checked: true })).toHaveCount(1);
  const { quality } = await klieg.snapshot();
  expect(quality?.problem).toBeUndefined();
  expect(quality?.found.every((one) => one.compose_ms > 0 && one.encode_ms > 0)).toBe(true);
  expect(quality!.found[0]!.encode_ms).toBeGreaterThan(quality!.found.at(-1)!.encode_ms);
  await clean(page);

  await dialog.getByRole('radio', { name: '640 × 360, 30 a second' }).check();
  await name.press('Enter');
  const live = page.getByRole('dialog', { name: 'You are live' });
  await expect(live).toContainText('Evening Show is on air');
  const { links, title, collection, settings, first_start, on_air } = await klieg.snapshot();
  expect({ title, first_start, canvas: collection.canvas }).toEqual({ title: 'Evening Show', first_start: false, canvas: { width: 640, height: 360, fps: 30 } });
  expect(collection.scenes[0]?.items[0]?.rect).toEqual({ x: 0, y: 0, width: 640, height: 360 });
  expect(settings.find((one) => one.key === 'encoder.bitrate')?.value).toBe(800_000);
  expect(on_air).not.toBeNull();
  await expect(live.getByRole('textbox', { name: 'Link for viewers' })).toHaveValue(links[0]!.url);
  await expect(live.getByRole('img', { name: `QR code of ${links[0]!.url}` })).toBeVisible();
  await clean(page);
  await live.getByRole('button', { name: 'Open the studio' }).click();
  await expect(page.getByText('ON AIR', { exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByText('ON AIR', { exact: true })).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('it asks until it is answered, goes by Escape, and comes back from the menu', async ({ page, klieg, running }) => {
  await open(page, klieg);
  await expect(welcome(page)).toBeVisible();
  await page.reload();
  await expect(welcome(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect.poll(async () => (await klieg.snapshot()).first_start).toBe(false);
  running.klieg = await klieg.restart({ onAir: false, plain: true });
  await open(page, running.klieg);
  await page.getByRole('button', { name: 'Docks' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.getByRole('menuitem', { name: 'First start …' }).click();
  await expect(welcome(page)).toBeVisible();
  const before = (await running.klieg.snapshot()).collection;
  await welcome(page).getByRole('button', { name: 'Look around first' }).click();
  expect((await running.klieg.snapshot()).collection).toEqual(before);
});

test.describe('on a machine with a microphone', () => {
  test.use({ machine: { start: microphone } });
  test.skip(!has('pulseaudio'), 'PulseAudio is not installed');

  test('the microphone is heard while it is chosen, and goes on air', async ({ page, klieg }) => {
    await open(page, klieg);
    const dialog = welcome(page);
    const which = dialog.getByRole('combobox', { name: 'Which microphone?' });
    // The first one is offered as soon as it is found; who wants none says so.
    await expect(which).not.toHaveValue('');
    const device = await which.inputValue();
    const used = async () => {
      const { collection } = await klieg.snapshot();
      const heard = collection.scenes.find((one) => one.id === collection.current)?.items.some((one) => one.source === 'microphone');
      const source = collection.sources.find((one) => one.id === 'microphone');
      return heard && source?.kind === 'microphone' ? source.settings.device : null;
    };
    await expect.poll(used).toBe(device);
    await which.selectOption('');
    await expect.poll(used).toBeNull();
    await which.selectOption(device);
    await expect.poll(used).toBe(device);
    // The tone that it hears is on its meter.
    const lit = (canvas: Element): number => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
      return data.filter((value, at) => at % 4 === 3 && value > 250).length / (width * height);
    };
    await expect.poll(() => dialog.getByRole('img', { name: 'Level of your microphone' }).locator('canvas').evaluate(lit)).toBeGreaterThan(0.2);
    await dialog.getByRole('button', { name: 'Go live' }).click();
    const live = page.getByRole('dialog', { name: 'You are live' });
    await expect(live).toBeVisible();
    expect(await used()).toBe(device);
    // And somebody who opens the link that is shown then sees the picture, and has the sound.
    const link = await live.getByRole('textbox', { name: 'Link for viewers' }).inputValue();
    const viewer = await page.context().newPage();
    await viewer.goto(link);
    await plays(viewer, 'webrtc');
    await moves(viewer, 3);
    const sound = await listen(viewer, 2);
    expect(sound.frequency).toBeGreaterThan(950);
    expect(sound.frequency).toBeLessThan(1050);
  });
});
