import { expect, it } from 'vitest';
import type { Message } from '$lib/api';
import { actsOn, slowly, without, wordsOf } from './order';

const message = (id: number, role: Message['role'] = 'viewer'): Message => ({ id, name: 'jo', role, text: `${id}`, at: id });

it('what is left after a deletion', () => {
  const all = [1, 2, 3].map((id) => message(id));
  expect(without(all, [2, 9]).map((one) => one.id)).toEqual([1, 3]);
  expect(without(all, null)).toEqual([]);
  expect(without(all, undefined)).toEqual([]);
  expect(without(all, [])).toEqual(all);
});

it('nobody stops the host or a moderator', () => {
  expect(actsOn(message(1, 'host')).map((one) => one.act.act)).toEqual(['delete']);
  expect(actsOn(message(1, 'moderator')).length).toBe(1);
  expect(actsOn(message(7)).map((one) => one.act)).toContainEqual({ act: 'time_out', message: 7, seconds: 600 });
});

it('blocked words and slow mode', () => {
  expect(wordsOf(' spam \n\nbuy now\nspam\n')).toEqual(['spam', 'buy now']);
  expect([5, 60, 90, 600].map(slowly)).toEqual(['5 s', '1 min', '1 min 30 s', '10 min']);
});
