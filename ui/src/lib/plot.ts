/** Lines of plots. Everything here is pure. */

export type Values = readonly (number | null)[];

/** Points in a plot at most: an hour, one each five seconds. */
export const POINTS = 720;

/** How many points a plot is wide: sixty at first, all of them at last. */
export function reach(points: number): number {
  return [60, 180, 360, POINTS].find((n) => n >= points) ?? POINTS;
}

/** The upper end of a scale, at or above the largest value: its half is a round number, too. */
export function ceiling(series: readonly { readonly name?: string; readonly values: Values }[], least: number): number {
  const top = Math.max(least, ...series.map((one) => one.values.reduce<number>((max, value) => Math.max(max, value ?? 0), 0)));
  const power = 10 ** Math.floor(Math.log10(top));
  return [1, 2, 4, 6, 8, 10].map((n) => n * power).find((n) => n >= top) ?? top;
}

/** A line through the points, broken where a value is missing, in a box of `width` by `height`; the newest is at its right end. */
export function line(values: Values, top: number, width: number, height: number): string {
  const step = width / (reach(values.length) - 1);
  const left = width - step * (values.length - 1);
  let path = '';
  let pen = false;
  values.forEach((value, i) => {
    if (value === null) {
      pen = false;
      return;
    }
    const x = (left + i * step).toFixed(1);
    const y = (height - (Math.min(value, top) / top) * height).toFixed(1);
    path += `${pen ? 'L' : 'M'}${x} ${y}`;
    // A point by itself is a dot.
    if (!pen && (values[i + 1] ?? null) === null) path += `h0.01`;
    pen = true;
  });
  return path;
}
