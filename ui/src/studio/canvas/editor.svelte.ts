import { getContext, setContext } from 'svelte';
import type { Collection, Edit, Fragment, Item, Scene } from '$lib/api';
import type { Entry } from '$lib/kit/MenuList.svelte';
import { list, plural, t } from '$lib/words';
import { freeName, hasPicture, listed, nested, newId } from '../document';
import { freshItem, place } from '../fresh';
import type { Point } from '../geometry';
import { step, stepInWords, stepOf } from '../steps';
import type { Studio } from '../studio.svelte';
import type { Size } from './affine';
import { type Arranged, type Edge, type Order, align, centre, distribute, flip, order, original, over, reset, rotate } from './arrange';
import { lost } from './lost';
import { copied, keepClip, keepPlace, keptClip, keptPlace, pasted, placeOf } from './clipboard';

/** Longer than an answered edit is shown over snapshots, in ms. */
const REST_MS = 300;

/** All that can be done to chosen items, for the canvas, the lists, the menus and the keys. */
export class Editor {
  /** The menu that is open on something, and where. */
  menu = $state.raw<{ label: string; entries: readonly Entry[]; at: Point } | null>(null);
  /** What was done, for those who hear it. */
  said = $state('');

  /** Something is being dragged. */
  dragging = false;
  #fitting: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly studio: Studio) {}

  /** The chosen items that may be moved. */
  readonly free: readonly Item[] = $derived.by(() => this.studio.items.filter((item) => !item.locked && this.seen(item)));

  /** The canvas that the edited items lie on. */
  get size(): Size {
    return this.studio.levels.at(-1)?.size ?? { width: 1280, height: 720 };
  }

  seen(item: Item): boolean {
    const source = this.studio.source(item.source);
    return source !== undefined && hasPicture(source.kind);
  }

  name(item: Item): string {
    return this.studio.source(item.source)?.name ?? t('Source');
  }

  /** The pixels of what an item shows, as far as they are known. */
  picture(item: Item): Size | null {
    const { studio } = this;
    const source = studio.source(item.source);
    const scene = studio.collection && nested(studio.collection, source);
    if (scene) return scene.group ?? studio.collection?.canvas ?? null;
    return studio.status(item.source)?.size ?? null;
  }

  group(item: Item): Scene | null {
    const { studio } = this;
    const scene = studio.collection && nested(studio.collection, studio.source(item.source));
    return scene?.group ? scene : null;
  }

  /** Says something once more, too, when the words are the same. */
  say(text: string): void {
    this.said = this.said === text ? `${text}\u00a0` : text;
  }

  /** Whether any of some items is locked; it is named then, with what to do next. */
  held(items: readonly Item[] = this.studio.items): boolean {
    const locked = items.filter((item) => item.locked);
    if (locked.length === 0) return false;
    const names = [...new Set(locked.map((item) => `“${this.name(item)}”`))];
    const said = list(names);
    const text =
      names.length > 2
        ? t('{count} of them are locked; unlock them first.', { count: names.length })
        : locked.length > 1
          ? t('{names} are locked; unlock them first.', { names: said })
          : t('{name} is locked; unlock it first.', { name: said });
    // A key that is held says it once.
    if (this.studio.toasts.list.some((toast) => toast.text === text)) return true;
    const ids = locked.map((item) => item.id);
    this.studio.toasts.say(text, {
      label: t('Unlock'),
      run: () => this.toggle('locked', this.studio.edited?.items.filter((item) => item.locked && ids.includes(item.id)) ?? []),
    });
    return true;
  }

  /** The chosen items that may be moved; when all of them are locked, that is said. */
  #movable(): readonly Item[] {
    if (this.free.length === 0) this.held();
    return this.free;
  }

  choose(id: string, more = false): void {
    const { selection } = this.studio;
    if (!more) this.studio.selected = id;
    else this.studio.selection = selection.includes(id) ? selection.filter((one) => one !== id) : [...selection, id];
  }

  chooseAll(): void {
    const all = this.studio.edited?.items.filter((item) => !item.locked) ?? [];
    this.studio.selection = all.map((item) => item.id);
    this.say(plural(all.length, '{count} item chosen', '{count} items chosen'));
  }

  #arrange(arranged: Arranged): void {
    if (arranged.changes.length === 0) return;
    this.studio.arrange(arranged);
    this.touched();
    this.say(stepInWords(arranged.label));
  }

  align(edge: Edge): void {
    this.#arrange(align(this.#movable(), this.size, edge));
  }

  distribute(across: boolean): void {
    this.#arrange(distribute(this.#movable(), across));
  }

  centre(): void {
    this.#arrange(centre(this.#movable(), this.size));
  }

  over(fit: Item['fit']): void {
    this.#arrange(over(this.#movable(), this.size, fit));
  }

  reset(): void {
    this.#arrange(reset(this.#movable(), this.size));
  }

  original(): void {
    this.#arrange(original(this.#movable(), (item) => this.picture(item)));
  }

  flip(across: boolean): void {
    this.#arrange(flip(this.#movable(), across));
  }

  rotate(by: number): void {
    this.#arrange(rotate(this.#movable(), by));
  }

  order(to: Order): void {
    const { edited, selection } = this.studio;
    if (!edited || this.held()) return;
    const { label, edits } = order(edited, selection, to);
    this.#many(label, edits);
  }

  /** Hidden when any of them is visible, else shown. */
  toggle(what: 'visible' | 'locked', items: readonly Item[] = this.studio.items): void {
    const to = what === 'visible' ? !items.some((item) => item.visible) : !items.every((item) => item.locked);
    const deed = what === 'visible' ? (to ? 'show' : 'hide') : to ? 'lock' : 'unlock';
    const changes = items.map(({ id }) => ({ id, patch: what === 'visible' ? { visible: to } : { locked: to } }));
    if (changes.length === 0) return;
    this.studio.arrange({ label: stepOf(deed, items.length), changes });
    this.say(`${stepInWords(stepOf(deed, items.length))}: ${items.map((item) => this.name(item)).join(', ')}`);
  }

  /** Silent when any of them is heard, else heard. */
  mute(): void {
    const sources = this.studio.items.flatMap((item) => this.studio.source(item.source) ?? []);
    const muted = sources.some((source) => !source.audio.muted);
    const edits = sources.map((source): Edit => ({ edit: 'set_audio', id: source.id, audio: { ...source.audio, muted } }));
    this.#many(muted ? step('Mute') : step('Unmute'), edits);
  }

  /** Silences a source, or lets it be heard, wherever it is; false when it is not here. */
  muteSource(id: string): boolean {
    const source = this.studio.source(id);
    if (!source) return false;
    const muted = !source.audio.muted;
    void this.studio.edit({ edit: 'set_audio', id, audio: { ...source.audio, muted } });
    this.say(`${source.name}: ${muted ? t('muted') : t('heard')}`);
    return true;
  }

  async remove(items: readonly Item[] = this.studio.items): Promise<void> {
    const { edited } = this.studio;
    if (!edited || items.length === 0 || this.held(items)) return;
    const names = items.map((item) => `“${this.name(item)}”`);
    const gone = items.map((item) => item.id);
    this.studio.selection = this.studio.selection.filter((id) => !gone.includes(id));
    const edits = items.map(({ id }): Edit => ({ edit: 'remove_item', scene: edited.id, id }));
    const done = await this.studio.edit(edits.length === 1 ? (edits[0] as Edit) : { edit: 'many', label: step('Remove items'), edits });
    if (done) this.studio.deleted(names.length > 2 ? itemsOf(names.length) : list(names));
  }

  async makeGroup(): Promise<void> {
    const { studio } = this;
    const items = studio.items;
    if (!studio.edited || !studio.collection || items.length === 0 || this.held()) return;
    const item = newId('item');
    const name = freeName(t('Group'), studio.collection.sources.map((source) => source.name));
    const done = await studio.edit({
      edit: 'group',
      scene: studio.edited.id,
      items: items.map((one) => one.id),
      group: newId('group'),
      item,
      source: newId('source'),
      name,
    });
    if (!done) return;
    await studio.until(() => studio.edited?.items.some((one) => one.id === item) ?? false);
    studio.selected = item;
    this.say(`${name}: ${itemsOf(items.length)}`);
  }

  async ungroup(): Promise<void> {
    const { studio } = this;
    const groups = studio.items.flatMap((item) => (this.group(item) ? [item] : []));
    if (!studio.edited || groups.length === 0 || this.held(groups)) return;
    const scene = studio.edited.id;
    const gone = groups.flatMap((item) => {
      const group = this.group(item);
      return group ? lost(item, studio.source(item.source), group) : [];
    });
    const inner = groups.flatMap((item) => this.group(item)?.items.map((one) => one.id) ?? []);
    const edits = groups.map((item): Edit => ({ edit: 'ungroup', scene, item: item.id }));
    const one = edits.length === 1 ? (edits[0] as Edit) : ({ edit: 'many', label: step('Ungroup items'), edits } as const);
    if (!(await studio.edit(one))) return;
    await studio.until(() => studio.edited?.items.some((one) => one.id === inner[0]) ?? false);
    studio.selection = inner;
    this.say(t('Ungrouped: {items}', { items: itemsOf(inner.length) }));
    if (gone.length > 0) {
      const words = list([...new Set(gone)]);
      studio.toasts.say(t('Ungrouped. What was of the whole group is gone: {words}.', { words }), { label: t('Undo'), run: () => void studio.undo() });
    }
  }

  enter(item: Item): boolean {
    const group = this.group(item);
    if (!group) return false;
    this.studio.entered = [...this.studio.levels.slice(1).map((_, index) => this.studio.entered[index] as string), item.id];
    this.studio.selection = [];
    this.say(t('In {name}. Escape leaves it.', { name: group.name }));
    return true;
  }

  /** Out of the innermost group; false when none was entered. */
  leave(to = this.studio.levels.length - 2): boolean {
    const { studio } = this;
    if (studio.entered.length === 0 || to < 0) return false;
    const out = studio.entered[to] ?? null;
    studio.entered = studio.entered.slice(0, to);
    studio.selected = out;
    this.say(t('In {name}', { name: studio.edited?.name ?? t('the scene') }));
    return true;
  }

  /**
   * Something changed in a group: it becomes as large as what is in it, as part of the same step, as
   * soon as the hand rests and nothing is on its way.
   */
  touched(): void {
    const groups = this.studio.levels.slice(1).map((level) => level.scene.id);
    if (groups.length === 0) return;
    clearTimeout(this.#fitting);
    this.#fitting = setTimeout(() => {
      if (this.dragging) this.touched();
      else for (const group of groups.toReversed()) void this.studio.edit({ edit: 'fit_group', group });
    }, REST_MS);
  }

  copy(): boolean {
    const { collection, edited, items } = this.studio;
    if (!collection || !edited || items.length === 0) return false;
    keepClip(copied(collection, edited, items.map((item) => item.id)));
    this.say(plural(items.length, 'Copied item', 'Copied {count} items'));
    return true;
  }

  async cut(): Promise<void> {
    const items = this.studio.items;
    const scene = this.studio.edited?.id;
    if (scene === undefined || this.held() || !this.copy()) return;
    const edits = items.map(({ id }): Edit => ({ edit: 'remove_item', scene, id }));
    this.studio.selection = [];
    await this.studio.edit({ edit: 'many', label: stepOf('cut', items.length), edits });
  }

  get hasClip(): boolean {
    return keptClip() !== null;
  }

  async paste(anew = false, into?: Scene): Promise<void> {
    const { collection } = this.studio;
    const edited = into ?? this.studio.edited;
    const clip = keptClip();
    if (!collection || !edited) return;
    if (!clip) {
      this.studio.toasts.say(t('There is nothing to paste. Copy an item first.'));
      return;
    }
    await this.#put(pasted(clip, collection, edited, anew), edited);
  }

  /** A copy of the chosen items beside them: the same sources again, or copies of these. */
  async duplicate(anew = false): Promise<void> {
    const { collection, edited, items } = this.studio;
    if (!collection || !edited || items.length === 0) return;
    const clip = copied(collection, edited, items.map((item) => item.id));
    await this.#put(pasted(clip, collection, edited, anew), edited, stepOf('duplicate', items.length));
  }

  async #put(fragment: Fragment, into: Scene, label?: string): Promise<void> {
    const paste: Edit = { edit: 'paste', scene: into.id, fragment };
    if (!(await this.studio.edit(label === undefined ? paste : { edit: 'many', label, edits: [paste] }))) return;
    if (into.id === this.studio.edited?.id) this.studio.selection = fragment.items.map((item) => item.id);
    this.say(`${label === undefined ? t('Pasted') : stepInWords(label)}: ${itemsOf(fragment.items.length)}`);
  }

  copyPlace(): void {
    const { item } = this.studio;
    if (item) keepPlace(placeOf(item));
  }

  get hasPlace(): boolean {
    return keptPlace() !== null;
  }

  pastePlace(): void {
    const patch = keptPlace();
    if (patch) this.#arrange({ label: step('Paste transform'), changes: this.#movable().map(({ id }) => ({ id, patch })) });
  }

  /** Shows a scene in the edited one. */
  async nest(scene: Scene): Promise<void> {
    const { collection, edited } = this.studio;
    if (!collection || !edited) return;
    const known = collection.sources.find((source) => source.kind === 'scene' && source.settings.scene === scene.id);
    const id = known?.id ?? newId('source');
    const item = freshItem(newId('item'), id, place('scene', collection.canvas));
    const source = { id, name: scene.name, audio: { gain_db: 0, muted: false, pan: 0 }, kind: 'scene' as const, settings: { scene: scene.id } };
    const edit: Edit = known ? { edit: 'add_item', scene: edited.id, item } : { edit: 'add_source', scene: edited.id, source, item };
    if (await this.studio.edit(edit)) this.studio.selected = item.id;
  }

  /** The scenes that the edited one may show: none that shows it, in however many steps. */
  nestable(): Scene[] {
    const { collection, scene, levels } = this.studio;
    if (!collection || !scene) return [];
    const around = new Set(levels.map((level) => level.scene.id));
    const showsAny = (one: Scene, deep: number): boolean =>
      around.has(one.id) || (deep < 16 && inner(collection, one).some((other) => showsAny(other, deep + 1)));
    return listed(collection).filter((one) => !showsAny(one, 0));
  }

  nudge(dx: number, dy: number): void {
    const changes = this.#movable().map(({ id, rect }) => ({ id, patch: { rect: { ...rect, x: rect.x + dx, y: rect.y + dy } } }));
    if (changes.length === 0) return;
    this.studio.arrange({ label: stepOf('move', changes.length), changes });
    this.touched();
    const first = changes[0]?.patch.rect;
    if (first) this.say(`${Math.round(first.x)}, ${Math.round(first.y)}`);
  }

  /** Larger or smaller by its right and lower edge. */
  grow(dx: number, dy: number): void {
    const changes = this.#movable().map(({ id, rect }) => ({
      id,
      patch: { rect: { ...rect, width: Math.max(1, rect.width + dx), height: Math.max(1, rect.height + dy) } },
    }));
    if (changes.length === 0) return;
    this.studio.arrange({ label: stepOf('resize', changes.length), changes });
    this.touched();
    const first = changes[0]?.patch.rect;
    if (first) this.say(t('{width} by {height}', { width: Math.round(first.width), height: Math.round(first.height) }));
  }

  #many(label: string, edits: readonly Edit[]): void {
    if (edits.length === 0) return;
    void this.studio.edit({ edit: 'many', label, edits: [...edits] });
    this.say(stepInWords(label));
  }
}


const inner = (doc: Collection, scene: Scene): Scene[] =>
  scene.items.flatMap((item) => nested(doc, doc.sources.find((one) => one.id === item.source)) ?? []);

const itemsOf = (count: number): string => plural(count, 'item', '{count} items');

const KEY = Symbol('editor');

export function provideEditor(editor: Editor): Editor {
  return setContext(KEY, editor);
}

export function useEditor(): Editor {
  return getContext<Editor>(KEY);
}
