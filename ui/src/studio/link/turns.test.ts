import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Turns } from './turns';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A request that is answered when the test says so. */
function request(sent: string[], name: string): { send: () => Promise<void>; answer: () => void; refuse: (why: Error) => void } {
  let answer = (): void => {};
  let refuse = (_: Error): void => {};
  const promise = new Promise<void>((resolve, reject) => {
    answer = resolve;
    refuse = reject;
  });
  const send = (): Promise<void> => {
    sent.push(name);
    return promise;
  };
  return { send, answer, refuse };
}

it('a command waits for the answer to the one before', async () => {
  const sent: string[] = [];
  const turns = new Turns();
  const [mode, scene] = [request(sent, 'mode'), request(sent, 'scene')];
  const first = turns.take(mode.send);
  const second = turns.take(scene.send);
  await vi.advanceTimersByTimeAsync(50);
  expect(sent).toEqual(['mode']);
  mode.answer();
  await first;
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(['mode', 'scene']);
  scene.answer();
  await second;
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
});

it('one that is refused holds back nobody, and is told to who sent it', async () => {
  const sent: string[] = [];
  const turns = new Turns();
  const [bad, good] = [request(sent, 'bad'), request(sent, 'good')];
  const first = turns.take(bad.send);
  void turns.take(good.send);
  bad.refuse(new Error('no such scene'));
  await expect(first).rejects.toThrow('no such scene');
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(['bad', 'good']);
});

it('one that takes its time is not waited for beyond a tenth of a second', async () => {
  const sent: string[] = [];
  const turns = new Turns();
  const names = ['slow', 'next', 'after'];
  for (const name of names) void turns.take(request(sent, name).send);
  await vi.advanceTimersByTimeAsync(99);
  expect(sent).toEqual(['slow']);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual(['slow', 'next']);
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toEqual(names);
});
