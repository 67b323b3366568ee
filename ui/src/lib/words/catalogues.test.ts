/** What people read is said in every language, and nothing more is carried. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FILTERS, PLATFORMS, TRANSITIONS, type Described } from '$lib/api';
import { type Source, read, sources } from '../../../dev/texts';
import { type Catalogue, LANGUAGES, type Language, type Part, pieces } from './text';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const all = sources(ROOT);
const files = import.meta.glob<Catalogue>('./*/*.json', { import: 'default', eager: true });
const spoken = (Object.keys(LANGUAGES) as Language[]).filter((one) => one !== 'en');

/** What stands in the sources and is for no translator: names, and what a person or a machine types. */
const SAME_EVERYWHERE: readonly RegExp[] = [
  /^Bearer 0$/,
  /^Fault$/,
  /^(?:\?key=)?SECRET$/,
  /^sudo cp /,
  /^(?:Control|Meta|Dead|Unidentified|Space)$/,
  /^https:\/\/studio\.example\//,
  /^logs\/klieg\.log$|^log\.level$|^\/doctor$/,
  // An example of a name, and of a date as the program writes it into the picture.
  /^Maria$/,
  /^Sunday, 22 November 2026$/,
  // Languages are called as they call themselves.
  /^(?:English|Deutsch|Español|Français)$/,
  // Names of steps, as the history keeps them.
  /^Align 0$|^Rotate 0° 0$|^Add scene “0”$/,
];

/** Texts of the program's own descriptions. */
function describedTexts(): string[] {
  const of = ({ name, hint, parameters }: Described): string[] => [
    name,
    hint,
    ...parameters.flatMap((one) => [one.name, ...(one.control.control === 'choice' ? one.control.options.map(([, label]) => label) : [])]),
  ];
  const platforms = PLATFORMS.flatMap((one) => [one.key_name, one.key_place, one.test_meaning ?? '', ...one.advice]);
  return [...[...FILTERS, ...TRANSITIONS].flatMap(of), ...platforms].filter((text) => text !== '');
}

/** The part of the pages that a text belongs to: one of them, or both. */
function partsOf(found: readonly Source[]): Map<string, { part: Part | 'common'; plural: boolean }> {
  const parts = new Map<string, { part: Part | 'common'; plural: boolean }>();
  const add = (text: string, part: Part | 'common', plural: boolean): void => {
    const known = parts.get(text);
    parts.set(text, { part: known && known.part !== part ? 'common' : part, plural });
  };
  for (const { path, keys } of found) {
    const [folder = ''] = path.split('/');
    for (const { text, plural } of keys) add(text, folder === 'studio' || folder === 'station' ? folder : 'common', plural);
  }
  for (const text of describedTexts()) add(text, 'studio', false);
  return parts;
}

const wanted = partsOf(all);
const names = (text: string): string[] => pieces(text).filter((_, at) => at % 2 === 1);

describe('the sources', () => {
  it('say everything through t', () => {
    const bare = all.flatMap(({ path, bare: texts }) => texts.filter(({ text }) => !SAME_EVERYWHERE.some((one) => one.test(text))).map(({ text, line }) => `${path}:${line} ${text}`));
    expect(bare).toEqual([]);
  });

  it('do not say one text both with and without a number', () => {
    const kinds = new Map<string, Set<boolean>>();
    for (const { keys } of all) for (const { text, plural } of keys) kinds.set(text, (kinds.get(text) ?? new Set()).add(plural));
    expect([...kinds].filter(([, plurals]) => plurals.size > 1).map(([text]) => text)).toEqual([]);
  });
});

describe.each(spoken)('%s', (language) => {
  const parts = ['common', 'station', 'studio'] as const;
  const catalogues = parts.map((part) => [part, files[`./${language}/${part}.json`] ?? {}] as const);
  const found = new Map(catalogues.flatMap(([part, catalogue]) => Object.entries(catalogue).map(([text, words]) => [text, { part, words }] as const)));

  it('has every text, where it is fetched', () => {
    const missing = [...wanted].filter(([text, { part }]) => found.get(text)?.part !== part).map(([text, { part }]) => `${part}: ${text}`);
    expect(missing).toEqual([]);
  });

  it('has no text that nothing says', () => {
    expect([...found.keys()].filter((text) => !wanted.has(text))).toEqual([]);
    expect(catalogues.reduce((sum, [, catalogue]) => sum + Object.keys(catalogue).length, 0)).toBe(found.size);
  });

  it('has a form for every number that it tells apart', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [text, { words }] of found) {
      const has = typeof words === 'string' ? null : Object.keys(words).toSorted();
      expect(has, text).toEqual(wanted.get(text)?.plural ? forms : null);
    }
  });

  it('keeps the places of values', () => {
    for (const [text, { words }] of found) {
      const places = new Set(names(text));
      for (const [form, said] of Object.entries(typeof words === 'string' ? { said: words } : words)) {
        expect(said.trim(), text).not.toBe('');
        expect(said, text).not.toMatch(/\|\w+$/);
        // “One viewer” need not say its number.
        const has = new Set([...names(said), ...(form === 'one' && places.has('count') ? ['count'] : [])]);
        expect(has, `${text} → ${said}`).toEqual(places);
      }
    }
  });
});

describe('the scanner', () => {
  const scan = (source: string): string[] => read('a.svelte', source).bare.map((one) => one.text);

  it('sees what is not said through t', () => {
    expect(scan('<p>Hello</p>')).toEqual(['Hello']);
    expect(scan('<p>{x ? "now" : then}</p>')).toEqual(['now']);
    expect(scan('<p>{`${n} watching`}</p>')).toEqual(['0 watching']);
    expect(scan('<button title="Go on"></button>')).toEqual(['Go on']);
    expect(scan('<Panel title="Chat" />')).toEqual(['Chat']);
    expect(scan('<script lang="ts">const names = { a: "Left" };</script>')).toEqual(['Left']);
    expect(scan('<script lang="ts">problem = "Give it a name first.";</script>')).toEqual(['Give it a name first.']);
  });

  it('passes what is, and what is for machines', () => {
    expect(scan('<p>{t("Hello")}</p><Panel title={t("Chat")} />')).toEqual([]);
    expect(scan('<input type="text" name="a" class="input mono" autocomplete="off" />')).toEqual([]);
    expect(scan('<script lang="ts">if (event.key === "Escape") document.querySelector("main p");</script>')).toEqual([]);
    expect(scan('<p>{n} kbps, 4 dB</p>')).toEqual([]);
  });

  it('finds the texts', () => {
    const { keys } = read('a.ts', 'const a = t(x ? "One" : "Two"), b = plural(n, "one thing", "{count} things"), c = { label: en("Three") };');
    expect(keys).toEqual([
      { text: 'One', plural: false },
      { text: 'Two', plural: false },
      { text: '{count} things', plural: true },
      { text: 'Three', plural: false },
    ]);
  });
});
