import { expect, test } from 'vitest';
import { length, positionAt } from './playback';

test('what plays goes on by its speed and no further than its end', () => {
  const playback = { playing: true, position_ms: 1000, speed: 2, duration_ms: 4000, entry: 0, entries: 1 };
  expect([0, 500, 9000, -5].map((after) => positionAt(playback, after))).toEqual([1000, 2000, 4000, 1000]);
  expect(positionAt({ ...playback, playing: false }, 500)).toBe(1000);
  const { duration_ms: _, ...endless } = playback;
  expect(positionAt(endless, 10_000)).toBe(21_000);
});

test('lengths are as short as they go', () => {
  expect([0, 999, 65_000, 3_845_000, -3].map(length)).toEqual(['0:00', '0:00', '1:05', '1:04:05', '0:00']);
});
