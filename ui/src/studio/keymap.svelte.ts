import type { Keys } from '$lib/api';
import { en } from '$lib/words';
import { ACTIONS, type Action, mutes } from './actions';

/** Where browsers kept keys before the studio did. */
const OLD = 'klieg.keymap';
const OLD_SINGLES = 'klieg.keys';

type Map = Readonly<Record<string, string>>;

/** Which key does what: as it is at first, with what a person set otherwise. Kept by the studio. */
export class Keymap {
  #own = $state.raw<Map>({});
  #anywhere = $state.raw<Map>({});
  #singles = $state(true);
  /** What has a key beside {@link ACTIONS}: what there is of sources. */
  more = $state.raw<readonly Action[]>([]);
  /** What was last taken. */
  #taken = '';
  #send: ((keys: Keys) => Promise<boolean>) | null = null;
  /** What was sent and not yet answered: until then, snapshots are older than what is shown. */
  #sending = 0;

  /** Says who keeps them. */
  keepWith(send: (keys: Keys) => Promise<boolean>): void {
    this.#send = send;
  }

  /** Takes what the studio has. */
  take(keys: Keys): void {
    if (this.#sending > 0) return;
    // A snapshot brings the same again and again: the system is asked for keys when they are others.
    const text = JSON.stringify(keys);
    if (text === this.#taken) return;
    this.#taken = text;
    this.#own = known(keys.own);
    this.#anywhere = known(keys.anywhere);
    this.#singles = keys.singles;
    this.#bring();
  }

  /** The key of an action; empty when it has none. */
  of(id: string): string {
    return this.#own[id] ?? first(id);
  }

  /** The key that does it while another program has the keyboard, too; empty when there is none. */
  anywhereOf(id: string): string {
    return this.#anywhere[id] ?? '';
  }

  /** All of these, by action. */
  get anywhere(): Map {
    return this.#anywhere;
  }

  /** Whether keys without Ctrl or Alt do something. */
  get singles(): boolean {
    return this.#singles;
  }

  set singles(on: boolean) {
    this.#singles = on;
    this.#keep();
  }

  /** What a key does. */
  find(key: string): Action | undefined {
    return [...ACTIONS, ...this.more].find((one) => this.of(one.id) === key);
  }

  /** What else has the key already. */
  taken(id: string, key: string, anywhere = false): Action | undefined {
    if (key === '') return undefined;
    const kept = Object.keys(anywhere ? this.#anywhere : this.#own).map((one) => this.#about(one));
    return [...ACTIONS, ...kept].find((one) => one.id !== id && (anywhere ? this.anywhereOf(one.id) : this.of(one.id)) === key);
  }

  /** What an action is; a source of another collection keeps its key. */
  #about(id: string): Action {
    const known = [...ACTIONS, ...this.more].find((one) => one.id === id);
    return known ?? { id, group: en('Sound'), label: en('Mute or hear a source of another collection'), key: '', global: true };
  }

  /** Gives an action a key; whatever had it has none then. */
  set(id: string, key: string, anywhere = false): void {
    const other = this.taken(id, key, anywhere);
    const change = { ...(other ? { [other.id]: '' } : {}), [id]: key };
    if (anywhere) {
      const all = Object.entries({ ...this.#anywhere, ...change });
      this.#anywhere = Object.fromEntries(all.filter(([, one]) => one !== ''));
    } else {
      const all = Object.entries({ ...this.#own, ...change });
      this.#own = Object.fromEntries(all.filter(([of, one]) => first(of) !== one));
    }
    this.#keep();
  }

  get changed(): boolean {
    return Object.keys(this.#own).length + Object.keys(this.#anywhere).length > 0;
  }

  restore(): void {
    this.#own = {};
    this.#anywhere = {};
    this.#keep();
  }

  #keep(): void {
    if (!this.#send) return;
    this.#sending += 1;
    this.#taken = '';
    const keys: Keys = { own: this.#own, anywhere: this.#anywhere, singles: this.#singles };
    void this.#send(keys).finally(() => (this.#sending -= 1));
  }

  /** What this browser kept itself goes to the studio, once. */
  #bring(): void {
    try {
      const [stored, singles] = [localStorage.getItem(OLD), localStorage.getItem(OLD_SINGLES)];
      if (stored === null && singles === null) return;
      localStorage.removeItem(OLD);
      localStorage.removeItem(OLD_SINGLES);
      if (this.changed || !this.#singles) return;
      this.#own = known(JSON.parse(stored ?? '{}') as Record<string, unknown>);
      this.#singles = singles !== 'off';
      this.#keep();
    } catch {
      // Nothing that can be read, or a private window: as the studio has it.
    }
  }
}

const first = (id: string): string => ACTIONS.find((one) => one.id === id)?.key ?? '';

function known(keys: Readonly<Record<string, unknown>>): Record<string, string> {
  const all = Object.entries(keys).filter(([id, key]) => typeof key === 'string' && (mutes(id) !== null || ACTIONS.some((one) => one.id === id)));
  return Object.fromEntries(all) as Record<string, string>;
}

/** The one keymap of the page. */
export const keymap = new Keymap();
