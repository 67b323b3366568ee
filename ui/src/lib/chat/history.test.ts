import { expect, it } from 'vitest';
import type { Message } from '$lib/api';
import { KEPT, merge } from './history';

const message = (id: number): Message => ({ id, name: 'jo', role: 'viewer', text: `${id}`, at: id });
const ids = (list: readonly Message[]): number[] => list.map((m) => m.id);

it('keeps each message once, in order', () => {
  expect(ids(merge([], [message(1)]))).toEqual([1]);
  expect(ids(merge([message(1)], [message(2)]))).toEqual([1, 2]);
  expect(ids(merge([message(1), message(3)], [message(2), message(3)]))).toEqual([1, 2, 3]);
  expect(ids(merge([message(5)], [message(5)]))).toEqual([5]);
});

it('forgets the oldest', () => {
  const many = Array.from({ length: KEPT }, (_, i) => message(i));
  const after = merge(many, [message(KEPT)]);
  expect(after.length).toBe(KEPT);
  expect(after[0]?.id).toBe(1);
});
