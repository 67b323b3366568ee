import type { Socket } from 'socket.io-client';
import type { ChannelState, ChatRoom, Message, Moderation, Role, Viewers } from '$lib/api';
import { t } from '$lib/words';
import { merge } from './history';
import { type PublicRules, type Stopped, without } from './order';

type Refusal = { error: { code: string; message: string } };
type Joined = {
  history: Message[];
  viewers: Viewers;
  state?: ChannelState;
  role?: Role;
  rules?: PublicRules;
  stopped?: Stopped | null;
  room?: ChatRoom;
};

class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A name and the key that takes it back after a drop. */
interface Known {
  name: string;
  key: string | null;
}

const KNOWN = 'klieg.chat.name';
/** How often a room is tried that does not exist yet, in ms. */
const AGAIN_MS = 4000;
/** How often a private channel is tried that may be opened to all, in ms. */
const LOCKED_MS = 15_000;
/** How long what a person sends waits for a room that is still being entered, in ms. */
const PATIENCE_MS = 8000;

/** A channel's chat as one viewer takes part in it. Comes back by itself after a drop. */
export class Room {
  messages = $state.raw<readonly Message[]>([]);
  viewers = $state.raw<Viewers | null>(null);
  /** The name the server knows; nothing before one is chosen. */
  name = $state<string | null>(null);
  /** Absent: no such channel is live, and none has left a room behind. */
  state = $state<'connecting' | 'open' | 'lost' | 'absent'>('connecting');
  /** What the server last said about the channel. */
  live = $state.raw<ChannelState | null>(null);
  /** Viewer, or moderator by a link. */
  role = $state<Role>('viewer');
  rules = $state.raw<PublicRules>({ slow_seconds: 0, links: true });
  /** Why this person may not write, while they may not. */
  stopped = $state.raw<Stopped | null>(null);
  /** The room as moderators see it. */
  desk = $state.raw<ChatRoom | null>(null);
  /** The channel asks for its passphrase. */
  locked = $state(false);

  #socket: Socket | null = null;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    readonly channel: string,
    /** The secret of a link, or the token of a private channel. */
    private key: string | null = null,
  ) {
    void this.#open();
  }

  /** Enters with a new right: the passphrase was given. */
  unlock(token: string | null): void {
    if (token) this.key = token;
    if (this.#socket?.connected) void this.#enter();
  }

  /** Keeps order, as a moderator. */
  async moderate(act: Moderation): Promise<void> {
    await this.#ask('moderate', act);
  }

  /** Chooses a name; the server may refuse it. */
  async choose(name: string): Promise<void> {
    await this.#entered();
    await this.#choose(name);
  }

  /** Says something; throws with words for people when the server refuses. */
  async say(text: string): Promise<void> {
    await this.#entered();
    await this.#ask('say', { text });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#quiet);
    this.#socket?.close();
  }

  async #choose(name: string): Promise<void> {
    const key = recall()?.key ?? null;
    const answer = (await this.#ask('name', key === null ? { name } : { name, key })) as Partial<Known>;
    this.name = answer.name ?? name;
    remember({ name: this.name, key: answer.key ?? key });
  }

  /** The form is there before the room is: what is sent early waits for it. */
  async #entered(): Promise<void> {
    if (this.state === 'open') return;
    await new Promise<void>((resolve) => {
      // A channel that is not live yet may be so in an hour: that is no fault to be told.
      const timer = setTimeout(() => {
        if (this.state !== 'absent') resolve();
      }, PATIENCE_MS);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #open(): Promise<void> {
    // The picture comes first: what chat is made of is fetched beside it.
    const { io } = await import('socket.io-client');
    if (this.#closed) return;
    const socket = io({ transports: ['websocket', 'polling'], tryAllTransports: true, reconnectionDelayMax: 5000 });
    this.#socket = socket;
    socket.on('connect', () => void this.#enter());
    socket.on('disconnect', () => (this.state = 'lost'));
    socket.on('connect_error', () => (this.state = 'lost'));
    socket.on('message', (message: Message) => (this.messages = merge(this.messages, [message])));
    socket.on('viewers', (viewers: Viewers) => (this.viewers = viewers));
    socket.on('deleted', ({ messages }: { messages: number[] | null }) => (this.messages = without(this.messages, messages)));
    socket.on('rules', (rules: PublicRules) => (this.rules = rules));
    socket.on('stopped', (stopped: Stopped | null) => this.#stop(stopped));
    socket.on('room', (room: ChatRoom) => (this.desk = room));
    socket.on('role', ({ role }: { role: Role }) => this.#become(role, null));
    socket.on('closed', () => this.#lock());
    socket.on('live', (news: { state: ChannelState }) => (this.live = news.state));
  }

  async #enter(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const session = recall()?.key;
      const joined = (await this.#ask('join', {
        channel: this.channel,
        ...(session ? { session } : {}),
        ...(this.key ? { key: this.key } : {}),
      })) as Joined;
      // What was deleted while the connection was gone is gone here, too.
      this.messages = merge([], joined.history);
      this.locked = false;
      this.rules = joined.rules ?? this.rules;
      this.#stop(joined.stopped ?? null);
      this.#become(joined.role ?? 'viewer', joined.room ?? null);
      this.viewers = joined.viewers;
      if (joined.state) this.live = joined.state;
      this.state = 'open';
      for (const go of this.#waiting.splice(0)) go();
    } catch (thrown) {
      if (thrown instanceof Refused && thrown.code === 'unauthorized') {
        this.#lock();
        return;
      }
      if (thrown instanceof Refused && thrown.code === 'not_found') this.state = 'absent';
      // There is no such room yet, or the connection went: a drop comes back by itself.
      if (this.#socket?.connected) this.#timer = setTimeout(() => void this.#enter(), AGAIN_MS);
      return;
    }
    await this.#known();
  }

  /** Takes the name of before, as long as nobody else has it. */
  async #known(): Promise<void> {
    const name = this.name ?? recall()?.name;
    if (!name || this.stopped) return;
    try {
      await this.#choose(name);
    } catch {
      // Taken by somebody else meanwhile: it is asked for again.
      this.name = null;
    }
  }

  #stop(stopped: Stopped | null): void {
    const before = this.stopped;
    this.stopped = stopped;
    clearTimeout(this.#quiet);
    if (stopped?.until) {
      // What is over is over without a word from the station. Browsers wait 24 days at most.
      const left = Math.min(2_000_000_000, Math.max(0, stopped.until - Date.now()) + 50);
      this.#quiet = setTimeout(() => this.#stop(stopped.until && stopped.until > Date.now() ? stopped : null), left);
    }
    if (before && !stopped && this.name === null && this.state === 'open') void this.#known();
  }

  #become(role: Role, desk: ChatRoom | null): void {
    this.role = role;
    this.desk = desk;
  }

  #lock(): void {
    this.locked = true;
    this.messages = [];
    this.#become('viewer', null);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#enter(), LOCKED_MS);
  }

  async #ask(event: string, body: object): Promise<unknown> {
    let answer: unknown;
    try {
      if (!this.#socket) throw new Error('not connected');
      answer = await this.#socket.timeout(6000).emitWithAck(event, body);
    } catch {
      throw new Error(t('The chat does not answer. Your message was not sent; try again in a moment.'));
    }
    const refusal = answer as Partial<Refusal> | null;
    if (refusal?.error) throw new Refused(refusal.error.code, refusal.error.message);
    return answer;
  }
}

function remember(known: Known): void {
  try {
    localStorage.setItem(KNOWN, JSON.stringify(known));
  } catch {
    // A private window: the name lasts as long as the page.
  }
}

function recall(): Known | null {
  try {
    const { name, key } = JSON.parse(localStorage.getItem(KNOWN) ?? 'null') as Partial<Known>;
    return typeof name === 'string' ? { name, key: typeof key === 'string' ? key : null } : null;
  } catch {
    return null;
  }
}
