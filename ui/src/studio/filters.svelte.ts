import type { Command, Described, Filter, FilterKind } from '$lib/api';
import { FILTERS } from '$lib/api';
import { described } from '$lib/words';
import { freeName, newId } from './document';

/** What a filter or a transition holds: as its description says. */
export type Settings = Record<string, number | boolean | string>;

/** How a filter describes itself. */
export const describedOf = (kind: string, table: readonly Described[] = FILTERS): Described | undefined =>
  table.find((one) => one.kind === kind);

/** What something begins with, by its description. */
export function defaults(described: Described): Settings {
  return Object.fromEntries(
    described.parameters.map(({ key, control }) => [key, control.control === 'file' ? '' : control.default]),
  );
}

export const settingsOf = (filter: Filter): Settings => filter.settings as unknown as Settings;

export const kindOf = (kind: string, settings: Settings): FilterKind => ({ kind, settings }) as unknown as FilterKind;

export const nameOf = (filter: Filter): string => filter.name || described(describedOf(filter.kind)?.name ?? filter.kind);

/** A filter as it comes, named so that it is told from others of its kind. */
export function freshFilter(described: Described, among: readonly Filter[]): Filter {
  const name = freeName(described.name, among.map(nameOf));
  const filter = { id: newId('filter'), name: name === described.name ? '' : name, enabled: true };
  return { ...filter, ...kindOf(described.kind, defaults(described)) } as Filter;
}

/** Copies with identities of their own. */
export const copies = (filters: readonly Filter[]): Filter[] => filters.map((f) => ({ ...f, id: newId('filter') }));

/** What was copied last, to be pasted elsewhere. */
export class Clipboard {
  filters = $state.raw<readonly Filter[]>([]);
}
export const clipboard = new Clipboard();

/** Where browsers kept presets before the studio did. */
const OLD = 'klieg.filter-presets';

/** Gives the studio what this browser kept itself, once. */
export function bringPresets(command: (command: Command) => Promise<boolean>): void {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(OLD) ?? '[]');
    localStorage.removeItem(OLD);
    if (!Array.isArray(stored)) return;
    for (const one of stored as { kind: string; name: string; settings: Settings }[]) {
      if (typeof one?.name !== 'string' || describedOf(one.kind) === undefined) continue;
      void command({ command: 'keep_filter_preset', preset: { name: one.name, filter: kindOf(one.kind, one.settings) } });
    }
  } catch {
    // Nothing that can be read, or a private window: as the studio has it.
  }
}
