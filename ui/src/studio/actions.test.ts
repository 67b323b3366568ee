import { expect, it } from 'vitest';
import { ACTIONS, always, isSingle, keyOf } from './actions';

const press = (key: string, code = '', mods: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) =>
  keyOf({ key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...mods });

it('keys are written as people read them', () => {
  expect(press('h', 'KeyH')).toBe('H');
  expect(press('H', 'KeyH', { shiftKey: true })).toBe('Shift+H');
  expect(press('?', 'Minus', { shiftKey: true })).toBe('?');
  expect(press('z', 'KeyZ', { metaKey: true, shiftKey: true })).toBe('Ctrl+Shift+Z');
  expect(press('å', 'KeyA', { altKey: true })).toBe('Alt+A');
  expect(press('ArrowUp', 'ArrowUp', { ctrlKey: true })).toBe('Ctrl+Up');
  expect(press(' ', 'Space')).toBe('Space');
  expect(press('Shift', 'ShiftLeft', { shiftKey: true })).toBeNull();
});

it('no two actions begin with the same key or name', () => {
  const keys = ACTIONS.map((one) => one.key).filter((key) => key !== '');
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(ACTIONS.map((one) => one.id)).size).toBe(ACTIONS.length);
});

it('single keys are those without Ctrl and Alt', () => {
  expect(['H', 'Shift+H', '?', '1', 'Space'].every(isSingle)).toBe(true);
  expect(['Ctrl+Z', 'Alt+A', 'Delete', 'F5'].some(isSingle)).toBe(false);
});

it('what always does the same is no key of an action', () => {
  expect(['F2', 'Shift+Left', 'Alt+Up', 'Space', 'Ctrl+Y'].map((key) => always(key) !== undefined)).toEqual(Array(5).fill(true));
  expect(['F3', 'Ctrl+Up', 'Shift+Y', 'Shift+Enter', 'Ctrl+Shift+Y'].map(always)).toEqual(Array(5).fill(undefined));
  expect(ACTIONS.filter((action) => always(action.key) !== undefined)).toEqual([]);
});
