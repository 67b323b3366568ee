/** What the settings page knows of settings: their groups, who set them, and how a typed text becomes a value. */
import type { Setting, SettingValue } from '$lib/api';
import { type Text, en, t } from '$lib/words';
import { choiceOf, meaningOf, nameOf, words } from './catalogue';

export interface Group {
  /** What their keys begin with. */
  readonly section: string;
  readonly title: string;
  readonly settings: readonly Setting[];
}

const GROUPS: Readonly<Record<string, Text>> = {
  server: en('Addresses and access'),
  encoder: en('Encoder'),
  station: en('Station'),
  ingest: en('Who may publish'),
  'ingest.jwt': en('Tokens of an identity provider'),
  recording: en('Recording and library'),
  storage: en('Storage'),
  outputs: en('Outputs'),
  log: en('Log'),
};

function titleOf(section: string): string {
  const title = GROUPS[section];
  return title ? t(title) : words(section.replaceAll('.', ' '));
}

/** Settings by their section, in the order in which they come; only those that `search` finds. */
export function groups(settings: readonly Setting[], search: string): Group[] {
  const wanted = search.trim().toLowerCase().split(/\s+/);
  const fits = (one: Setting): boolean => {
    const choices = one.kind.type === 'choice' ? one.kind.options.map((option) => `${option} ${choiceOf(one.key, option)}`).join(' ') : '';
    const text = `${one.key} ${nameOf(one.key)} ${meaningOf(one)} ${shown(one.value)} ${choices}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const found = new Map<string, Setting[]>();
  for (const one of settings.filter(fits)) {
    const section = one.key.slice(0, one.key.lastIndexOf('.'));
    found.set(section, [...(found.get(section) ?? []), one]);
  }
  return [...found].map(([section, list]) => ({ section, title: titleOf(section), settings: list }));
}

/** A value as it is typed: a list has one on each line. */
export function shown(value: SettingValue | undefined): string {
  if (value === undefined) return '';
  return Array.isArray(value) ? value.join('\n') : String(value);
}

/** The value that a typed text stands for. What is no number goes as text: the studio says what is wrong with it. */
export function typed(setting: Setting, text: string): SettingValue {
  const trimmed = text.trim();
  switch (setting.kind.type) {
    case 'whole':
    case 'number': {
      // As people write large numbers: 2 500 000.
      const number = Number(trimmed.replaceAll(/[\s_]/g, ''));
      return trimmed === '' || !Number.isFinite(number) ? trimmed : number;
    }
    case 'list':
      return text
        .split(/[\n,]/)
        .map((line) => line.trim())
        .filter((line) => line !== '');
    case 'secret':
      return text;
    default:
      return trimmed;
  }
}

/** Whether it can be changed here: what the environment or the command line sets stands over the file. */
export const isFixed = (setting: Setting): boolean => setting.origin === 'environment' || setting.origin === 'command_line';

/** Who set it, for people. */
export function from(setting: Setting): string {
  switch (setting.origin) {
    case 'default':
      return t('Default');
    case 'file': {
      const line = /^line (\d+)$/.exec(setting.place ?? '')?.[1];
      return line === undefined ? t('From settings.toml, {place}', { place: setting.place ?? '' }) : t('From settings.toml, line {line}', { line });
    }
    case 'environment':
      return t('Fixed by the environment: {place}', { place: setting.place ?? '' });
    case 'command_line':
      return t('Fixed by the command line: {place}', { place: setting.place ?? '' });
  }
}

/** When a change takes effect, where that is not at once. */
export function when(setting: Setting): string | null {
  if (setting.waits) return t('Changed: holds when Klieg is started again');
  if (setting.effect === 'restart') return t('Needs a restart');
  if (setting.effect === 'next') return setting.key.startsWith('encoder.') ? t('From the next broadcast on') : t('For whoever comes next');
  return null;
}
