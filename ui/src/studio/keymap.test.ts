import { expect, it } from 'vitest';
import type { Keys } from '$lib/api';
import { ACTIONS, muteOf, labelOf, mutes, sceneOf } from './actions';
import { Keymap } from './keymap.svelte';

function kept(keys: Partial<Keys> = {}): { keymap: Keymap; sent: Keys[] } {
  const keymap = new Keymap();
  const sent: Keys[] = [];
  keymap.keepWith(async (keys) => Boolean(sent.push(keys)));
  keymap.take({ own: {}, anywhere: {}, singles: true, ...keys });
  return { keymap, sent };
}

const microphone = muteOf({ id: 'mic', name: 'Microphone' });

it('a key that is given away is gone from what had it', () => {
  const { keymap, sent } = kept();
  expect(keymap.find('H')?.id).toBe('visible');
  expect(keymap.taken('group', 'H')?.id).toBe('visible');
  keymap.set('group', 'H');
  expect([keymap.find('H')?.id, keymap.of('visible')]).toEqual(['group', '']);
  expect(sent.at(-1)?.own).toEqual({ group: 'H', visible: '' });
  keymap.set('group', 'Ctrl+G');
  expect(sent.at(-1)?.own).toEqual({ visible: '' });
});

it('sources have keys of their own, also those of another collection', () => {
  const { keymap, sent } = kept({ own: { [microphone.id]: 'Ctrl+M', nonsense: 'X' }, anywhere: { 'mute-gone': 'F5' } });
  expect(keymap.find('Ctrl+M')).toBeUndefined();
  keymap.more = [microphone];
  const found = keymap.find('Ctrl+M');
  expect(found && labelOf(found)).toBe('Mute or hear “Microphone”');
  expect(mutes(microphone.id)).toBe('mic');
  // What is not here keeps its key, and says so when somebody else wants it.
  expect(keymap.taken('live', 'F5', true)).toMatchObject({ id: 'mute-gone', label: 'Mute or hear a source of another collection' });
  keymap.set('live', 'F5', true);
  expect(sent.at(-1)).toEqual({ own: { [microphone.id]: 'Ctrl+M' }, anywhere: { live: 'F5' }, singles: true });
});

it('scenes beyond the ninth can have a key, and none is theirs at first', () => {
  const scenes = ACTIONS.filter((one) => sceneOf(one.id) !== null);
  expect(scenes.slice(0, 9).map((one) => one.key).join('')).toBe('123456789');
  expect(scenes.slice(9).every((one) => one.key === '')).toBe(true);
  expect([sceneOf('scene-12'), sceneOf('scene-next'), mutes('mute')]).toEqual([12, null, null]);
});
