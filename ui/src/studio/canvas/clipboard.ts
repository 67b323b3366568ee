import type { Collection, Fragment, Item, ItemPatch, Scene, Source } from '$lib/api';
import { freeName, nested, newId } from '../document';

/** What was copied, kept in this browser, so that it can be pasted into another collection or window. */

const KEY = 'klieg.clip';
const PLACE = 'klieg.place';

/** How far a copy stands from what it lies on, in canvas pixels. */
const ASIDE = 24;

export interface Clip extends Fragment {
  /** Where it was copied. */
  readonly from: string;
}

/** Items with all that they need: their sources, and the scenes that these show. */
export function copied(doc: Collection, scene: Scene, ids: readonly string[]): Clip {
  const items = scene.items.filter((item) => ids.includes(item.id));
  const sources = new Map<string, Source>();
  const scenes = new Map<string, Scene>();
  const need = (some: readonly Item[]): void => {
    for (const item of some) {
      const source = doc.sources.find((one) => one.id === item.source);
      if (!source || sources.has(source.id)) continue;
      sources.set(source.id, source);
      const inner = nested(doc, source);
      if (!inner || scenes.has(inner.id)) continue;
      scenes.set(inner.id, inner);
      need(inner.items);
    }
  };
  need(items);
  return { items, sources: [...sources.values()], scenes: [...scenes.values()], from: scene.id };
}

/**
 * A clip as it goes into a scene: with identities of its own, a little aside of what it would cover.
 * The sources are the same ones, or, when `anew`, copies of them. A group is always a copy.
 */
export function pasted(clip: Clip, doc: Collection, scene: Scene, anew: boolean): Fragment {
  const sources: Source[] = [];
  const scenes: Scene[] = [];
  const names = doc.sources.map((one) => one.name);
  const copies = new Map<string, string>();
  const find = (id: string): Source | undefined => clip.sources.find((one) => one.id === id);

  const sourceFor = (id: string): string => {
    const source = find(id);
    if (!source) return id;
    const inner = source.kind === 'scene' ? clip.scenes.find((one) => one.id === source.settings.scene) : undefined;
    if (inner?.group) {
      const group: Scene = { ...inner, id: newId('group'), items: inner.items.map((one) => ({ ...one, source: sourceFor(one.source) })) };
      const name = freeName(source.name, names);
      const shown: Source = { ...source, id: newId('source'), name, kind: 'scene', settings: { scene: group.id } };
      names.push(name);
      scenes.push({ ...group, name });
      sources.push(shown);
      return shown.id;
    }
    if (inner) {
      // Another scene: the one that is there, with what it shows.
      if (!scenes.includes(inner)) {
        scenes.push(inner);
        for (const one of inner.items) keep(one.source);
      }
    }
    if (!anew || inner) {
      keep(id);
      return id;
    }
    const known = copies.get(id);
    if (known) return known;
    const name = freeName(source.name, names);
    names.push(name);
    const copy = { ...source, id: newId('source'), name };
    copies.set(id, copy.id);
    sources.push(copy);
    return copy.id;
  };
  const keep = (id: string): void => {
    const source = find(id);
    if (!source || sources.includes(source)) return;
    sources.push(source);
    const inner = source.kind === 'scene' ? clip.scenes.find((one) => one.id === source.settings.scene) : undefined;
    if (!inner || scenes.includes(inner)) return;
    scenes.push(inner);
    for (const one of inner.items) keep(one.source);
  };

  let aside = 0;
  const covers = (by: number): boolean =>
    clip.items.some((item) => scene.items.some((there) => there.rect.x === item.rect.x + by && there.rect.y === item.rect.y + by && there.rect.width === item.rect.width));
  while (aside < 20 * ASIDE && covers(aside)) aside += ASIDE;
  const items = clip.items.map((item) => ({
    ...item,
    id: newId('item'),
    source: sourceFor(item.source),
    rect: { ...item.rect, x: item.rect.x + aside, y: item.rect.y + aside },
  }));
  return { items, sources, scenes };
}

export function keepClip(clip: Clip): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(clip));
  } catch {
    // Too large, or a private window: there is nothing to paste then, and paste says so.
    localStorage.removeItem(KEY);
  }
}

/** What was copied last, by whichever window of this browser. */
export function keptClip(): Clip | null {
  return read<Clip>(KEY, (clip) => Array.isArray(clip.items) && Array.isArray(clip.sources) && Array.isArray(clip.scenes));
}

/** The part of an item that says where and how it stands. */
export const placeOf = ({ rect, fit, crop, rotation, flip_h, flip_v }: Item): ItemPatch => ({ rect, fit, crop, rotation, flip_h, flip_v });

export const keepPlace = (place: ItemPatch): void => localStorage.setItem(PLACE, JSON.stringify(place));

export const keptPlace = (): ItemPatch | null => read<ItemPatch>(PLACE, (place) => typeof place.rect === 'object');

function read<T>(key: string, good: (value: T) => boolean): T | null {
  try {
    const value = JSON.parse(localStorage.getItem(key) ?? 'null') as T | null;
    return value !== null && good(value) ? value : null;
  } catch {
    return null;
  }
}
