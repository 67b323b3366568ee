import { expect, test } from 'vitest';
import { spoken, toggled, trackEntries } from './tracks';

test('a source goes onto a track and off it, in their order', () => {
  expect(toggled([], 3)).toEqual([3]);
  expect(toggled([3, 5], 2)).toEqual([2, 3, 5]);
  expect(toggled([2, 3, 5], 3)).toEqual([2, 5]);
});

test('tracks are said in words', () => {
  expect(spoken([])).toBe('In the mix alone');
  expect(spoken([4])).toBe('In the mix, and on sound track 4 of recordings');
  expect(spoken([2, 3, 6])).toBe('In the mix, and on sound tracks 2, 3 and 6 of recordings');
});

test('the menu says what is on, and changes one of them', () => {
  let set: number[] | null = null;
  const entries = trackEntries({ gain_db: 0, muted: false, pan: 0, tracks: [2] }, (tracks) => (set = tracks));
  expect(entries.map((one) => one.checked)).toEqual([true, true, false, false, false, false]);
  expect(entries[0]?.disabled).toBe(true);
  entries[5]?.run?.();
  expect(set).toEqual([2, 6]);
});
