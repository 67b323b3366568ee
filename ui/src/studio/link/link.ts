import type { Command, Event, Snapshot } from '$lib/api';
import type { View } from '../preview';

/** How the page stands to the studio behind it. */
export type Connection = 'connecting' | 'open' | 'lost' | 'unauthorized';

/** Where the embedded server answers, and the token that opens its control side. */
export interface Endpoints {
  http: string;
  token: string;
}

/** What the system says to keys that are to count while another program has the keyboard. */
export interface Shortcuts {
  /** Whether it lets any be heard. */
  readonly available: boolean;
  /** How that is, for people. */
  readonly about: string;
  /** Why some are not heard, by action. */
  readonly refused: Readonly<Record<string, string>>;
}

/** A monitor of the machine that the window stands on. */
export interface Screen {
  /** As the system calls it. */
  readonly name: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Whether the studio stands on it. */
  readonly here: boolean;
  /** What fills it now. */
  readonly shows: View | null;
}

/**
 * The seam between this interface and the studio. One implementation speaks through the window that
 * holds the page, the other over HTTP.
 */
export interface Link {
  /** Whether files can be chosen with the system's dialog. */
  readonly window: boolean;
  snapshot(): Promise<Snapshot>;
  /** Does it, or throws a `ProblemError`. What is given one after the other arrives so. */
  apply(command: Command): Promise<void>;
  /** Follows what changes until the returned function is called. Comes back by itself. */
  follow(event: (event: Event) => void, connection: (state: Connection) => void): () => void;
  endpoints(): Promise<Endpoints>;
  /** Has these keys heard, by action, while another program has the keyboard; nothing where there is no window to hear them. */
  shortcuts(keys: Readonly<Record<string, string>>): Promise<Shortcuts | null>;
  /** Calls back with the action whose key was heard so, until the returned function is called. */
  heard(action: (id: string) => void): () => void;
  /** The monitors that can be filled with a picture; none where there is no window. */
  screens(): Promise<readonly Screen[]>;
  /** Fills a monitor, by its place in `screens`; with no view it is given back. */
  project(screen: number, view: View | null): Promise<void>;
  /** Shows the folder of the log's files, where the window can. */
  openLogs(): Promise<void>;
  /** A file, or a folder, from the system's dialog; nothing when the person changed their mind. */
  chooseFile(title: string, extensions: readonly string[], folder?: boolean): Promise<string | null>;
  /** A place for a new file from the system's dialog; nothing when the person changed their mind, or there is no dialog. */
  placeFile(title: string, name: string, extensions: readonly string[]): Promise<string | null>;
}
