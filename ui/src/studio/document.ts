import type { Collection, Edit, Item, Scene, Source, SourceKind } from '$lib/api';

/**
 * The document after an edit, as the studio will answer it. The interface shows this at once and
 * the studio's own answer when it comes; an edit that does not apply leaves the document as it is.
 */
export function applyEdit(doc: Collection, edit: Edit): Collection {
  switch (edit.edit) {
    case 'rename':
      return { ...doc, name: edit.name };
    case 'set_canvas':
      return { ...doc, canvas: edit.canvas };
    case 'add_scene':
      if (doc.scenes.some((s) => s.id === edit.id)) return doc;
      return { ...doc, scenes: [...doc.scenes, { id: edit.id, name: edit.name, items: [] }] };
    case 'rename_scene':
      return { ...doc, scenes: change(doc.scenes, edit.id, (s) => ({ ...s, name: edit.name })) };
    case 'duplicate_scene': {
      const at = doc.scenes.findIndex((s) => s.id === edit.id);
      const original = doc.scenes[at];
      if (!original || doc.scenes.some((s) => s.id === edit.copy)) return doc;
      return { ...doc, scenes: doc.scenes.toSpliced(at + 1, 0, { ...original, id: edit.copy, name: edit.name }) };
    }
    case 'move_scene':
      return { ...doc, scenes: moved(doc.scenes, edit.id, edit.index) };
    case 'remove_scene':
      return removeScene(doc, edit.id);
    case 'switch_scene':
      return doc.scenes.some((s) => s.id === edit.id) ? { ...doc, current: edit.id } : doc;
    case 'add_source':
      if (doc.sources.some((s) => s.id === edit.source.id)) return doc;
      return {
        ...doc,
        sources: [...doc.sources, edit.source],
        scenes: change(doc.scenes, edit.scene, (s) => ({ ...s, items: [...s.items, edit.item] })),
      };
    case 'rename_source':
      return { ...doc, sources: change(doc.sources, edit.id, (s) => ({ ...s, name: edit.name })) };
    case 'set_source':
      return { ...doc, sources: change(doc.sources, edit.id, (s) => withKind(s, edit.source)) };
    case 'set_audio':
      return { ...doc, sources: change(doc.sources, edit.id, (s) => ({ ...s, audio: edit.audio })) };
    case 'set_master_gain':
      return { ...doc, master_gain_db: edit.gain_db };
    case 'add_item':
      return inScene(doc, edit.scene, (items) =>
        items.some((i) => i.id === edit.item.id) ? items : [...items, edit.item],
      );
    case 'set_item':
      return inScene(doc, edit.scene, (items) => change(items, edit.id, (i) => ({ ...i, ...defined(edit.patch) })));
    case 'move_item':
      return inScene(doc, edit.scene, (items) => moved(items, edit.id, edit.index));
    case 'remove_item':
      return withoutUnused(inScene(doc, edit.scene, (items) => items.filter((i) => i.id !== edit.id)));
  }
}

export const hasAudio = (kind: SourceKind['kind']): boolean =>
  kind === 'microphone' || kind === 'media' || kind === 'test_signal';

export const hasPicture = (kind: SourceKind['kind']): boolean => kind !== 'microphone';

export const currentScene = (doc: Collection): Scene | undefined => doc.scenes.find((s) => s.id === doc.current);

/** The sources with sound of a scene, top first, each once, and whether they are heard. */
export function strips(doc: Collection, scene: Scene | undefined): { source: Source; heard: boolean }[] {
  const found = new Map<string, { source: Source; heard: boolean }>();
  for (const item of (scene?.items ?? []).toReversed()) {
    const source = doc.sources.find((s) => s.id === item.source);
    if (!source || !hasAudio(source.kind)) continue;
    const known = found.get(source.id);
    if (known) known.heard ||= item.visible;
    else found.set(source.id, { source, heard: item.visible });
  }
  return [...found.values()];
}

/** A name that nothing else has: `Camera`, `Camera 2`, … */
export function freeName(wish: string, taken: readonly string[]): string {
  if (!taken.includes(wish)) return wish;
  const base = wish.replace(/ \d+$/, '');
  for (let n = 2; ; n += 1) {
    const name = `${base} ${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** A new identity: short, and unlikely to meet another. */
export function newId(kind: string): string {
  return `${kind}-${uuid().replaceAll('-', '').slice(0, 12)}`;
}

function uuid(): string {
  // Pages without HTTPS lack randomUUID.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

function withKind(source: Source, kind: SourceKind): Source {
  const { id, name, audio } = source;
  return { id, name, audio, ...kind };
}

function change<T extends { id: string }>(list: readonly T[], id: string, to: (one: T) => T): T[] {
  return list.map((one) => (one.id === id ? to(one) : one));
}

function moved<T extends { id: string }>(list: readonly T[], id: string, index: number): T[] {
  const one = list.find((o) => o.id === id);
  if (!one) return [...list];
  const rest = list.filter((o) => o.id !== id);
  return rest.toSpliced(Math.min(index, rest.length), 0, one);
}

function inScene(doc: Collection, id: string, to: (items: Item[]) => Item[]): Collection {
  return { ...doc, scenes: change(doc.scenes, id, (s) => ({ ...s, items: to(s.items) })) };
}

function removeScene(doc: Collection, id: string): Collection {
  const at = doc.scenes.findIndex((s) => s.id === id);
  if (at < 0 || doc.scenes.length === 1) return doc;
  const scenes = doc.scenes.toSpliced(at, 1);
  const next = scenes[Math.min(at, scenes.length - 1)];
  return withoutUnused({ ...doc, scenes, current: doc.current === id && next ? next.id : doc.current });
}

function withoutUnused(doc: Collection): Collection {
  const used = new Set(doc.scenes.flatMap((s) => s.items.map((i) => i.source)));
  return { ...doc, sources: doc.sources.filter((s) => used.has(s.id)) };
}

function defined<T extends object>(patch: T): T {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as T;
}
