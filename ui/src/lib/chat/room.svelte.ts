import { io, type Socket } from 'socket.io-client';
import type { ChannelState, Message, Viewers } from '$lib/api';
import { merge } from './history';

type Refusal = { error: { code: string; message: string } };
type Joined = { history: Message[]; viewers: Viewers };

const NAME = 'klieg.chat.name';

/** A channel's chat as one viewer takes part in it. Comes back by itself after a drop. */
export class Room {
  messages = $state.raw<readonly Message[]>([]);
  viewers = $state.raw<Viewers | null>(null);
  /** The name the server knows; nothing before one is chosen. */
  name = $state<string | null>(null);
  state = $state<'connecting' | 'open' | 'lost'>('connecting');
  /** What the server last said about the channel. */
  live = $state.raw<ChannelState | null>(null);

  readonly #socket: Socket;

  constructor(readonly channel: string) {
    this.#socket = io({ transports: ['websocket', 'polling'], tryAllTransports: true, reconnectionDelayMax: 5000 });
    this.#socket.on('connect', () => void this.#enter());
    this.#socket.on('disconnect', () => (this.state = 'lost'));
    this.#socket.on('connect_error', () => (this.state = 'lost'));
    this.#socket.on('message', (message: Message) => (this.messages = merge(this.messages, [message])));
    this.#socket.on('viewers', (viewers: Viewers) => (this.viewers = viewers));
    this.#socket.on('live', (news: { state: ChannelState }) => (this.live = news.state));
  }

  /** Chooses a name; the server may refuse it. */
  async choose(name: string): Promise<void> {
    await this.#ask('name', { name });
    this.name = name;
    remember(name);
  }

  /** Says something; throws with words for people when the server refuses. */
  async say(text: string): Promise<void> {
    await this.#ask('say', { text });
  }

  close(): void {
    this.#socket.close();
  }

  async #enter(): Promise<void> {
    try {
      const joined = (await this.#ask('join', { channel: this.channel })) as Joined;
      this.messages = merge(this.messages, joined.history);
      this.viewers = joined.viewers;
      this.state = 'open';
      const known = this.name ?? recall();
      if (known) await this.choose(known);
    } catch {
      // Refused or lost meanwhile: the name is asked for again, and the socket comes back by itself.
      if (!this.#socket.connected) this.state = 'lost';
    }
  }

  async #ask(event: string, body: object): Promise<unknown> {
    let answer: unknown;
    try {
      answer = await this.#socket.timeout(6000).emitWithAck(event, body);
    } catch {
      throw new Error('The chat does not answer. Your message was not sent; try again in a moment.');
    }
    const refusal = answer as Partial<Refusal> | null;
    if (refusal?.error) throw new Error(refusal.error.message);
    return answer;
  }
}

function remember(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // A private window: the name lasts as long as the page.
  }
}

function recall(): string | null {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}
