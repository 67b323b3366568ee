/** The travel of a fader: more of it where hearing tells levels apart. */

export const LOWEST = -60;
export const HIGHEST = 20;

/** Corners of the curve: dB against travel from 0 (bottom) to 1 (top). */
const curve: readonly (readonly [number, number])[] = [
  [LOWEST, 0],
  [-40, 0.12],
  [-24, 0.31],
  [-12, 0.5],
  [0, 0.76],
  [10, 0.9],
  [HIGHEST, 1],
];

/** Travel of a level. */
export function travel(db: number): number {
  return along(curve, db);
}

/** Level at a place of the travel, in steps of 0.1 dB, with a notch at 0 dB. */
export function level(at: number): number {
  const db = along(
    curve.map(([x, y]) => [y, x] as const),
    at,
  );
  if (Math.abs(db) < 0.35) return 0;
  return Math.round(db * 10) / 10;
}

/** A level moved by keys or a wheel, kept in range. */
export function nudged(db: number, by: number): number {
  return Math.round(Math.min(HIGHEST, Math.max(LOWEST, db + by)) * 10) / 10;
}

function along(points: readonly (readonly [number, number])[], x: number): number {
  let [fromX, fromY] = points[0] ?? [0, 0];
  if (x <= fromX) return fromY;
  for (const [toX, toY] of points) {
    if (x <= toX) return toX === fromX ? toY : fromY + ((x - fromX) / (toX - fromX)) * (toY - fromY);
    [fromX, fromY] = [toX, toY];
  }
  return fromY;
}
