import { getContext, setContext } from 'svelte';
import {
  type Collection,
  type Command,
  type DoctorReport,
  type Edit,
  type Event,
  type Item,
  type ItemPatch,
  type Scene,
  type Snapshot,
  type Source,
  type SourceStatus,
  type Stats,
  type StudioMode,
  asProblem,
} from '$lib/api';
import { merge } from '$lib/chat/history';
import { without } from '$lib/chat/order';
import { plural, t } from '$lib/words';
import { type Level, levels } from './canvas/affine';
import type { Arranged } from './canvas/arrange';
import { ChatDesk } from './chat.svelte';
import { currentScene } from './document';
import type { Connection, Link } from './link/link';
import { MeterFeed } from './meters';
import { Pending } from './pending';
import { Toasts } from './toasts.svelte';

/** The channel that the program goes out on, and its chat room. */
export const PROGRAM = 'program';

/** What the station's records show: figures, the log, who did what, and devices that were examined. */
export type Records = 'figures' | 'log' | 'acts' | 'devices';

/** How long an answered edit is still shown over snapshots, in ms. */
const SETTLE_MS = 200;

/** How long an answered edit may take to come back in a snapshot, in ms. */
const PATIENCE_MS = 2000;

/** A drag whose last change is not answered yet. */
interface Sending {
  next: Edit | null;
  forget: (() => void) | null;
  /** Who waits for it. */
  readonly done: (() => void)[];
}

/** The studio as this page sees it: the last snapshot with what is on its way, and the ways to change it. */
export class Studio {
  connection = $state<Connection>('connecting');
  snapshot = $state.raw<Snapshot | null>(null);
  stats = $state.raw<Stats | null>(null);
  /** What is open of the station's records. */
  records = $state<Records | null>(null);
  /** Reports of the connection doctor that came while this page was open; grows with each. */
  reports = $state(0);
  /** The items that properties and handles are about, in the order in which they were chosen. */
  selection = $state.raw<readonly string[]>([]);
  /** The groups that are open for changes, outermost first: the items that show them. */
  entered = $state.raw<readonly string[]>([]);

  /** The scene whose transition and filters stand in the properties; else the one that is worked on. */
  editing = $state<string | null>(null);

  readonly chat = new ChatDesk(PROGRAM, async (room) => {
    const [{ past }, { http, token }] = await Promise.all([import('$lib/chat/past'), this.link.endpoints()]);
    return past(http, room, token);
  });
  readonly meters = new MeterFeed();
  readonly toasts = new Toasts();
  readonly #pending = new Pending();
  #changes = $state(0);
  readonly #sending = new Map<string, Sending>();
  readonly #waiters = new Set<() => void>();

  readonly collection: Collection | null = $derived.by(() => {
    void this.#changes;
    return this.snapshot ? this.#pending.over(this.snapshot.collection) : null;
  });
  /** A scene is prepared beside the program. */
  readonly studioMode: StudioMode | null = $derived(this.snapshot?.studio_mode ?? null);
  /** The scene that is worked on: the one on the preview in studio mode, else the one on the program. */
  readonly scene: Scene | undefined = $derived.by(() => {
    if (!this.collection) return undefined;
    const prepared = this.studioMode?.preview;
    return this.collection.scenes.find((one) => one.id === prepared) ?? currentScene(this.collection);
  });
  /** That scene and the groups that were entered in it. */
  readonly levels: readonly Level[] = $derived(this.collection ? levels(this.collection, this.scene, this.entered) : []);
  /** Whose items are changed: the scene, or the group that was entered. */
  readonly edited: Scene | undefined = $derived(this.levels.at(-1)?.scene);
  /** The chosen items, bottom first. */
  readonly items: readonly Item[] = $derived(this.edited?.items.filter((item) => this.selection.includes(item.id)) ?? []);
  /** The item that was chosen last. */
  readonly item: Item | undefined = $derived(this.items.find((item) => item.id === this.selected));
  readonly onAir = $derived(this.snapshot?.on_air ?? null);

  constructor(readonly link: Link) {}

  /** The item that was chosen last; setting it chooses that one alone. */
  get selected(): string | null {
    return this.selection.at(-1) ?? null;
  }

  set selected(id: string | null) {
    this.selection = id === null ? [] : [id];
  }

  /** Follows the studio until the returned function is called. */
  start(): () => void {
    return this.link.follow(
      (event) => this.#take(event),
      (state) => {
        this.connection = state;
        if (state === 'open') void this.chat.remember();
        else this.meters.silence();
      },
    );
  }

  source(id: string): Source | undefined {
    return this.collection?.sources.find((source) => source.id === id);
  }

  status(id: string): SourceStatus | undefined {
    return this.snapshot?.sources.find((status) => status.id === id);
  }

  /** Does something; a refusal is shown. Whether it was done. */
  async command(command: Command): Promise<boolean> {
    try {
      await this.link.apply(command);
      return true;
    } catch (thrown) {
      this.toasts.problem(asProblem(thrown));
      return false;
    }
  }

  /** Changes the document. It shows at once; a refusal takes it back and is shown. */
  async edit(edit: Edit): Promise<boolean> {
    const forget = this.#show(edit);
    try {
      await this.link.apply({ command: 'edit', edit });
      // The snapshot that holds it comes a moment after the answer, or came before it.
      setTimeout(forget, SETTLE_MS);
      return true;
    } catch (thrown) {
      forget();
      this.toasts.problem(asProblem(thrown));
      return false;
    }
  }

  /**
   * One of many changes while something is dragged: the newest is sent when the one before was
   * answered, the ones between are left out.
   */
  drag(key: string, edit: Edit): void {
    const busy = this.#sending.get(key);
    if (busy) {
      busy.forget?.();
      busy.forget = this.#show(edit);
      busy.next = edit;
      return;
    }
    const mine: Sending = { next: null, forget: null, done: [] };
    this.#sending.set(key, mine);
    void this.edit(edit).then(() => {
      this.#sending.delete(key);
      if (mine.next) this.drag(key, mine.next);
      mine.forget?.();
      for (const done of mine.done) done();
    });
  }

  /** Changes an item of the edited scene. */
  patch(id: string, patch: ItemPatch): void {
    if (!this.edited) return;
    this.drag(`item ${this.edited.id} ${id} ${Object.keys(patch).join()}`, {
      edit: 'set_item',
      scene: this.edited.id,
      id,
      patch,
    });
  }

  /** Changes items of the edited scene as one step; all that carries the same gesture belongs to it. */
  arrange({ label, changes }: Arranged, gesture?: string): void {
    const scene = this.edited?.id;
    if (scene === undefined || changes.length === 0) return;
    const edits = changes.map(({ id, patch }): Edit => ({ edit: 'set_item', scene, id, patch }));
    const ids = changes.map((change) => change.id).join();
    this.drag(gesture ?? `many ${scene} ${label} ${ids}`, { edit: 'many', label, edits, ...(gesture === undefined ? {} : { gesture }) });
  }

  /** Waits until a snapshot brings what an answered edit did; not for ever, as others edit too. */
  async until(there: () => boolean): Promise<void> {
    if (there()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => done(), PATIENCE_MS);
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      const look = (): void => {
        if (there()) done();
      };
      this.#waiters.add(look);
    });
  }

  /** Waits until nothing of a drag is on its way any more. */
  async settled(key: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        const busy = this.#sending.get(key);
        if (busy) busy.done.push(look);
        else resolve();
      };
      look();
    });
  }

  /** Takes a drag back that was not finished, with all that it changed. */
  async abandon(gesture: string): Promise<void> {
    const busy = this.#sending.get(gesture);
    if (busy) {
      busy.forget?.();
      busy.next = null;
      busy.forget = null;
    }
    await this.settled(gesture);
    await this.undo();
  }

  /** Goes several steps of the history at once: below 0 back, above 0 forth. */
  async travel(steps: number): Promise<void> {
    if (steps !== 0) await this.#travel({ command: 'travel', steps });
  }

  /**
   * Brings a scene to the program by its transition; in studio mode to the preview. Which of the two
   * the studio knows: its mode may have changed since this page last heard.
   */
  show(scene: string): void {
    const forget = this.studioMode ? null : this.#show({ edit: 'switch_scene', id: scene });
    void this.command({ command: 'show', scene }).then((done) => {
      if (forget) setTimeout(forget, done ? SETTLE_MS : 0);
    });
  }

  async undo(): Promise<void> {
    if (this.snapshot?.undo.undo) await this.#travel({ command: 'undo' });
  }

  async redo(): Promise<void> {
    if (this.snapshot?.undo.redo) await this.#travel({ command: 'redo' });
  }

  /** Says that something is gone, and offers to take that back. */
  deleted(what: string): void {
    this.toasts.say(t('{what} deleted', { what }), { label: t('Undo'), run: () => void this.undo() });
  }

  async #travel(command: Command): Promise<void> {
    this.#pending.clear();
    this.#changes += 1;
    await this.command(command);
  }

  #show(edit: Edit): () => void {
    const forget = this.#pending.sent(edit);
    this.#changes += 1;
    return () => {
      forget();
      this.#changes += 1;
    };
  }

  /** The chat is followed where the host wants to, as long as somebody is live there. */
  #listen({ publishers }: Snapshot): void {
    const left = this.chat.live(publishers);
    if (left !== null) this.toasts.say(t('“{channel}” has ended. The chat shows the program’s room again.', { channel: left }));
  }

  /** Somebody's device was examined. */
  #hear({ address, report }: DoctorReport): void {
    this.reports += 1;
    const bad = report.checks.filter((check) => check.verdict === 'bad').length;
    const who = report.name === '' ? address : report.name;
    const words = bad === 0 ? t('everything that watching takes works') : plural(bad, 'one problem', '{count} problems');
    const show = { label: t('Show'), run: (): void => void (this.records = 'devices') };
    // Whoever waits for help is not forgotten because nobody looked.
    this.toasts.say(t('{who} examined their connection: {words}.', { who, words }), show, bad > 0 ? null : 8000);
  }

  #take(event: Event): void {
    switch (event.event) {
      case 'snapshot':
        this.snapshot = event.snapshot;
        this.stats = event.snapshot.stats;
        this.#listen(event.snapshot);
        for (const look of [...this.#waiters]) look();
        break;
      case 'meters':
        this.meters.take(event.meters);
        break;
      case 'stats':
        this.stats = event.stats;
        break;
      case 'chat':
        this.chat.said(event.channel, event.message);
        break;
      case 'doctor':
        this.#hear(event.report);
        break;
      case 'chat_deleted':
        this.chat.deleted(event.channel, event.messages ?? null);
        break;
      case 'problem':
        this.toasts.problem(event.problem);
        break;
    }
  }
}

const KEY = Symbol('studio');

export function provideStudio(studio: Studio): Studio {
  return setContext(KEY, studio);
}

export function useStudio(): Studio {
  return getContext<Studio>(KEY);
}
