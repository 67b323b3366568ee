import type { Crop, Item, Rect } from '$lib/api';
import type { Size } from './canvas/affine';

/** Boxes on the canvas: where they are hit, moved and resized. Lengths are canvas pixels, angles degrees. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A handle of a box: −1 left or top, 0 middle, 1 right or bottom. */
export interface Handle {
  readonly x: -1 | 0 | 1;
  readonly y: -1 | 0 | 1;
}

export const HANDLES: readonly Handle[] = [
  { x: -1, y: -1 },
  { x: 0, y: -1 },
  { x: 1, y: -1 },
  { x: 1, y: 0 },
  { x: 1, y: 1 },
  { x: 0, y: 1 },
  { x: -1, y: 1 },
  { x: -1, y: 0 },
];

/** The least width and height that dragging makes. */
export const LEAST = 8;

/** The middle of a box. */
export const middle = (rect: Rect): Point => ({ x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 });

function turn({ x, y }: Point, degrees: number): Point {
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return { x: x * cos - y * sin, y: x * sin + y * cos };
}

const minus = (a: Point, b: Point): Point => ({ x: a.x - b.x, y: a.y - b.y });
const plus = (a: Point, b: Point): Point => ({ x: a.x + b.x, y: a.y + b.y });

/** Whether a point lies in an item's box as it is turned. */
export function hits(item: Pick<Item, 'rect' | 'rotation'>, point: Point): boolean {
  const { x, y } = turn(minus(point, middle(item.rect)), -item.rotation);
  return Math.abs(x) <= item.rect.width / 2 && Math.abs(y) <= item.rect.height / 2;
}

/** Where a handle of a box is as it is turned. */
export function corner(rect: Rect, rotation: number, handle: Handle): Point {
  return plus(middle(rect), turn({ x: (handle.x * rect.width) / 2, y: (handle.y * rect.height) / 2 }, rotation));
}

/** A box after one of its handles was dragged to a point; the other side stays where it is. */
export function resized(rect: Rect, rotation: number, handle: Handle, to: Point, keepShape: boolean): Rect {
  const half = { x: rect.width / 2, y: rect.height / 2 };
  const anchor = plus(middle(rect), turn({ x: -handle.x * half.x, y: -handle.y * half.y }, rotation));
  const reach = turn(minus(to, anchor), -rotation);
  let width = handle.x === 0 ? rect.width : Math.max(LEAST, handle.x * reach.x);
  let height = handle.y === 0 ? rect.height : Math.max(LEAST, handle.y * reach.y);
  if (keepShape && handle.x !== 0 && handle.y !== 0) {
    const scale = Math.max(width / rect.width, height / rect.height);
    width = rect.width * scale;
    height = rect.height * scale;
  }
  width = Math.round(width);
  height = Math.round(height);
  const centre = plus(anchor, turn({ x: (handle.x * width) / 2, y: (handle.y * height) / 2 }, rotation));
  return { x: Math.round(centre.x - width / 2), y: Math.round(centre.y - height / 2), width, height };
}

/** Where moved boxes are drawn to. */
export interface Lines {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** The upright box around a box that is turned. */
export function bounds({ rect, rotation }: Pick<Item, 'rect' | 'rotation'>): Rect {
  const angle = (rotation * Math.PI) / 180;
  const straight = rotation % 90 === 0;
  const cos = straight ? (rotation % 180 === 0 ? 1 : 0) : Math.abs(Math.cos(angle));
  const sin = straight ? 1 - cos : Math.abs(Math.sin(angle));
  const width = rect.width * cos + rect.height * sin;
  const height = rect.width * sin + rect.height * cos;
  const { x, y } = middle(rect);
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** The box around several. */
export function union(boxes: readonly Rect[]): Rect | null {
  if (boxes.length === 0) return null;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** Whether two boxes have anything in common. */
export const touches = (a: Rect, b: Rect): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** The edges and middles of a canvas and of what lies on it. */
export function linesOf(canvas: Size, others: readonly Rect[]): Lines {
  const boxes: readonly Rect[] = [{ x: 0, y: 0, width: canvas.width, height: canvas.height }, ...others];
  return {
    x: boxes.flatMap((box) => [box.x, box.x + box.width / 2, box.x + box.width]),
    y: boxes.flatMap((box) => [box.y, box.y + box.height / 2, box.y + box.height]),
  };
}

/** By how much a moved box is drawn to lines that come near, and which they are. */
export function pulled(box: Rect, lines: Lines, near: number): { dx: number; dy: number; x: number | null; y: number | null } {
  const across = pull([box.x, box.x + box.width / 2, box.x + box.width], lines.x, near);
  const down = pull([box.y, box.y + box.height / 2, box.y + box.height], lines.y, near);
  return { dx: across.by, dy: down.by, x: across.line, y: down.line };
}

/** A point that is drawn to lines; of what is not dragged, nothing is. */
export function drawn(to: Point, handle: Handle, lines: Lines, near: number): Point {
  const across = handle.x === 0 ? 0 : pull([to.x], lines.x, near).by;
  const down = handle.y === 0 ? 0 : pull([to.y], lines.y, near).by;
  return { x: to.x + across, y: to.y + down };
}

/** The lines that a dragged edge lies on. */
export function onLine(box: Rect, handle: Handle, lines: Lines): { x: number | null; y: number | null } {
  const x = handle.x < 0 ? box.x : box.x + box.width;
  const y = handle.y < 0 ? box.y : box.y + box.height;
  return {
    x: handle.x === 0 ? null : (lines.x.find((line) => Math.abs(line - x) < 0.75) ?? null),
    y: handle.y === 0 ? null : (lines.y.find((line) => Math.abs(line - y) < 0.75) ?? null),
  };
}

function pull(edges: readonly number[], lines: readonly number[], near: number): { by: number; line: number | null } {
  let best: { by: number; line: number | null } = { by: 0, line: null };
  let least = near;
  for (const line of lines) {
    for (const edge of edges) {
      const by = line - edge;
      if (Math.abs(by) <= least) {
        least = Math.abs(by) - 1e-9;
        best = { by, line };
      }
    }
  }
  return best;
}

/** A rotation within half a turn either way. */
export function upright(degrees: number): number {
  const turned = ((degrees % 360) + 360) % 360;
  return turned > 180 ? turned - 360 : turned;
}

/** The rotation that points the top of a box to a point. */
export function pointed(rect: Rect, to: Point): number {
  const { x, y } = minus(to, middle(rect));
  return upright((Math.atan2(y, x) * 180) / Math.PI + 90);
}

/** Several items turned around the middle of all. */
export function turnedAround(items: readonly Pick<Item, 'rect' | 'rotation'>[], centre: Point, by: number): { rect: Rect; rotation: number }[] {
  return items.map(({ rect, rotation }) => {
    const { x, y } = plus(centre, turn(minus(middle(rect), centre), by));
    return { rect: { ...rect, x: hundredth(x - rect.width / 2), y: hundredth(y - rect.height / 2) }, rotation: hundredth(upright(rotation + by)) };
  });
}

/** Several boxes after the box around them became another one. What is turned keeps its shape. */
export function scaledInto(items: readonly Pick<Item, 'rect' | 'rotation'>[], from: Rect, to: Rect): Rect[] {
  const sx = to.width / from.width;
  const sy = to.height / from.height;
  return items.map(({ rect, rotation }) => {
    const centre = middle(rect);
    const x = to.x + (centre.x - from.x) * sx;
    const y = to.y + (centre.y - from.y) * sy;
    const across = rotation % 180 === 0 ? sx : rotation % 90 === 0 ? sy : Math.min(sx, sy);
    const down = rotation % 180 === 0 ? sy : rotation % 90 === 0 ? sx : Math.min(sx, sy);
    const width = Math.max(1, rect.width * across);
    const height = Math.max(1, rect.height * down);
    return { x: hundredth(x - width / 2), y: hundredth(y - height / 2), width: hundredth(width), height: hundredth(height) };
  });
}

/**
 * An item after one of its edges was dragged over its picture: what lies outside is cropped, the rest
 * stays where it is. Dragged outwards, what was cropped comes back.
 */
export function cropped(item: Item, picture: Size, handle: Handle, to: Point): { rect: Rect; crop: Crop } {
  const { rect, crop, rotation } = item;
  const part = { width: Math.max(1, picture.width - crop.left - crop.right), height: Math.max(1, picture.height - crop.top - crop.bottom) };
  const fill = { x: rect.width / part.width, y: rect.height / part.height };
  const one = item.fit === 'contain' ? Math.min(fill.x, fill.y) : Math.max(fill.x, fill.y);
  const scale = item.fit === 'stretch' ? fill : { x: one, y: one };
  // What stands over in `cover` is cropped already.
  const over = {
    x: Math.max(0, (part.width - rect.width / scale.x) / 2),
    y: Math.max(0, (part.height - rect.height / scale.y) / 2),
  };
  const now = { left: crop.left + over.x, right: crop.right + over.x, top: crop.top + over.y, bottom: crop.bottom + over.y };
  const half = { x: ((part.width - 2 * over.x) * scale.x) / 2, y: ((part.height - 2 * over.y) * scale.y) / 2 };
  const edges = { left: -half.x, right: half.x, top: -half.y, bottom: half.y };
  const reach = turn(minus(to, middle(rect)), -rotation);
  const next = { left: Math.round(now.left), right: Math.round(now.right), top: Math.round(now.top), bottom: Math.round(now.bottom) };

  const drag = (edge: 'left' | 'right' | 'top' | 'bottom', at: number, factor: number, mirrored: boolean): void => {
    const opposite = { left: 'right', right: 'left', top: 'bottom', bottom: 'top' } as const;
    const inwards = edge === 'left' || edge === 'top' ? 1 : -1;
    const side = mirrored ? opposite[edge] : edge;
    const room = (edges[opposite[edge]] - edges[edge]) * inwards - LEAST;
    const by = Math.min(Math.max((at - edges[edge]) * inwards, -now[side] * factor), Math.max(0, room));
    next[side] = Math.max(0, Math.round(now[side] + by / factor));
    edges[edge] += (next[side] - now[side]) * factor * inwards;
  };
  if (handle.x !== 0) drag(handle.x < 0 ? 'left' : 'right', reach.x, scale.x, item.flip_h);
  if (handle.y !== 0) drag(handle.y < 0 ? 'top' : 'bottom', reach.y, scale.y, item.flip_v);

  const centre = plus(middle(rect), turn({ x: (edges.left + edges.right) / 2, y: (edges.top + edges.bottom) / 2 }, rotation));
  const width = hundredth(edges.right - edges.left);
  const height = hundredth(edges.bottom - edges.top);
  return { rect: { x: hundredth(centre.x - width / 2), y: hundredth(centre.y - height / 2), width, height }, crop: next };
}

const hundredth = (value: number): number => Math.round(value * 100) / 100;
