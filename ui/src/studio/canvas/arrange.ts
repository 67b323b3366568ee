import type { Edit, Item, ItemPatch, Rect, Scene } from '$lib/api';
import { step } from '../steps';
import { bounds, union, upright } from '../geometry';
import type { Size } from './affine';

/** What is done to chosen items at one press: each gives what changes of them, and names the step. */

export interface Change {
  readonly id: string;
  readonly patch: ItemPatch;
}

export interface Arranged {
  readonly label: string;
  readonly changes: readonly Change[];
}

export type Edge = 'left' | 'centre' | 'right' | 'top' | 'middle' | 'bottom';

const whole = ({ width, height }: Size): Rect => ({ x: 0, y: 0, width, height });

const placed = ({ rect }: Item, dx: number, dy: number): Rect => ({ ...rect, x: Math.round(rect.x + dx), y: Math.round(rect.y + dy) });

const moved = (items: readonly Item[], by: (box: Rect) => { dx?: number; dy?: number }): Change[] =>
  items.map((item) => {
    const { dx = 0, dy = 0 } = by(bounds(item));
    return { id: item.id, patch: { rect: placed(item, dx, dy) } };
  });

/** One item lines up with the canvas, several with each other. */
export function align(items: readonly Item[], canvas: Size, edge: Edge): Arranged {
  const to = items.length === 1 ? whole(canvas) : (union(items.map(bounds)) ?? whole(canvas));
  const changes = moved(items, (box) => {
    switch (edge) {
      case 'left':
        return { dx: to.x - box.x };
      case 'centre':
        return { dx: to.x + to.width / 2 - box.x - box.width / 2 };
      case 'right':
        return { dx: to.x + to.width - box.x - box.width };
      case 'top':
        return { dy: to.y - box.y };
      case 'middle':
        return { dy: to.y + to.height / 2 - box.y - box.height / 2 };
      case 'bottom':
        return { dy: to.y + to.height - box.y - box.height };
    }
  });
  return { label: `Align ${edge}`, changes };
}

/** The same gap between all; the outermost stay. */
export function distribute(items: readonly Item[], across: boolean): Arranged {
  const start = (box: Rect): number => (across ? box.x : box.y);
  const length = (box: Rect): number => (across ? box.width : box.height);
  const sorted = items.map((item) => ({ item, box: bounds(item) })).sort((a, b) => start(a.box) + length(a.box) / 2 - start(b.box) - length(b.box) / 2);
  const all = union(sorted.map((one) => one.box));
  const label = across ? step('Distribute across') : step('Distribute down');
  if (!all || sorted.length < 3) return { label, changes: [] };
  const gap = (length(all) - sorted.reduce((sum, one) => sum + length(one.box), 0)) / (sorted.length - 1);
  let at = start(all);
  const changes = sorted.map(({ item, box }) => {
    const by = at - start(box);
    at += length(box) + gap;
    return { id: item.id, patch: { rect: placed(item, across ? by : 0, across ? 0 : by) } };
  });
  return { label, changes };
}

/** To the middle of the canvas, together. */
export function centre(items: readonly Item[], canvas: Size): Arranged {
  const all = union(items.map(bounds)) ?? whole(canvas);
  const by = { dx: canvas.width / 2 - all.x - all.width / 2, dy: canvas.height / 2 - all.y - all.height / 2 };
  return { label: step('Centre'), changes: moved(items, () => by) };
}

/** Over the whole canvas. */
export function over(items: readonly Item[], canvas: Size, fit: Item['fit']): Arranged {
  const label = { contain: step('Fit to canvas'), cover: step('Fill canvas'), stretch: step('Stretch to canvas') }[fit];
  return { label, changes: items.map(({ id }) => ({ id, patch: { rect: whole(canvas), fit, rotation: 0 } })) };
}

/** As a new item begins. */
export function reset(items: readonly Item[], canvas: Size): Arranged {
  const patch: ItemPatch = {
    rect: whole(canvas),
    fit: 'contain',
    crop: { left: 0, top: 0, right: 0, bottom: 0 },
    rotation: 0,
    flip_h: false,
    flip_v: false,
  };
  return { label: step('Reset transform'), changes: items.map(({ id }) => ({ id, patch })) };
}

/** One pixel of the picture on one of the canvas, around the same middle. */
export function original(items: readonly Item[], sizeOf: (item: Item) => Size | null): Arranged {
  const changes = items.flatMap((item) => {
    const size = sizeOf(item);
    if (!size) return [];
    const { rect, crop } = item;
    const width = Math.max(1, size.width - crop.left - crop.right);
    const height = Math.max(1, size.height - crop.top - crop.bottom);
    const x = Math.round(rect.x + (rect.width - width) / 2);
    const y = Math.round(rect.y + (rect.height - height) / 2);
    return [{ id: item.id, patch: { rect: { x, y, width, height }, fit: 'contain' as const } }];
  });
  return { label: step('Original size'), changes };
}

/** Mirrored as one sees it, also when it is turned. */
export function flip(items: readonly Item[], across: boolean): Arranged {
  const changes = items.map(({ id, rotation, flip_h, flip_v }) => ({
    id,
    patch: { ...(across ? { flip_h: !flip_h } : { flip_v: !flip_v }), rotation: rotation === 0 ? 0 : upright(-rotation) },
  }));
  return { label: across ? step('Flip horizontally') : step('Flip vertically'), changes };
}

export function rotate(items: readonly Item[], by: number): Arranged {
  const changes = items.map(({ id, rotation }) => ({ id, patch: { rotation: upright(rotation + by) } }));
  return { label: `Rotate ${Math.abs(by)}° ${by > 0 ? 'right' : 'left'}`, changes };
}

export type Order = 'front' | 'forward' | 'backward' | 'back';

const orders: Record<Order, string> = { front: step('Bring to front'), forward: step('Bring forward'), backward: step('Send backward'), back: step('Send to back') };

/** Chosen items further up or down; among themselves they keep their order. */
export function order(scene: Scene, chosen: readonly string[], to: Order): { label: string; edits: Edit[] } {
  const before = scene.items.map((item) => item.id);
  const picked = before.filter((id) => chosen.includes(id));
  const rest = before.filter((id) => !chosen.includes(id));
  let after: string[];
  if (to === 'front') after = [...rest, ...picked];
  else if (to === 'back') after = [...picked, ...rest];
  else {
    after = [...before];
    for (const id of to === 'forward' ? picked.toReversed() : picked) {
      const at = after.indexOf(id);
      const next = at + (to === 'forward' ? 1 : -1);
      const other = after[next];
      if (other === undefined || picked.includes(other)) continue;
      after = after.with(at, other).with(next, id);
    }
  }
  // Only what was chosen is named: the rest keeps its order, and may be locked. Whatever goes up is placed from the
  // top, whatever goes down from the bottom, so that nothing is pushed out of its place again.
  const up = to === 'front' || to === 'forward';
  const edits: Edit[] = [];
  const now = [...before];
  for (const id of up ? picked.toReversed() : picked) {
    const index = after.indexOf(id);
    if (now.indexOf(id) === index) continue;
    now.splice(now.indexOf(id), 1);
    now.splice(index, 0, id);
    edits.push({ edit: 'move_item', scene: scene.id, id, index });
  }
  return { label: orders[to], edits };
}
