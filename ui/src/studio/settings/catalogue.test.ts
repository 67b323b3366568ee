import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Setting, SettingKind } from '$lib/api';
import { KNOWN, choiceOf, meaningOf, nameOf, valueOf } from './catalogue';

/** The keys of the table that says what settings mean. A test of the program holds every key that it declares to this page. */
function documented(): string[] {
  const page = readFileSync(new URL('../../../../docs/settings.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('| key | default | meaning |'));
  const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([\w.]+)`/g)].map(([, key = '']) => key));
}

const setting = (key: string, kind: SettingKind): Setting => ({ key, meaning: 'It is new.', kind, origin: 'default', effect: 'live', waits: false });

test('every setting of the program has a name and a meaning here', () => {
  const keys = documented();
  expect(keys).toContain('recording.rewind_publishers');
  expect(Object.keys(KNOWN).toSorted()).toEqual(keys.toSorted());
});

test('a setting says how far it goes, in a sentence', () => {
  expect(meaningOf(setting('encoder.bitrate', { type: 'whole', min: 100_000, max: 50_000_000, unit: 'bits per second' }))).toBe(
    'The picture of your program. 100\u202f000 to 50\u202f000\u202f000 bits per second.',
  );
  expect(meaningOf(setting('encoder.keyframe_seconds', { type: 'number', min: 0.5, max: 10, unit: 'seconds' }))).toMatch(/ 0\.5 to 10 seconds\.$/);
});

test('one that is not known here is described by the program', () => {
  expect(nameOf('new.thing_here')).toBe('Thing here');
  expect(meaningOf(setting('new.thing_here', { type: 'whole', min: 1, max: 9, unit: 'parsecs' }))).toBe('It is new. 1 to 9 parsecs.');
  expect(choiceOf('ingest.policy', 'by_lot')).toBe('by_lot');
});

test('what is chosen is said in words', () => {
  const policy = setting('ingest.policy', { type: 'choice', options: ['keyed', 'open'] });
  expect(valueOf(policy, 'keyed')).toBe('Whoever has a key');
  expect(valueOf(policy, undefined)).toBe('nothing');
  expect(valueOf(setting('log.level', { type: 'text' }), 'open')).toBe('open');
});
