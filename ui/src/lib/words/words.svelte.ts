/**
 * The words of the pages in the reader's language. The English text in the source is the key: what no catalogue
 * knows is shown in English. Whatever calls `t` while it is drawn is drawn anew when the language changes.
 */
import { LANGUAGES, type Catalogue, type Language, type Part, fill, languageOf, localeOf, pick } from './text';

/** An English text that is kept before it is shown: `en('Mute')` in a table, `t` where that is drawn. */
export interface Text {
  readonly [kept]: string;
}
declare const kept: unique symbol;

/** The names in `{name}` of a text. */
type Names<T extends string> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<Name extends string> = [Name] extends [never] ? [] : [values: Readonly<Record<Name, string | number>>];
/** A text that stands in the source, or was kept from there. Any other string is not for translation. */
type Said<T extends string> = string extends T ? never : T;

const CHOSEN = 'klieg.language';
/** Each is a file of its own, fetched when it is wanted. */
const FILES = import.meta.glob<Catalogue>('./*/*.json', { import: 'default' });

let catalogue = $state.raw<Catalogue>({});
let language = $state<Language>('en');
let locale = $state(localeOf('en', spoken()));
/** What stands before the places of a number. */
let point = $state('.');
/** What the reader chose on this device; nothing for what the browser says. */
let choice = $state<Language | null>(null);
let part: Part = 'station';
let round = 0;

/** A text in the reader's language, with the values of its `{names}`. */
export function t(text: Text): string;
export function t<const T extends string>(text: Said<T>, ...values: Values<Names<T>>): string;
export function t(text: unknown, values?: Readonly<Record<string, string | number>>): string {
  const found = catalogue[text as string];
  return fill(typeof found === 'string' ? found : plain(text as string), values, inserted);
}

/** The text for so many: `plural(n, 'one viewer', '{count} viewers')`. The second one is the key. */
export function plural<const One extends string, const Other extends string>(
  count: number,
  one: Said<One>,
  other: Said<Other>,
  ...[values]: Values<Exclude<Names<One | Other>, 'count'>>
): string {
  const found = catalogue[other as string];
  const forms = typeof found === 'object' ? found : { one, other: other as string };
  const form = new Intl.PluralRules(typeof found === 'object' ? locale : 'en').select(count);
  return fill(forms[form] ?? forms.other, { ...(values as object), count: number(count) }, inserted);
}

/** Marks a text that is shown later, by `t`. */
export const en = (text: string): Text => text as unknown as Text;

/** What the program says of itself in English (a filter's control, say), where that is known here. */
export function described(text: string): string {
  const found = catalogue[text];
  return typeof found === 'string' ? found : text;
}

/** A number as the language writes it, in groups of three with a thin gap; with so many places, or those that it has. */
export function number(value: number, places?: number): string {
  const [whole = '', rest] = (places === undefined ? String(value) : value.toFixed(places)).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
  return rest === undefined ? grouped : grouped + point + rest;
}

/** A moment, as the reader's language and region write it. */
export const moment = (at: number, form: Intl.DateTimeFormatOptions): string => new Date(at).toLocaleString(locale, form);

/** A name within a sentence: languages that write nouns large keep it as it is. */
export const within = (text: string): string => (language === 'de' ? text : text.charAt(0).toLowerCase() + text.slice(1));

/** `a, b and c`. */
export const list = (all: readonly string[]): string => new Intl.ListFormat(locale, { type: 'conjunction' }).format(all);

/** What the pages speak, and what the reader chose. */
export const speech = {
  get language(): Language {
    return language;
  },
  get choice(): Language | null {
    return choice;
  },
};

/** Begins: settled once the words are there. A page whose words do not come speaks English. */
export async function begin(of: Part): Promise<void> {
  part = of;
  choice = stored();
  addEventListener('storage', (event) => {
    // Chosen in another window of the same station.
    if (event.key === CHOSEN) void change(stored());
  });
  await speak(languageOf(new URLSearchParams(location.search).get('lang')) ?? wanted());
}

/** Takes a language for all pages on this device; nothing for what the browser says. */
export async function choose(next: Language | null): Promise<void> {
  try {
    if (next === null) localStorage.removeItem(CHOSEN);
    else localStorage.setItem(CHOSEN, next);
  } catch {
    // No storage: it lasts as long as the page.
  }
  // What an address asks for counts until somebody chooses.
  const query = new URLSearchParams(location.search);
  if (query.has('lang')) {
    query.delete('lang');
    const rest = query.toString();
    history.replaceState(history.state, '', location.pathname + (rest === '' ? '' : `?${rest}`) + location.hash);
  }
  await change(next);
}

async function change(next: Language | null): Promise<void> {
  choice = next;
  await speak(wanted());
}

const wanted = (): Language => choice ?? pick(spoken()) ?? 'en';

async function speak(next: Language): Promise<void> {
  const mine = ++round;
  const words = await wordsOf(next);
  if (mine !== round || words === null) return;
  catalogue = words;
  language = next;
  locale = localeOf(next, spoken());
  point = new Intl.NumberFormat(locale).format(1.5).charAt(1);
  document.documentElement.lang = next;
  document.documentElement.dir = LANGUAGES[next].dir;
}

async function wordsOf(wanted: Language): Promise<Catalogue | null> {
  if (wanted === 'en') return {};
  try {
    const found = await Promise.all((['common', part] as const).map((one) => FILES[`./${wanted}/${one}.json`]?.() ?? {}));
    return Object.assign({}, ...found) as Catalogue;
  } catch {
    // The station did not answer: the page goes on in the language that it has.
    return null;
  }
}

/** Chosen on this device before. */
function stored(): Language | null {
  try {
    return languageOf(localStorage.getItem(CHOSEN));
  } catch {
    return null;
  }
}

/** The languages of the reader, the dearest first. Tests have none. */
function spoken(): readonly string[] {
  return typeof document === 'undefined' ? [] : navigator.languages;
}

/** Without the hint behind a bar, by which translators tell one meaning of a word from another: `Cut|transition`. */
const plain = (text: string): string => text.replace(/\|[^|]*$/, '');

const inserted = (value: string | number): string => (typeof value === 'number' ? String(value).replace('.', point) : value);
