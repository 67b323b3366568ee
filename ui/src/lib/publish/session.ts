import type { Standing } from '$lib/api';
import type { Figures } from './figures';
import type { Quality } from './quality';

export type Transport = 'webrtc' | 'websocket';

/** What is to be published, and where. */
export interface Wish {
  readonly channel: string;
  /** What lets this publisher in, when the station asks for it. */
  readonly key: string | null;
  readonly stream: MediaStream;
  readonly video: MediaStreamTrack;
  readonly audio: MediaStreamTrack;
  readonly quality: Quality;
  /** Bits per second for the picture. */
  readonly bitrate: number;
}

/** How a session was lost. */
export interface Loss {
  /** What happened, in words. */
  readonly words: string;
  /** Whether the station ended it, and not the way there. */
  readonly ended: boolean;
}

/** A way out that stands. */
export interface Session {
  readonly transport: Transport;
  /** Who finds the channel: nobody before the host agrees, scenes alone, or anyone. */
  readonly standing: Standing;
  /** Whether it is a guest's, which scenes alone will find. */
  readonly guest: boolean;
  /** Settles when it is lost for good. */
  readonly lost: Promise<Loss>;
  figures(): Promise<Figures | null>;
  /** Sends another track of the same kind from now on; false when this way cannot do so. */
  replace(track: MediaStreamTrack): Promise<boolean>;
  /** Ends it at the station, too. */
  close(): Promise<void>;
}
