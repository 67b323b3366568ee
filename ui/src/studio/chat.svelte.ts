import type { Message, Publisher } from '$lib/api';
import { merge } from '$lib/chat/history';
import { without } from '$lib/chat/order';

/** The rooms that the host may look into: the program's first, then those of the channels that viewers find. */
export function roomsOf(home: string, publishers: readonly Publisher[]): string[] {
  const live = publishers.filter((one) => !one.held && !one.guest).map((one) => one.channel);
  return [home, ...live.filter((channel) => channel !== home).sort((a, b) => a.localeCompare(b))];
}

/** The room that the chat dock shows, and what is said in it. It is the program's again when its channel ends. */
export class ChatDesk {
  room = $state('');
  rooms = $state.raw<readonly string[]>([]);
  messages = $state.raw<readonly Message[]>([]);
  /** What was taken away while older messages were under way: all of it when it is not said which. */
  #gone: (readonly number[] | null)[] = [];
  #asked = 0;

  constructor(
    /** The program's room. */
    private readonly home: string,
    /** Fetches what was said in a room before. */
    private readonly past: (room: string) => Promise<readonly Message[]>,
  ) {
    this.room = home;
    this.rooms = [home];
  }

  /** Hears who publishes. Gives the room that was left because its channel has ended. */
  live(publishers: readonly Publisher[]): string | null {
    this.rooms = roomsOf(this.home, publishers);
    if (this.rooms.includes(this.room)) return null;
    const left = this.room;
    this.open(this.home);
    return left;
  }

  /** Shows another room. */
  open(room: string): void {
    if (room === this.room || !this.rooms.includes(room)) return;
    this.room = room;
    this.messages = [];
    void this.remember();
  }

  /** Fetches what was said before this page followed the room. */
  async remember(): Promise<void> {
    const { room } = this;
    this.#asked += 1;
    const asked = this.#asked;
    this.#gone = [];
    try {
      let before = await this.past(room);
      // The room that was asked for may not be the one that is shown any more.
      if (asked !== this.#asked) return;
      for (const gone of this.#gone) before = without(before, gone);
      this.messages = merge(this.messages, before);
    } catch {
      // New messages come all the same; the older ones with the next connection.
    }
  }

  said(room: string, message: Message): void {
    if (room === this.room) this.messages = merge(this.messages, [message]);
  }

  deleted(room: string, messages: readonly number[] | null): void {
    if (room !== this.room) return;
    this.#gone.push(messages);
    this.messages = without(this.messages, messages);
  }
}
