import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { color, open, region, scene } from './desk.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { display, has } from './machine.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

/** Opens the menu of sources and begins with one of them. */
async function begin(page: Page, kind: string) {
  await page.keyboard.press('a');
  await page.getByRole('menuitem', { name: new RegExp(`^${kind}\\b`) }).click();
  return page.getByRole('dialog');
}

/** An empty scene on the program. */
async function empty(page: Page, klieg: Klieg): Promise<void> {
  await klieg.command({ command: 'edit', edit: { edit: 'add_scene', id: 'empty', name: 'Empty' } });
  await open(page, klieg);
  await klieg.command({ command: 'go_live' });
  await scene(page, 'Empty').click();
  await expect(region(page, /^Sources.*Empty/)).toBeVisible();
}

test('what is said in the room is drawn on the program, and vanishes when it is deleted', async ({ page, klieg }) => {
  await empty(page, klieg);
  const dialog = await begin(page, 'Chat');
  await clean(page);
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect.poll(async () => (await klieg.snapshot()).collection.sources.some((one) => one.kind === 'chat')).toBe(true);
  await page.keyboard.press('Escape');

  const program = page.locator('canvas.program');
  // The chat stands on the right, its newest line at the bottom.
  const light = async (): Promise<number> => Math.max(...(await color(program, [0.62, 0.85, 0.2, 0.12])));
  await expect.poll(light).toBeLessThan(4);
  const viewer = await page.context().newPage();
  await viewer.goto(`${klieg.http}/watch/program`);
  await viewer.getByRole('textbox', { name: 'Your name in the chat' }).fill('Ada');
  await viewer.getByRole('button', { name: 'Use this name' }).click();
  await viewer.getByRole('textbox', { name: 'Your message' }).fill('██████ buy this ██████');
  await viewer.getByRole('button', { name: 'Send' }).click();
  await expect.poll(light).toBeGreaterThan(8);

  const line = page.getByRole('log', { name: 'Chat messages' }).locator('.message', { hasText: 'buy this' });
  await line.click({ button: 'right' });
  await page.getByRole('menuitem', { name: /^Delete/ }).first().click();
  await expect(line).toHaveCount(0);
  await expect.poll(light).toBeLessThan(4);
});

test.describe('with somebody else live', () => {
  test.use({ settings: ['ingest.policy=open'] });

  test('a chat on the program is that of the channel that was chosen, and no other', async ({ page, klieg }) => {
    // Opens the channel, and sends nothing.
    const phone = await page.context().newPage();
    await phone.goto(klieg.http);
    await phone.evaluate(() => void new WebSocket('/ws?streamKey=phone'));
    await expect.poll(async () => (await klieg.snapshot()).publishers.map((one) => one.channel)).toContain('phone');

    await empty(page, klieg);
    const dialog = await begin(page, 'Chat');
    await dialog.getByRole('combobox', { name: 'Of', exact: true }).selectOption('phone');
    await dialog.getByRole('button', { name: 'Add' }).click();
    const overlay = async () => (await klieg.snapshot()).collection.sources.find((one) => one.kind === 'chat')?.settings;
    await expect.poll(overlay).toMatchObject({ channel: 'phone' });
    // What is chosen has handles, which are no part of the picture.
    await page.keyboard.press('Escape');

    // The newest line is at the bottom: what was said in the other room would lie there.
    const light = async (): Promise<number> => Math.max(...(await color(page.locator('canvas.program'), [0.62, 0.85, 0.2, 0.12])));
    await klieg.command({ command: 'say', channel: 'program', text: '██████ not here ██████' });
    await expect(page.getByRole('log', { name: 'Chat messages' })).toContainText('not here');
    const frames = async (): Promise<number> => Number(await page.locator('canvas.program').getAttribute('data-frames'));
    const before = await frames();
    await expect.poll(frames).toBeGreaterThan(before + 10);
    expect(await light()).toBeLessThan(4);
    await klieg.command({ command: 'say', channel: 'phone', text: '██████ over here ██████' });
    await expect.poll(light).toBeGreaterThan(8);
  });
});

test('how many watch is drawn on the program as it changes', async ({ page, klieg }) => {
  await empty(page, klieg);
  const dialog = await begin(page, 'Viewers');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect.poll(async () => (await klieg.snapshot()).collection.sources.some((one) => one.kind === 'viewer_count')).toBe(true);
  await page.keyboard.press('Escape');
  const program = page.locator('canvas.program');
  /** The upper right of the picture, as it is: nothing else moves there. */
  const words = () => color(program, [0.72, 0.04, 0.25, 0.14]);
  await expect.poll(async () => Math.max(...(await words()))).toBeGreaterThan(2);
  const nobody = (await words()).join();
  const viewer = await page.context().newPage();
  await viewer.goto(`${klieg.http}/watch/program`);
  await expect.poll(async () => (await words()).join()).not.toBe(nobody);
  await viewer.close();
  await expect.poll(async () => (await words()).join()).toBe(nobody);
});

test.describe('on a machine with a display', () => {
  test.use({ machine: { start: () => display(800, 600) } });
  test.skip(!has('Xvfb'), 'Xvfb is not installed');

  test('a monitor is seen before it is added, chosen by its picture, and a part of it on one', async ({ page, klieg }) => {
    await empty(page, klieg);
    const dialog = await begin(page, 'Screen');
    const shown = dialog.getByRole('img', { name: 'What it shows now' });
    await expect(shown).toBeVisible();
    expect(await shown.evaluate((one: HTMLImageElement) => [one.naturalWidth, one.naturalHeight])).toEqual([800, 600]);
    await dialog.getByRole('button', { name: 'Choose by picture' }).click();
    const stills = page.getByRole('dialog', { name: 'Choose a monitor' });
    const monitor = stills.getByRole('list', { name: 'Choose a monitor' }).getByRole('button');
    await expect(monitor).toHaveCount(1);
    await expect.poll(() => monitor.locator('img').evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(800);
    await clean(page);
    await monitor.click();
    await expect(stills).toHaveCount(0);
    await expect(dialog.getByRole('combobox', { name: 'Device' })).not.toHaveValue('');
    await dialog.getByRole('button', { name: 'Add' }).click();
    const screen = async () => {
      const { collection } = await klieg.snapshot();
      const found = collection.sources.find((one) => one.kind === 'screen' && one.settings.device !== '');
      return found?.kind === 'screen' ? found.settings : null;
    };
    await expect.poll(screen).toMatchObject({ area: null, pointer: true });

    const properties = region(page, /^Properties/);
    await properties.getByRole('checkbox', { name: 'Only a part of it' }).check();
    await properties.getByRole('button', { name: 'Choose it on a picture' }).click();
    const picture = page.getByRole('dialog').locator('img');
    await expect.poll(() => picture.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(800);
    const box = (await picture.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.25, box.y + box.height * 0.25);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.5, { steps: 5 });
    await page.mouse.up();
    await clean(page);
    await page.getByRole('dialog').getByRole('button', { name: /^(Use|Choose|Take)/ }).click();
    await expect.poll(async () => (await screen())?.area).toEqual({
      x: expect.closeTo(200, -1) as unknown,
      y: expect.closeTo(150, -1) as unknown,
      width: expect.closeTo(400, -1) as unknown,
      height: expect.closeTo(150, -1) as unknown,
    });
  });
});
