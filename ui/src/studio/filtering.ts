import type { Collection, Edit, Filter, FilterOwner } from '$lib/api';

/** The filters of an item, a source or a scene. */
export function filtersOf(doc: Collection, owner: FilterOwner): readonly Filter[] {
  switch (owner.of) {
    case 'item':
      return doc.scenes.find((s) => s.id === owner.scene)?.items.find((i) => i.id === owner.id)?.filters ?? [];
    case 'source':
      return doc.sources.find((s) => s.id === owner.id)?.filters ?? [];
    case 'scene':
      return doc.scenes.find((s) => s.id === owner.id)?.filters ?? [];
  }
}

type FilterEdit = Extract<Edit, { owner: FilterOwner }>;

/** The document after an edit of filters. */
export function applyFilterEdit(doc: Collection, edit: FilterEdit): Collection {
  const after = changed(filtersOf(doc, edit.owner), edit);
  const { owner } = edit;
  switch (owner.of) {
    case 'source':
      return { ...doc, sources: doc.sources.map((s) => (s.id === owner.id ? { ...s, filters: after } : s)) };
    case 'scene':
      return { ...doc, scenes: doc.scenes.map((s) => (s.id === owner.id ? { ...s, filters: after } : s)) };
    case 'item':
      return {
        ...doc,
        scenes: doc.scenes.map((s) =>
          s.id === owner.scene ? { ...s, items: s.items.map((i) => (i.id === owner.id ? { ...i, filters: after } : i)) } : s,
        ),
      };
  }
}

function changed(filters: readonly Filter[], edit: FilterEdit): Filter[] {
  const one = (id: string, to: (filter: Filter) => Filter): Filter[] => filters.map((f) => (f.id === id ? to(f) : f));
  switch (edit.edit) {
    case 'add_filter':
      return filters.some((f) => f.id === edit.filter.id) ? [...filters] : [...filters, edit.filter];
    case 'set_filter':
      return one(edit.id, ({ id, name, enabled }) => ({ id, name, enabled, ...edit.filter }) as Filter);
    case 'rename_filter':
      return one(edit.id, (f) => ({ ...f, name: edit.name }));
    case 'enable_filter':
      return one(edit.id, (f) => ({ ...f, enabled: edit.enabled }));
    case 'move_filter': {
      const moved = filters.find((f) => f.id === edit.id);
      const rest = filters.filter((f) => f.id !== edit.id);
      return moved ? rest.toSpliced(Math.min(edit.index, rest.length), 0, moved) : rest;
    }
    case 'remove_filter':
      return filters.filter((f) => f.id !== edit.id);
    case 'paste_filters':
      return [...filters, ...edit.filters.filter((f) => !filters.some((other) => other.id === f.id))];
  }
}
