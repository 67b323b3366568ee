/** Languages, and texts with places for values. Everything here is pure. */

/** Each by its own name, and the direction it is written in. */
export const LANGUAGES = {
  en: { name: 'English', dir: 'ltr' },
  de: { name: 'Deutsch', dir: 'ltr' },
  es: { name: 'Español', dir: 'ltr' },
  fr: { name: 'Français', dir: 'ltr' },
} as const satisfies Record<string, { name: string; dir: 'ltr' | 'rtl' }>;

export type Language = keyof typeof LANGUAGES;

/** A part of the pages, whose words are fetched together; `common` is of both. */
export type Part = 'station' | 'studio';

/** A text by its plural forms. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** Translations by their English texts. */
export type Catalogue = Readonly<Record<string, string | Forms>>;

/** A language of the pages by its tag, `de` or `de-AT`; nothing when they do not speak it. */
export function languageOf(tag: string | null | undefined): Language | null {
  const base = tag?.toLowerCase().split('-')[0] ?? '';
  return Object.hasOwn(LANGUAGES, base) ? (base as Language) : null;
}

/** The first of a reader's languages that the pages speak. */
export function pick(tags: readonly string[]): Language | null {
  return tags.map(languageOf).find((one) => one !== null) ?? null;
}

/** How dates and numbers are written: by the reader's own region, where that has the language. */
export function localeOf(language: Language, tags: readonly string[]): string {
  return tags.find((tag) => languageOf(tag) === language) ?? (language === 'en' ? 'en-GB' : language);
}

/** A text with its `{names}` replaced. One that has no value stays. */
export function fill(text: string, values: Readonly<Record<string, string | number>> | undefined, written: (value: string | number) => string): string {
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    return value === undefined ? place : written(value);
  });
}

/** A text cut at its `{names}`: texts and names in turn, a text first. */
export const pieces = (text: string): string[] => text.split(/\{(\w+)\}/);
