import { type Command, type Event, ProblemError, type Snapshot, asProblem } from '$lib/api';
import type { Connection, Endpoints, Link } from './link';

/** Whether this page stands in the program's own window. */
export const inWindow = (): boolean => '__TAURI_INTERNALS__' in window;

/** The studio in the same process, through the window. */
export class TauriLink implements Link {
  readonly window = true;

  snapshot(): Promise<Snapshot> {
    return call('snapshot');
  }

  async apply(command: Command): Promise<void> {
    await call('apply', { command });
  }

  follow(event: (event: Event) => void, connection: (state: Connection) => void): () => void {
    let closed = false;
    let unlisten: (() => void) | null = null;
    connection('connecting');
    const start = async (): Promise<void> => {
      const { listen } = await import('@tauri-apps/api/event');
      unlisten = await listen<Event>('studio://event', ({ payload }) => event(payload));
      if (closed) {
        unlisten();
        return;
      }
      // What changed before the listener stood is in here.
      event({ event: 'snapshot', snapshot: await this.snapshot() });
      connection('open');
    };
    start().catch(() => {
      if (!closed) connection('lost');
    });
    return () => {
      closed = true;
      unlisten?.();
    };
  }

  endpoints(): Promise<Endpoints> {
    return call('endpoints');
  }

  async chooseFile(title: string, extensions: readonly string[]): Promise<string | null> {
    const { open } = await import('@tauri-apps/plugin-dialog');
    return open({ title, multiple: false, directory: false, filters: [{ name: title, extensions: [...extensions] }] });
  }
}

async function call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  const { invoke } = await import('@tauri-apps/api/core');
  try {
    return await invoke<T>(name, args);
  } catch (thrown) {
    throw new ProblemError(asProblem(thrown));
  }
}
