import type { Collection, Item, Scene } from '$lib/api';
import { nested } from '../document.ts';
import type { Point } from '../geometry';

/** From the pixels of a picture to those that it is shown in: x' = ax + cy + e, y' = bx + dy + f. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const SAME: Affine = [1, 0, 0, 1, 0, 0];

/** First `inner`, then `outer`. */
export function after([a, b, c, d, e, f]: Affine, [g, h, i, j, k, l]: Affine): Affine {
  return [a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f];
}

export const apply = ([a, b, c, d, e, f]: Affine, { x, y }: Point): Point => ({ x: a * x + c * y + e, y: b * x + d * y + f });

/** The way back; of what has no way back, nothing moves. */
export function inverse([a, b, c, d, e, f]: Affine): Affine {
  const area = a * d - b * c;
  if (area === 0) return SAME;
  return [d / area, -b / area, -c / area, a / area, (c * f - d * e) / area, (b * e - a * f) / area];
}

/** How an item shows a picture of a size. */
export function shows(item: Item, { width, height }: Size): Affine {
  const { rect, crop } = item;
  const part = { width: Math.max(1, width - crop.left - crop.right), height: Math.max(1, height - crop.top - crop.bottom) };
  const fill = { x: rect.width / part.width, y: rect.height / part.height };
  const one = item.fit === 'contain' ? Math.min(fill.x, fill.y) : Math.max(fill.x, fill.y);
  const scale = item.fit === 'stretch' ? fill : { x: one, y: one };
  const angle = (item.rotation * Math.PI) / 180;
  const sx = scale.x * (item.flip_h ? -1 : 1);
  const sy = scale.y * (item.flip_v ? -1 : 1);
  const middle: Affine = [1, 0, 0, 1, -(crop.left + part.width / 2), -(crop.top + part.height / 2)];
  const turned: Affine = [
    Math.cos(angle) * sx,
    Math.sin(angle) * sx,
    -Math.sin(angle) * sy,
    Math.cos(angle) * sy,
    rect.x + rect.width / 2,
    rect.y + rect.height / 2,
  ];
  return after(turned, middle);
}

/** A scene that was entered, and how its pixels lie on the canvas. */
export interface Level {
  readonly scene: Scene;
  readonly size: Size;
  readonly to: Affine;
}

/** The scene and the groups that were entered in it, outermost first; ends at what is not there any more. */
export function levels(doc: Collection, scene: Scene | undefined, entered: readonly string[]): Level[] {
  if (!scene) return [];
  const all: Level[] = [{ scene, size: doc.canvas, to: SAME }];
  for (const id of entered) {
    const outer = all[all.length - 1] as Level;
    const item = outer.scene.items.find((one) => one.id === id);
    const inner = item && nested(doc, doc.sources.find((one) => one.id === item.source));
    if (!item || !inner?.group) break;
    all.push({ scene: inner, size: inner.group, to: after(outer.to, shows(item, inner.group)) });
  }
  return all;
}
