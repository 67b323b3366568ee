import type { Canvas, Item, Rect } from '$lib/api';

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

const middle = (rect: Rect): Point => ({ x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 });

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

/** A moved box, drawn to edges and middle of the canvas when it comes near, and the lines it was drawn to. */
export function snapped(rect: Rect, canvas: Canvas, near: number): { rect: Rect; x: number | null; y: number | null } {
  const across = pull([rect.x, rect.x + rect.width / 2, rect.x + rect.width], [0, canvas.width / 2, canvas.width], near);
  const down = pull([rect.y, rect.y + rect.height / 2, rect.y + rect.height], [0, canvas.height / 2, canvas.height], near);
  return {
    rect: { ...rect, x: Math.round(rect.x + across.by), y: Math.round(rect.y + down.by) },
    x: across.line,
    y: down.line,
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
