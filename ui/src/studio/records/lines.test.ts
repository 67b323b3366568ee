import { expect, test } from 'vitest';
import type { LogLevel, LogLine } from '$lib/api';
import { added, asText, chosen } from './lines';

const line = (id: number, level: LogLevel = 'info', text = `line ${id}`): LogLine => ({ id, at: 0, level, target: 'server::rtmp', text });

test('lines are added once, and begin anew after a restart', () => {
  const known = [line(3), line(4)];
  expect(added(known, [line(4), line(5)]).map((one) => one.id)).toEqual([3, 4, 5]);
  expect(added(known, []).map((one) => one.id)).toEqual([3, 4]);
  expect(added(known, [line(0), line(1)]).map((one) => one.id)).toEqual([0, 1]);
  const many = Array.from({ length: 3000 }, (_, id) => line(id));
  expect(added([], many)).toHaveLength(2000);
});

test('a level shows what matters more, and words stand anywhere', () => {
  const lines = [line(0, 'error'), line(1, 'debug', 'A peer CAME'), line(2, 'info', 'a peer left')];
  expect(chosen(lines, 'info', '').map((one) => one.id)).toEqual([0, 2]);
  expect(chosen(lines, 'trace', 'peer rtmp').map((one) => one.id)).toEqual([1, 2]);
  expect(chosen(lines, 'trace', 'peer came').map((one) => one.id)).toEqual([1]);
});

test('as text', () => {
  expect(asText([line(0)])).toBe('1970-01-01T00:00:00.000Z  INFO server::rtmp: line 0');
});
