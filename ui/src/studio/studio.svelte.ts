import { getContext, setContext } from 'svelte';
import {
  type Collection,
  type Command,
  type Edit,
  type Event,
  type Item,
  type ItemPatch,
  type Message,
  type Scene,
  type Snapshot,
  type Source,
  type SourceStatus,
  type Stats,
  asProblem,
} from '$lib/api';
import { merge } from '$lib/chat/history';
import { currentScene } from './document';
import type { Connection, Link } from './link/link';
import { MeterFeed } from './meters';
import { Pending } from './pending';
import { Toasts } from './toasts.svelte';

/** The channel that the program goes out on, and its chat room. */
export const PROGRAM = 'program';

/** How long an answered edit is still shown over snapshots, in ms. */
const SETTLE_MS = 200;

/** A drag whose last change is not answered yet. */
interface Sending {
  next: Edit | null;
  forget: (() => void) | null;
}

/** The studio as this page sees it: the last snapshot with what is on its way, and the ways to change it. */
export class Studio {
  connection = $state<Connection>('connecting');
  snapshot = $state.raw<Snapshot | null>(null);
  stats = $state.raw<Stats | null>(null);
  chat = $state.raw<readonly Message[]>([]);
  /** The item that properties and handles are about. */
  selected = $state<string | null>(null);

  readonly meters = new MeterFeed();
  readonly toasts = new Toasts();
  readonly #pending = new Pending();
  #changes = $state(0);
  readonly #sending = new Map<string, Sending>();

  readonly collection: Collection | null = $derived.by(() => {
    void this.#changes;
    return this.snapshot ? this.#pending.over(this.snapshot.collection) : null;
  });
  readonly scene: Scene | undefined = $derived(this.collection ? currentScene(this.collection) : undefined);
  readonly item: Item | undefined = $derived(this.scene?.items.find((item) => item.id === this.selected));
  readonly onAir = $derived(this.snapshot?.on_air ?? null);

  constructor(readonly link: Link) {}

  /** Follows the studio until the returned function is called. */
  start(): () => void {
    return this.link.follow(
      (event) => this.#take(event),
      (state) => {
        this.connection = state;
        if (state === 'open') void this.#remember();
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
    const mine: Sending = { next: null, forget: null };
    this.#sending.set(key, mine);
    void this.edit(edit).then(() => {
      this.#sending.delete(key);
      if (mine.next) this.drag(key, mine.next);
      mine.forget?.();
    });
  }

  /** Changes an item of the current scene. */
  patch(id: string, patch: ItemPatch): void {
    if (!this.scene) return;
    this.drag(`item ${this.scene.id} ${id} ${Object.keys(patch).join()}`, {
      edit: 'set_item',
      scene: this.scene.id,
      id,
      patch,
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
    this.toasts.say(`${what} deleted`, { label: 'Undo', run: () => void this.undo() });
  }

  /** Fetches what was said in the chat before this page followed it. */
  async #remember(): Promise<void> {
    try {
      const [{ past }, { http }] = await Promise.all([import('$lib/chat/past'), this.link.endpoints()]);
      this.chat = merge(this.chat, await past(http, PROGRAM));
    } catch {
      // New messages come all the same; the older ones with the next connection.
    }
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

  #take(event: Event): void {
    switch (event.event) {
      case 'snapshot':
        this.snapshot = event.snapshot;
        this.stats = event.snapshot.stats;
        break;
      case 'meters':
        this.meters.take(event.meters);
        break;
      case 'stats':
        this.stats = event.stats;
        break;
      case 'chat':
        if (event.channel === PROGRAM) this.chat = merge(this.chat, [event.message]);
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
