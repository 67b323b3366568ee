/**
 * What the steps of the history are called. They are kept in English, whoever made them: each page shows them in the
 * language of its reader.
 */
import { type Text, described, en, t } from '$lib/words';

/** Those that the studio names by itself. */
export const STEPS: readonly Text[] = [
  en('Rename collection'),
  en('Change canvas'),
  en('Add scene'),
  en('Rename scene'),
  en('Duplicate scene'),
  en('Move scene'),
  en('Delete scene'),
  en('Switch scene'),
  en('Add source'),
  en('Rename source'),
  en('Change source'),
  en('Change sound tracks'),
  en('Change level'),
  en('Change master level'),
  en('Add item'),
  en('Change order'),
  en('Remove item'),
  en('Group items'),
  en('Fit group'),
  en('Paste items'),
  en('Add filter'),
  en('Change filter'),
  en('Rename filter'),
  en('Apply filter'),
  en('Bypass filter'),
  en('Move filter'),
  en('Remove filter'),
  en('Paste filters'),
  en('Change transition'),
  en('Flip item'),
  en('Change blend mode'),
  en('Change fit'),
  en('Change opacity'),
  en('Change item'),
];

/** What is done to one item, and to several. */
const DEEDS = {
  move: [en('Move item'), en('Move {count} items')],
  resize: [en('Resize item'), en('Resize {count} items')],
  rotate: [en('Rotate item'), en('Rotate {count} items')],
  crop: [en('Crop item'), en('Crop {count} items')],
  fit: [en('Fit item'), en('Fit {count} items')],
  opacity: [en('Opacity of item'), en('Opacity of {count} items')],
  show: [en('Show item'), en('Show {count} items')],
  hide: [en('Hide item'), en('Hide {count} items')],
  lock: [en('Lock item'), en('Lock {count} items')],
  unlock: [en('Unlock item'), en('Unlock {count} items')],
  cut: [en('Cut item'), en('Cut {count} items')],
  duplicate: [en('Duplicate item'), en('Duplicate {count} items')],
} as const satisfies Record<string, readonly [Text, Text]>;

export type Deed = keyof typeof DEEDS;

/** The name of a step, to be kept. */
export const step = (label: string): string => label;

/** The name of a step that does the same to so many items, to be kept. */
export const stepOf = (deed: Deed, count: number): string => String(DEEDS[deed][count === 1 ? 0 : 1]).replace('{count}', String(count));

/** A step as its reader says it: `Hide item “Logo”`. */
export function stepInWords(label: string): string {
  const [, deed = label, name] = /^(.*?)(?: “(.*)”)?$/s.exec(label) ?? [];
  const count = /\d+(?= items$)/.exec(deed)?.[0];
  const words = count === undefined ? described(deed) : described(deed.replace(count, '{count}')).replace('{count}', count);
  return name === undefined ? words : t('{step} “{name}”', { step: words, name });
}
