import { type Command, type Event, ProblemError, type Snapshot, asProblem } from '$lib/api';
import type { View } from '../preview';
import type { Connection, Endpoints, Link, Screen, Shortcuts } from './link';
import { Turns } from './turns';

/** Whether this page stands in the program's own window. */
export const inWindow = (): boolean => '__TAURI_INTERNALS__' in window;

/** The studio in the same process, through the window. */
export class TauriLink implements Link {
  readonly window = true;
  readonly #turns = new Turns();

  snapshot(): Promise<Snapshot> {
    return call('snapshot');
  }

  async apply(command: Command): Promise<void> {
    await this.#turns.take(() => call('apply', { command }));
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

  shortcuts(keys: Readonly<Record<string, string>>): Promise<Shortcuts | null> {
    return call('shortcuts', { keys });
  }

  heard(action: (id: string) => void): () => void {
    let closed = false;
    let unlisten: (() => void) | null = null;
    const start = async (): Promise<void> => {
      const { listen } = await import('@tauri-apps/api/event');
      unlisten = await listen<string>('studio://shortcut', ({ payload }) => action(payload));
      if (closed) unlisten();
    };
    // Without it keys are heard in the window alone.
    start().catch(() => {});
    return () => {
      closed = true;
      unlisten?.();
    };
  }

  screens(): Promise<readonly Screen[]> {
    return call('screens');
  }

  project(screen: number, view: View | null): Promise<void> {
    return call('project', { screen, view });
  }

  /** Closes the projector whose page asks. */
  leave(): Promise<void> {
    return call('leave_projector');
  }

  openLogs(): Promise<void> {
    return call('open_logs');
  }

  async chooseFile(title: string, extensions: readonly string[], folder = false): Promise<string | null> {
    const { open } = await import('@tauri-apps/plugin-dialog');
    if (folder) return open({ title, multiple: false, directory: true });
    return open({ title, multiple: false, directory: false, filters: [{ name: title, extensions: [...extensions] }] });
  }

  async placeFile(title: string, name: string, extensions: readonly string[]): Promise<string | null> {
    const { save } = await import('@tauri-apps/plugin-dialog');
    return save({ title, defaultPath: name, filters: [{ name: title, extensions: [...extensions] }] });
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
