import { fitGroup } from './canvas/fit.ts';
import type { Collection, Edit, Fragment, Item, Scene, Source, SourceKind } from '$lib/api';
import { applyFilterEdit } from './filtering';

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
      return { ...doc, scenes: groupsLast([...doc.scenes, { id: edit.id, name: edit.name, items: [] }]) };
    case 'rename_scene':
      return { ...doc, scenes: change(doc.scenes, edit.id, (s) => ({ ...s, name: edit.name })) };
    case 'duplicate_scene': {
      const at = doc.scenes.findIndex((s) => s.id === edit.id);
      const original = doc.scenes[at];
      if (!original || doc.scenes.some((s) => s.id === edit.copy)) return doc;
      return { ...doc, scenes: doc.scenes.toSpliced(at + 1, 0, { ...original, id: edit.copy, name: edit.name }) };
    }
    case 'move_scene':
      return { ...doc, scenes: groupsLast(moved(doc.scenes, edit.id, edit.index)) };
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
    case 'paste':
      return paste(doc, edit.scene, edit.fragment);
    case 'many':
      return edit.edits.reduce(applyEdit, doc);
    case 'fit_group':
      return fitGroup(doc, edit.group);
    case 'add_filter':
    case 'set_filter':
    case 'rename_filter':
    case 'enable_filter':
    case 'move_filter':
    case 'remove_filter':
    case 'paste_filters':
      return applyFilterEdit(doc, edit);
    case 'set_transition':
      return { ...doc, transition: edit.transition };
    case 'set_scene_transition':
      return { ...doc, scenes: change(doc.scenes, edit.id, (s) => ({ ...s, transition: edit.transition ?? undefined })) };
    case 'group':
    case 'ungroup':
      // Where things land is for the studio to say; its answer is a moment away.
      return doc;
  }
}

export const hasAudio = (kind: SourceKind['kind']): boolean =>
  kind === 'microphone' || kind === 'media' || kind === 'channel' || kind === 'remote' || kind === 'test_signal';

export const hasPicture = (kind: SourceKind['kind']): boolean => kind !== 'microphone';

/** The scenes of the list: groups are not in it. */
export const listed = (doc: Collection): Scene[] => doc.scenes.filter((s) => !s.group);

/** The scene that a source shows, when it shows one. */
export const nested = (doc: Collection, source: Source | undefined): Scene | undefined =>
  source?.kind === 'scene' ? doc.scenes.find((s) => s.id === source.settings.scene) : undefined;

export const currentScene = (doc: Collection): Scene | undefined => doc.scenes.find((s) => s.id === doc.current);

/**
 * The sources with sound of a scene and of the scenes and groups in it, top first, each once, and
 * whether they are heard.
 */
export function strips(doc: Collection, scene: Scene | undefined): { source: Source; heard: boolean }[] {
  const found = new Map<string, { source: Source; heard: boolean }>();
  const sources = new Map(doc.sources.map((source) => [source.id, source]));
  // Once as heard and once as silent is all that there is to find in a scene.
  const seen = new Set<string>();
  const look = (within: Scene | undefined, visible: boolean): void => {
    if (!within || seen.has(`${within.id} ${visible}`)) return;
    seen.add(`${within.id} ${visible}`);
    for (const item of within.items.toReversed()) {
      const source = sources.get(item.source);
      if (!source) continue;
      const heard = visible && item.visible;
      if (source.kind === 'scene') look(nested(doc, source), heard);
      if (!hasAudio(source.kind)) continue;
      const known = found.get(source.id);
      if (known) known.heard ||= heard;
      else found.set(source.id, { source, heard });
    }
  };
  look(scene, true);
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
  const { id, name, audio, filters } = source;
  return { id, name, audio, ...(filters ? { filters } : {}), ...kind };
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
  if (at < 0 || listed(doc).length === 1) return doc;
  const rest = doc.scenes.toSpliced(at, 1);
  const shown = new Set(doc.sources.filter((s) => s.kind === 'scene' && s.settings.scene === id).map((s) => s.id));
  const scenes = rest.map((s) => ({ ...s, items: s.items.filter((i) => !shown.has(i.source)) }));
  const others = scenes.filter((s) => !s.group);
  const next = others[Math.min(at, others.length - 1)];
  return withoutUnused({ ...doc, scenes, current: doc.current === id && next ? next.id : doc.current });
}

function paste(doc: Collection, scene: string, { items, sources, scenes }: Fragment): Collection {
  const fresh = <T extends { id: string }>(all: readonly T[], some: readonly T[]): T[] =>
    some.filter((one) => !all.some((other) => other.id === one.id));
  const target = doc.scenes.find((s) => s.id === scene);
  if (!target || fresh(target.items, items).length < items.length) return doc;
  const after = {
    ...doc,
    sources: [...doc.sources, ...fresh(doc.sources, sources)],
    scenes: groupsLast([...doc.scenes, ...fresh(doc.scenes, scenes)]),
  };
  return inScene(after, scene, (before) => [...before, ...items]);
}

const groupsLast = (scenes: readonly Scene[]): Scene[] => [...scenes.filter((s) => !s.group), ...scenes.filter((s) => s.group)];

/** Without sources that nothing shows, and groups that are empty or not shown. */
function withoutUnused(doc: Collection): Collection {
  const used = new Set(doc.scenes.flatMap((s) => s.items.map((i) => i.source)));
  const empty = new Set(doc.scenes.filter((s) => s.group && s.items.length === 0).map((s) => s.id));
  const gone = (s: Source): boolean => !used.has(s.id) || (s.kind === 'scene' && empty.has(s.settings.scene));
  const sources = doc.sources.filter((s) => !gone(s));
  const kept = new Set(sources.map((s) => s.id));
  const shown = new Set(sources.flatMap((s) => (s.kind === 'scene' ? [s.settings.scene] : [])));
  const scenes = doc.scenes
    .filter((s) => !s.group || shown.has(s.id))
    .map((s) => (s.items.every((i) => kept.has(i.source)) ? s : { ...s, items: s.items.filter((i) => kept.has(i.source)) }));
  const after = { ...doc, sources, scenes };
  // What goes may have been all that showed something else.
  return sources.length === doc.sources.length && scenes.length === doc.scenes.length ? after : withoutUnused(after);
}

function defined<T extends object>(patch: T): T {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as T;
}
