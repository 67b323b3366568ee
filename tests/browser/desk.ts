/** The studio's desk, as tests meet it. */
import type { Locator, Page } from '@playwright/test';
import type { Item } from '../../ui/src/lib/api/bindings/index.ts';
import { type Klieg, expect } from './klieg.ts';

export const region = (page: Page, name: string | RegExp): Locator => page.getByRole('region', { name });
export const scene = (page: Page, name: string): Locator => region(page, 'Scenes').getByRole('button', { name: new RegExp(`^${name}`) });
export const source = (page: Page, name: string): Locator => region(page, /^Sources/).getByRole('button', { name: new RegExp(`^${name}`) });
export const option = (page: Page, name: string): Locator => page.getByRole('option', { name: new RegExp(`^${name},`) });

export async function open(page: Page, klieg: Klieg): Promise<void> {
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();
  await expect(page.locator('canvas.program')).toHaveAttribute('data-frames', /\d/);
}

/** Items of the scene that has this name, bottom first. */
export async function items(klieg: Klieg, scene = 'Welcome'): Promise<Item[]> {
  const { collection } = await klieg.snapshot();
  return collection.scenes.find((one) => one.name === scene)?.items ?? [];
}

/** An item as it is made by the page. */
export function item(id: string, rect: Item['rect']): Item {
  const crop = { left: 0, top: 0, right: 0, bottom: 0 };
  return { id, source: id, rect, fit: 'contain', crop, rotation: 0, opacity: 1, visible: true, locked: false, flip_h: false, flip_v: false };
}

/** Where a point of the canvas is on screen. */
export async function at(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = (await page.locator('canvas.program').boundingBox())!;
  return { x: box.x + (x / 1280) * box.width, y: box.y + (y / 720) * box.height };
}

/** Drags from one point of the canvas to another, with keys held down; `over` looks before the hand lets go. */
export async function drag(page: Page, from: readonly [number, number], to: readonly [number, number], held: readonly string[] = [], over?: () => Promise<void>): Promise<void> {
  const [a, b] = [await at(page, ...from), await at(page, ...to)];
  await page.mouse.move(a.x, a.y);
  for (const key of held) await page.keyboard.down(key);
  await page.mouse.down();
  await page.mouse.move((a.x + b.x) / 2, (a.y + b.y) / 2, { steps: 4 });
  await page.mouse.move(b.x, b.y, { steps: 4 });
  await over?.();
  await page.mouse.up();
  for (const key of held.toReversed()) await page.keyboard.up(key);
}

/** The mean colour of a part of a picture that the studio shows, in shares of its width and height. */
export async function color(picture: Locator, [left, top, width, height]: readonly [number, number, number, number]): Promise<[number, number, number]> {
  return picture.evaluate(
    (element, [left, top, width, height]) => {
      const from = element as HTMLCanvasElement;
      const [w, h] = [Math.max(1, Math.round(from.width * width)), Math.max(1, Math.round(from.height * height))];
      const context = new OffscreenCanvas(w, h).getContext('2d')!;
      context.drawImage(from, from.width * left, from.height * top, w, h, 0, 0, w, h);
      const { data } = context.getImageData(0, 0, w, h);
      const sum: [number, number, number] = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) for (const c of [0, 1, 2] as const) sum[c] += data[i + c]!;
      return sum.map((one) => one / (data.length / 4)) as [number, number, number];
    },
    [left, top, width, height] as const,
  );
}
