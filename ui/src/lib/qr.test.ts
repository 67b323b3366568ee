import { encode } from 'uqr';
import { expect, it } from 'vitest';
import { qr } from './qr';

it('draws every dark module once', () => {
  const text = 'http://192.168.1.20:8080/watch/garden';
  const { size, path } = qr(text);
  const drawn = new Set<string>();
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let at = 0; at < Number(run); at += 1) drawn.add(`${Number(x) + at},${y}`);
  }
  const { data } = encode(text, { ecc: 'M', border: 4 });
  const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`${x},${y}`] : [])));
  expect(data.length).toBe(size);
  expect(drawn).toEqual(new Set(dark));
});
