import { describe, expect, it } from 'vitest';
import { fill, languageOf, localeOf, pick, pieces } from './text';
import { number, plural, t } from './words.svelte';

describe('languages', () => {
  it('are known by their tags', () => {
    expect(['de', 'de-AT', 'DE-ch', 'pt', '', 'constructor'].map(languageOf)).toEqual(['de', 'de', 'de', null, null, null]);
    expect(languageOf(null)).toBeNull();
  });

  it('are taken in the order that the reader gives', () => {
    expect(pick(['pt-BR', 'fr-CA', 'en'])).toBe('fr');
    expect(pick(['en-GB', 'de'])).toBe('en');
    expect(pick(['ja'])).toBeNull();
  });

  it('write dates as in the region of the reader', () => {
    expect(localeOf('de', ['fr', 'de-CH', 'de'])).toBe('de-CH');
    expect(localeOf('es', ['de'])).toBe('es');
    expect(localeOf('en', [])).toBe('en-GB');
  });
});

describe('texts', () => {
  it('take their values', () => {
    expect(fill('{a} of {b}, {c}', { a: 1, b: 'two' }, String)).toBe('1 of two, {c}');
    expect(pieces('As {name}!')).toEqual(['As ', 'name', '!']);
  });

  it('are what the source says where no catalogue is fetched', () => {
    expect(t('{count} of {all}', { count: 1.5, all: 'two' })).toBe('1.5 of two');
    expect(t('Cut|transition')).toBe('Cut');
    expect([0, 1, 1234].map((n) => plural(n, '{count} viewer', '{count} viewers'))).toEqual(['0 viewers', '1 viewer', '1\u202f234 viewers']);
  });

  it('numbers are grouped', () => {
    expect([number(1234567), number(0.5), number(2.345, 1), number(-1200)]).toEqual(['1\u202f234\u202f567', '0.5', '2.3', '-1\u202f200']);
  });
});
