import { t } from '$lib/words';

/** Why a transport did not work. */
export type Cause =
  /** No connection for media came about. */
  | 'blocked'
  /** This browser cannot show what the station sends. */
  | 'codec'
  /** The station said no. */
  | 'refused'
  /** The channel is private. */
  | 'locked'
  /** The channel is not live. */
  | 'waiting'
  /** Nothing answers. */
  | 'unreachable';

export class Fault extends Error {
  constructor(
    readonly why: Cause,
    message: string,
    /** It may be otherwise in a minute, though nobody does anything. */
    readonly passing: boolean = why === 'blocked',
  ) {
    super(message);
    this.name = 'Fault';
  }
}

/** The sentence that stands beside the player while it plays over HLS. */
export function fallbackWords(cause: Cause, detail: string): string {
  switch (cause) {
    case 'blocked':
      return t('WebRTC could not connect: UDP seems to be blocked between this device and the station. Playing over HLS, a few seconds behind.');
    case 'codec':
      return t('This browser has no H.264 in WebRTC. Playing over HLS, a few seconds behind.');
    case 'refused':
      return t('The station refused WebRTC ({detail}). Playing over HLS, a few seconds behind.', { detail });
    default:
      return t('WebRTC did not work ({detail}). Playing over HLS, a few seconds behind.', { detail });
  }
}

/** How long to wait before attempt `n` (from 1) to come back: 0.5 s doubling to 8 s, spread by `random` in 0..1. */
export function backoff(n: number, random: number): number {
  const base = Math.min(8000, 500 * 2 ** Math.max(0, n - 1));
  return base * (0.8 + 0.4 * random);
}
