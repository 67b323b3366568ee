import { type Command, type Event, ProblemError, type Snapshot, problemFrom } from '$lib/api';
import type { Connection, Endpoints, Link, Screen } from './link';
import { Turns } from './turns';

/** The studio over HTTP and WebSocket, as a page from its own server. */
export class HttpLink implements Link {
  readonly window = false;
  readonly #turns = new Turns();

  constructor(private readonly token: string) {}

  async snapshot(): Promise<Snapshot> {
    const response = await this.#fetch('/api/snapshot', {});
    return (await response.json()) as Snapshot;
  }

  async apply(command: Command): Promise<void> {
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(command) };
    await this.#turns.take(() => this.#fetch('/api/commands', init));
  }

  follow(event: (event: Event) => void, connection: (state: Connection) => void): () => void {
    let socket: WebSocket | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let attempt = 0;
    let closed = false;

    const open = (): void => {
      connection(attempt === 0 ? 'connecting' : 'lost');
      socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/events?token=${encodeURIComponent(this.token)}`);
      let spoke = false;
      socket.onmessage = ({ data }) => {
        if (!spoke) {
          spoke = true;
          attempt = 0;
          connection('open');
        }
        event(JSON.parse(String(data)) as Event);
      };
      socket.onclose = () => {
        if (closed) return;
        attempt += 1;
        connection('lost');
        timer = setTimeout(() => void again(), Math.min(4000, 250 * 2 ** attempt));
      };
    };

    // A refused WebSocket does not say why; a plain request does.
    const again = async (): Promise<void> => {
      try {
        await this.snapshot();
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === 'unauthorized') {
          if (!closed) connection('unauthorized');
          return;
        }
      }
      if (!closed) open();
    };

    open();
    return () => {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    };
  }

  endpoints(): Promise<Endpoints> {
    return Promise.resolve({ http: location.origin, token: this.token });
  }

  shortcuts(): Promise<null> {
    return Promise.resolve(null);
  }

  heard(): () => void {
    return () => {};
  }

  screens(): Promise<readonly Screen[]> {
    return Promise.resolve([]);
  }

  project(): Promise<void> {
    return Promise.resolve();
  }

  openLogs(): Promise<void> {
    return Promise.resolve();
  }

  chooseFile(): Promise<string | null> {
    return Promise.resolve(null);
  }

  placeFile(): Promise<string | null> {
    return Promise.resolve(null);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(path, {
      ...init,
      cache: 'no-store',
      headers: { ...init.headers, Authorization: `Bearer ${this.token}` },
    });
    if (!response.ok) throw await problemFrom(response);
    return response;
  }
}
