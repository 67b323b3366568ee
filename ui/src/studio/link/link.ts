import type { Command, Event, Snapshot } from '$lib/api';

/** How the page stands to the studio behind it. */
export type Connection = 'connecting' | 'open' | 'lost' | 'unauthorized';

/** Where the embedded server answers, and the token that opens its control side. */
export interface Endpoints {
  http: string;
  token: string;
}

/**
 * The seam between this interface and the studio. One implementation speaks through the window that
 * holds the page, the other over HTTP.
 */
export interface Link {
  /** Whether files can be chosen with the system's dialog. */
  readonly window: boolean;
  snapshot(): Promise<Snapshot>;
  /** Does it, or throws a `ProblemError`. */
  apply(command: Command): Promise<void>;
  /** Follows what changes until the returned function is called. Comes back by itself. */
  follow(event: (event: Event) => void, connection: (state: Connection) => void): () => void;
  endpoints(): Promise<Endpoints>;
  /** A file from the system's dialog; nothing when the person changed their mind. */
  chooseFile(title: string, extensions: readonly string[]): Promise<string | null>;
}
