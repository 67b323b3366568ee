export { LANGUAGES, type Language, languageOf } from './text';
export { default as Words } from './Words.svelte';
export { type Text, begin, choose, described, en, list, moment, number, plural, speech, t, within } from './words.svelte';
