import type { Page } from '@playwright/test';
import type { Item } from '../../ui/src/lib/api/bindings/index.ts';
import { clean } from './axe.ts';
import { drag, items, open, region, source } from './desk.ts';
import { type Klieg, expect, test } from './klieg.ts';

test.use({ onAir: false, viewport: { width: 1440, height: 900 } });

const item = async (klieg: Klieg, id: string): Promise<Item> => (await items(klieg)).find((one) => one.id === id)!;

test('what is dragged snaps, with guides shown while it does; Shift lets go of the shape', async ({ page, klieg }) => {
  await open(page, klieg);
  await source(page, 'Studio loop').click();
  await page.keyboard.press('l');
  await source(page, 'Logo').click();
  // From 40, 32 to some pixels beside the middle of the canvas, and the left edge of the lower third.
  await drag(page, [150, 60], [643, 363], [], async () => {
    await expect(page.locator('.guide')).toHaveCount(2);
    expect(await page.locator('.guide').evaluateAll((all) => all.map((one) => ['x1', 'y1', 'x2', 'y2'].map((name) => Number(one.getAttribute(name)))))).toEqual([
      [640, 0, 640, 720],
      [0, 360, 1280, 360],
    ]);
  });
  await expect(page.locator('.guide')).toHaveCount(0);
  await expect.poll(async () => (await item(klieg, 'logo')).rect).toEqual({ x: 530, y: 332, width: 220, height: 56 });
  await drag(page, [640, 360], [177, 360], [], async () => expect(page.locator('.guide')).toHaveCount(2));
  await expect.poll(async () => (await item(klieg, 'logo')).rect).toEqual({ x: 64, y: 332, width: 220, height: 56 });
  const { rect } = await item(klieg, 'logo');
  // With Control nothing pulls.
  await drag(page, [rect.x + 220, rect.y + 56], [rect.x + 420, rect.y + 66], ['Shift', 'Control'], async () => expect(page.locator('.guide')).toHaveCount(0));
  await expect.poll(async () => Math.round((await item(klieg, 'logo')).rect.width / 10)).toBe(42);
  expect(Math.round((await item(klieg, 'logo')).rect.height / 2)).toBe(33);
});

test('several are spread and centred, one is stretched and turned over', async ({ page, klieg }) => {
  await open(page, klieg);
  await source(page, 'Lower third bar').click();
  for (const name of ['Lower third, second', 'Logo']) await source(page, name).click({ modifiers: ['Control'] });
  const across = async () => {
    const all = (await items(klieg)).filter((one) => ['logo', 'bar', 'subtitle'].includes(one.id));
    const [first, second, third] = all.map((one) => one.rect).sort((a, b) => a.y + a.height / 2 - (b.y + b.height / 2));
    return Math.round(second!.y - (first!.y + first!.height) - (third!.y - (second!.y + second!.height)));
  };
  expect(await across()).not.toBe(0);
  await page.keyboard.press('Alt+Shift+V');
  await expect.poll(async () => Math.abs(await across())).toBeLessThanOrEqual(1);
  await page.keyboard.press('c');
  await expect.poll(async () => {
    const rects = (await items(klieg)).filter((one) => ['logo', 'bar', 'subtitle'].includes(one.id)).map((one) => one.rect);
    const [top, bottom] = [Math.min(...rects.map((one) => one.y)), Math.max(...rects.map((one) => one.y + one.height))];
    const [left, right] = [Math.min(...rects.map((one) => one.x)), Math.max(...rects.map((one) => one.x + one.width))];
    return [Math.round((left + right) / 2), Math.round((top + bottom) / 2)];
  }).toEqual([640, 360]);

  await source(page, 'Logo').click();
  await page.keyboard.press('Shift+V');
  await expect.poll(async () => await item(klieg, 'logo')).toMatchObject({ flip_v: true, flip_h: false });
  await page.keyboard.press('s');
  await expect.poll(async () => await item(klieg, 'logo')).toMatchObject({ fit: 'stretch', rect: { x: 0, y: 0, width: 1280, height: 720 } });
  await page.keyboard.press('Shift+F');
  await expect.poll(async () => (await item(klieg, 'logo')).fit).toBe('cover');
});

/** What has the focus, as people hear it. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const one = document.activeElement as HTMLElement | null;
    const labels = one instanceof HTMLInputElement || one instanceof HTMLSelectElement ? [...(one.labels ?? [])].map((label) => label.textContent) : [];
    return [one?.getAttribute('aria-label') ?? labels.join(' '), one?.textContent ?? ''].join(' ').trim();
  });

/** Presses a key until what is wanted has the focus. */
async function walk(page: Page, key: string, to: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 160; presses += 1) {
    const now = await focused(page);
    if (to.test(now)) return;
    seen.push(now.slice(0, 40));
    await page.keyboard.press(key);
  }
  throw new Error(`${key} never comes to ${String(to)}: ${[...new Set(seen)].join(' | ')}`);
}

test('by keys alone a source is added and named, several are grouped, a filter and a transition chosen, a collection copied', async ({ page, klieg }) => {
  await open(page, klieg);
  await page.keyboard.press('a');
  await walk(page, 'ArrowDown', /^Colour/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Add: colour' })).toBeVisible();
  await walk(page, 'Tab', /^Name/);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Backdrop');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect.poll(async () => (await klieg.snapshot()).collection.sources.map((one) => one.name)).toContain('Backdrop');

  await walk(page, 'Tab', /^Backdrop, 1 of 6/);
  await walk(page, 'Tab', /^Backdrop(?!,)/);
  await page.keyboard.press('F2');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Wall');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await klieg.snapshot()).collection.sources.map((one) => one.name)).toContain('Wall');

  await walk(page, 'Shift+Tab', /^Logo, \d of 6/);
  await page.keyboard.press('Tab');
  await walk(page, 'Shift+Tab', /^Wall, 1 of 6/);
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  expect(await focused(page)).not.toContain('Wall');
  await page.keyboard.press('Space');
  await expect(page.locator('.picture .box')).toHaveCount(2);
  await page.keyboard.press('Control+g');
  await expect.poll(async () => (await klieg.snapshot()).collection.scenes.find((one) => one.group)?.items.length).toBe(2);

  await walk(page, 'Tab', /^Add a filter here/);
  await page.keyboard.press('Enter');
  await walk(page, 'ArrowDown', /^Blur/);
  await page.keyboard.press('Enter');
  const filters = async () => (await items(klieg)).flatMap((one) => (one.filters ?? []).map((filter) => filter.kind));
  await expect.poll(filters).toEqual(['blur']);

  await walk(page, 'Tab', /^Kind/);
  await page.keyboard.press('ArrowDown');
  await expect.poll(async () => (await klieg.snapshot()).collection.transition?.kind).toBe('fade');

  await walk(page, 'Tab', /^Collection:/);
  await page.keyboard.press('Enter');
  await walk(page, 'ArrowDown', /^Duplicate/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Duplicate collection' })).toBeVisible();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('By keys');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await klieg.snapshot()).collections.map((one) => `${one.open ? '*' : ''}${one.name}`)).toEqual(['*By keys']);
});

test('a source is muted by a key of its own, a scene beyond the ninth is switched to, the preview is cut to', async ({ page, klieg }) => {
  for (let n = 5; n <= 10; n += 1) await klieg.command({ command: 'edit', edit: { edit: 'add_scene', id: `s${n}`, name: `Scene ${n}` } });
  await open(page, klieg);
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keys' });
  const give = async (label: string, key: string): Promise<void> => {
    await dialog.getByRole('button', { name: `${label}: no key. Change` }).click();
    await page.keyboard.press(key);
    await expect(dialog.getByRole('button', { name: new RegExp(`^${label}: (?!no key)`) })).toBeVisible();
  };
  await give('Switch to scene 10', '0');
  await give('Mute or hear “Studio loop”', 'Control+m');
  await expect(dialog.getByRole('button', { name: /^Switch to scene 11:/ })).toHaveCount(0);
  await clean(page);
  await page.keyboard.press('Escape');
  const loop = async () => (await klieg.snapshot()).collection.sources.find((one) => one.id === 'loop')?.audio.muted;
  await page.keyboard.press('Control+m');
  await expect.poll(loop).toBe(true);
  await page.keyboard.press('0');
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('s10');
  // What is heard in another scene, too.
  await page.keyboard.press('Control+m');
  await expect.poll(loop).toBe(false);
  await page.keyboard.press('p');
  await expect.poll(async () => (await klieg.snapshot()).studio_mode).toBeTruthy();
  // Whether this page has heard of it yet or not: the scene is prepared.
  await page.keyboard.press('2');
  await expect.poll(async () => (await klieg.snapshot()).studio_mode?.preview).toBe('test');
  expect((await klieg.snapshot()).collection.current).toBe('s10');
  await expect(region(page, 'Preview')).toBeVisible();
  await page.keyboard.press('Shift+T');
  await expect.poll(async () => (await klieg.snapshot()).collection.current).toBe('test');
});
