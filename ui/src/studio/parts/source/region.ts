import type { ScreenArea } from '$lib/api';

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The part between two places of a picture (0 to 1 each way) of something so large, in its pixels; 8 at least. */
export function dragged(from: Place, to: Place, [width, height]: readonly [number, number]): ScreenArea {
  const side = (a: number, b: number, whole: number): [number, number] => {
    const inside = (part: number): number => Math.min(1, Math.max(0, part));
    const [low, high] = [Math.min(inside(a), inside(b)), Math.max(inside(a), inside(b))];
    const length = Math.max(Math.min(8, whole), Math.round((high - low) * whole));
    return [Math.min(Math.round(low * whole), whole - length), length];
  };
  const [x, w] = side(from.x, to.x, width);
  const [y, h] = side(from.y, to.y, height);
  return { x, y, width: w, height: h };
}
