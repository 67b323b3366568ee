import type { Socket } from 'socket.io-client';
import type { ChannelState, Message, Viewers } from '$lib/api';
import { merge } from './history';

type Refusal = { error: { code: string; message: string } };
type Joined = { history: Message[]; viewers: Viewers; state?: ChannelState };
/** A name and the key that takes it back after a drop. */
interface Known {
  name: string;
  key: string | null;
}

const KNOWN = 'klieg.chat.name';
/** How often a room is tried that does not exist yet, in ms. */
const AGAIN_MS = 4000;
/** How long what a person sends waits for a room that is still being entered, in ms. */
const PATIENCE_MS = 8000;

/** A channel's chat as one viewer takes part in it. Comes back by itself after a drop. */
export class Room {
  messages = $state.raw<readonly Message[]>([]);
  viewers = $state.raw<Viewers | null>(null);
  /** The name the server knows; nothing before one is chosen. */
  name = $state<string | null>(null);
  state = $state<'connecting' | 'open' | 'lost'>('connecting');
  /** What the server last said about the channel. */
  live = $state.raw<ChannelState | null>(null);

  #socket: Socket | null = null;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];

  constructor(readonly channel: string) {
    void this.#open();
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
      const timer = setTimeout(resolve, PATIENCE_MS);
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
    socket.on('live', (news: { state: ChannelState }) => (this.live = news.state));
  }

  async #enter(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const joined = (await this.#ask('join', { channel: this.channel })) as Joined;
      this.messages = merge(this.messages, joined.history);
      this.viewers = joined.viewers;
      if (joined.state) this.live = joined.state;
      this.state = 'open';
      for (const go of this.#waiting.splice(0)) go();
    } catch {
      // There is no such room yet, or the connection went: a drop comes back by itself.
      if (this.#socket?.connected) this.#timer = setTimeout(() => void this.#enter(), AGAIN_MS);
      return;
    }
    const name = this.name ?? recall()?.name;
    if (!name) return;
    try {
      await this.#choose(name);
    } catch {
      // Taken by somebody else meanwhile: it is asked for again.
      this.name = null;
    }
  }

  async #ask(event: string, body: object): Promise<unknown> {
    let answer: unknown;
    try {
      if (!this.#socket) throw new Error('not connected');
      answer = await this.#socket.timeout(6000).emitWithAck(event, body);
    } catch {
      throw new Error('The chat does not answer. Your message was not sent; try again in a moment.');
    }
    const refusal = answer as Partial<Refusal> | null;
    if (refusal?.error) throw new Error(refusal.error.message);
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
