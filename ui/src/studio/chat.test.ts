import { expect, it } from 'vitest';
import type { Message, Publisher } from '$lib/api';
import { ChatDesk, roomsOf } from './chat.svelte';

const message = (id: number, text = `${id}`): Message => ({ id, name: 'jo', role: 'viewer', text, at: id });
const publisher = (channel: string, more: Partial<Publisher> = {}): Publisher => ({
  channel,
  source: 'whip',
  address: '10.0.0.9',
  since: 0,
  held: false,
  guest: false,
  ...more,
});

/** A desk whose older messages come when the test says so. */
function desk() {
  const asked: { room: string; answer: (messages: Message[]) => void }[] = [];
  const chat = new ChatDesk('program', (room) => new Promise((answer) => asked.push({ room, answer })));
  const answer = async (at: number, messages: Message[]): Promise<void> => {
    asked[at]?.answer(messages);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { chat, asked, answer, shown: () => chat.messages.map((one) => one.id) };
}

it('the program first, then the channels that viewers find', () => {
  const all = [publisher('stage'), publisher('waits', { held: true }), publisher('ann', { guest: true }), publisher('garden')];
  expect(roomsOf('program', all)).toEqual(['program', 'garden', 'stage']);
  expect(roomsOf('program', [])).toEqual(['program']);
});

it('a room shows what is said in it, and nothing of another', async () => {
  const { chat, asked, answer, shown } = desk();
  chat.live([publisher('garden')]);
  chat.said('program', message(1));
  chat.said('garden', message(2));
  expect(shown()).toEqual([1]);
  chat.open('garden');
  expect(shown()).toEqual([]);
  expect(asked.map((one) => one.room)).toEqual(['garden']);
  chat.said('garden', message(4));
  chat.said('program', message(5));
  await answer(0, [message(2), message(3)]);
  expect(shown()).toEqual([2, 3, 4]);
  chat.deleted('program', null);
  chat.deleted('garden', [3]);
  expect(shown()).toEqual([2, 4]);
});

it('it is the program’s again when the channel ends', () => {
  const { chat, asked } = desk();
  expect(chat.live([publisher('garden'), publisher('stage')])).toBeNull();
  chat.open('garden');
  expect(chat.live([publisher('garden')])).toBeNull();
  expect(chat.room).toBe('garden');
  expect(chat.live([publisher('garden', { held: true })])).toBe('garden');
  expect(chat.room).toBe('program');
  expect(asked.at(-1)?.room).toBe('program');
  chat.open('garden');
  expect(chat.room, 'no room of a channel that is not live').toBe('program');
});

it('what comes late of a room that was left stays out', async () => {
  const { chat, answer, shown } = desk();
  chat.live([publisher('garden')]);
  chat.open('garden');
  chat.open('program');
  await answer(0, [message(7)]);
  expect(shown()).toEqual([]);
  await answer(1, [message(1)]);
  expect(shown()).toEqual([1]);
});

it('what is deleted while older messages are under way stays gone', async () => {
  const { chat, answer, shown } = desk();
  void chat.remember();
  chat.deleted('program', [2]);
  await answer(0, [message(1), message(2), message(3)]);
  expect(shown()).toEqual([1, 3]);
  void chat.remember();
  chat.deleted('program', null);
  chat.said('program', message(9));
  await answer(1, [message(1), message(3)]);
  expect(shown()).toEqual([9]);
});
