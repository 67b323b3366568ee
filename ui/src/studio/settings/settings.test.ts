import { expect, test } from 'vitest';
import type { Setting, SettingKind } from '$lib/api';
import { inWords, nameOf } from './catalogue';
import { from, groups, isFixed, shown, typed, when } from './settings';

const setting = (key: string, kind: SettingKind, more: Partial<Setting> = {}): Setting => ({
  key,
  meaning: 'It means something.',
  kind,
  origin: 'default',
  effect: 'live',
  waits: false,
  ...more,
});

test('settings are found by what they are called, mean and are', () => {
  const all = [
    setting('server.http', { type: 'address', off: false }, { value: '0.0.0.0:8080' }),
    setting('server.allowed_origins', { type: 'list', example: 'https://x' }, { value: ['https://club.example'] }),
    setting('ingest.policy', { type: 'choice', options: ['keyed'] }, { meaning: 'Who may publish.' }),
    setting('new.thing_here', { type: 'flag' }),
  ];
  const keys = (search: string): string[] => groups(all, search).flatMap((group) => group.settings.map((one) => one.key));
  expect(keys('')).toEqual(all.map((one) => one.key));
  expect(keys('8080')).toEqual(['server.http']);
  expect(keys('CLUB origins')).toEqual(['server.allowed_origins']);
  expect(keys('who may publish')).toEqual(['ingest.policy']);
  // By what it may be set to, as the page says it and as the file has it.
  expect(keys('whoever has a key')).toEqual(['ingest.policy']);
  expect(keys('keyed')).toEqual(['ingest.policy']);
  expect(keys('nothing like it')).toEqual([]);
  expect(groups(all, '').map((group) => group.title)).toEqual(['Addresses and access', 'Who may publish', 'New']);
  expect(nameOf('new.thing_here')).toBe('Thing here');
});

test.each<[SettingKind, string, unknown]>([
  [{ type: 'whole', min: 1, max: 9, unit: 'x' }, ' 2 500 000 ', 2_500_000],
  [{ type: 'whole', min: 1, max: 9, unit: 'x' }, 'many', 'many'],
  [{ type: 'whole', min: 1, max: 9, unit: 'x' }, '', ''],
  [{ type: 'number', min: 1, max: 9, unit: 'x' }, '1.5', 1.5],
  [{ type: 'address', off: true }, ' off ', 'off'],
  [{ type: 'list', example: 'a' }, ' a \n\nb, c\n', ['a', 'b', 'c']],
  [{ type: 'list', example: 'a' }, '', []],
  [{ type: 'secret' }, ' as it is ', ' as it is '],
])('%j reads %j', (kind, text, expected) => {
  expect(typed(setting('a.b', kind), text)).toEqual(expected);
});

test('values and their origins in words', () => {
  expect(shown(['a', 'b'])).toBe('a\nb');
  expect([undefined, true, [], ['a', 'b'], 2_500_000, 'x'].map((value) => inWords(value))).toEqual([
    'nothing',
    'on',
    'none',
    'a, b',
    '2 500 000',
    'x',
  ]);
  const fixed = setting('server.http', { type: 'text' }, { origin: 'environment', place: 'KLIEG_SERVER__HTTP' });
  expect(isFixed(fixed)).toBe(true);
  expect(from(fixed)).toBe('Fixed by the environment: KLIEG_SERVER__HTTP');
  expect(from(setting('a.b', { type: 'text' }, { origin: 'file', place: 'line 3' }))).toBe('From settings.toml, line 3');
  expect(from(setting('a.b', { type: 'text' }, { origin: 'file', place: 'somewhere' }))).toBe('From settings.toml, somewhere');
  expect(when(setting('a.b', { type: 'text' }))).toBeNull();
  expect(when(setting('a.b', { type: 'text' }, { effect: 'restart' }))).toBe('Needs a restart');
  expect(when(setting('a.b', { type: 'text' }, { effect: 'restart', waits: true }))).toContain('started again');
});
