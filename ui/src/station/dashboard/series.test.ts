import { describe, expect, test } from 'vitest';
import type { Dashboard } from '$lib/api';
import { ceiling, figures, joined, line, reach, rows, told } from './series';

function data(at: number[], channels: Dashboard['channels'] = []): Dashboard {
  const each = at.map(() => 1);
  return {
    every_ms: 5000,
    at,
    channels,
    ...{ cpu: each, memory: each, bitrate_in: each, bitrate_out: each, fps: each, skipped: each, lost: each, latency: each },
  };
}

describe('what came since is put behind what was known', () => {
  test('with channels that come and go', () => {
    const known = data([0, 5], [{ name: 'a', live: true, viewers: [1, 2] }]);
    const both = joined(known, data([10], [{ name: 'b', live: true, viewers: [7] }]));
    expect(both.at).toEqual([0, 5, 10]);
    expect(both.channels).toEqual([
      { name: 'a', live: false, viewers: [1, 2, null] },
      { name: 'b', live: true, viewers: [null, null, 7] },
    ]);
  });

  test('no more than an hour, and not over a restart', () => {
    const known = data(Array.from({ length: 720 }, (_, i) => i));
    expect(joined(known, data([720, 721])).at).toHaveLength(720);
    expect(joined(known, data([720])).at.at(0)).toBe(1);
    expect(joined(known, data([3, 4])).at).toEqual([3, 4]);
    expect(joined(known, data([])).at).toHaveLength(720);
  });
});

test('a scale ends at a round number', () => {
  const with_ = (value: number): number => ceiling([{ name: '', values: [null, value] }], 1);
  expect([0, 1, 1.1, 3, 7, 10, 2_600_000].map(with_)).toEqual([1, 1, 2, 4, 8, 10, 4_000_000]);
});

test('a line breaks where a value is missing', () => {
  expect(line([0, 10, null, 5], 10, 59, 100)).toBe('M56.0 100.0L57.0 0.0M59.0 50.0h0.01');
  expect([1, 60, 61, 700, 720].map(reach)).toEqual([60, 60, 180, 720, 720]);
  expect(line([], 10, 100, 100)).toBe('');
});

test('many channels are drawn as five and the rest', () => {
  const channels = Array.from({ length: 9 }, (_, i) => ({ name: `c${i}`, live: true, viewers: [i] }));
  const plot = figures(data([0], channels))[0];
  expect(plot?.series.map((one) => one.name)).toEqual(['c8', 'c7', 'c6', 'c5', 'c4', '4 others']);
  expect(plot?.series.at(-1)?.values).toEqual([6]);
});

test('a plot is told in words, and as a table', () => {
  expect(told({ name: 'CPU', values: [null, 2, 8, 4] }, String)).toBe('CPU: 4, within the hour from 2 to 8.');
  expect(told({ name: 'CPU', values: [null] }, String)).toBe('CPU: nothing yet.');
  expect(rows(Array.from({ length: 130 }, (_, i) => i), 5000)).toEqual([129, 69, 9]);
});
