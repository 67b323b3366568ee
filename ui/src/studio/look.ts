import type { Level } from '$lib/api';
import type { Endpoints } from './link/link';

/** How long until a look that was lost is taken again, in ms. */
const AGAIN_MS = 1000;

/**
 * The host's look at a publisher: a small picture a second, and levels. Comes back by itself until it
 * is closed.
 */
export class Look {
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    private readonly channel: string,
    private readonly endpoints: () => Promise<Endpoints>,
    private readonly picture: (jpeg: Blob) => void,
    private readonly level: (level: Level) => void,
  ) {
    void this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  async #open(): Promise<void> {
    const place = await this.endpoints().catch(() => null);
    if (this.#closed) return;
    if (!place) {
      this.#again();
      return;
    }
    const url = new URL(`/api/publishers/${encodeURIComponent(this.channel)}/look`, place.http);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('token', place.token);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.#closed) return;
      if (data instanceof Blob) this.picture(new Blob([data], { type: 'image/jpeg' }));
      else this.level(JSON.parse(String(data)) as Level);
    };
    socket.onclose = () => this.#again();
  }

  #again(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#open(), AGAIN_MS);
  }
}
