import { type Channel, asProblem, channels } from '$lib/api';

const EVERY_MS = 2000;

/** Who is live, asked for again and again while the page is in view. */
export class Channels {
  list = $state.raw<readonly Channel[] | null>(null);
  problem = $state<string | null>(null);
  /** Grows every few seconds: pictures are fetched anew when it does. */
  round = $state(0);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #closed = false;
  readonly #seen = (): void => {
    if (!document.hidden) void this.#ask();
  };

  constructor() {
    document.addEventListener('visibilitychange', this.#seen);
    void this.#ask();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#seen);
  }

  get live(): readonly Channel[] {
    return this.list?.filter((channel) => channel.state === 'live') ?? [];
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    const mine = ++this.#asked;
    try {
      const list = await channels();
      if (mine !== this.#asked) return;
      this.list = list;
      this.problem = null;
    } catch (thrown) {
      if (mine !== this.#asked) return;
      this.problem = asProblem(thrown).message;
    }
    if (mine % 3 === 0) this.round += 1;
    if (!this.#closed && !document.hidden) this.#timer = setTimeout(() => void this.#ask(), EVERY_MS);
  }
}

export const viewers = (channel: Channel): number => channel.viewers.whep + channel.viewers.hls;
