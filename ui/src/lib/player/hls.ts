import type Hls from 'hls.js';
import { t } from '$lib/words';
import { Fault } from './fault';
import type { Figures } from './figures';

/** HLS as it plays, by hls.js or by the browser itself. */
export interface Playing {
  /** Settles when it cannot go on. */
  readonly lost: Promise<void>;
  figures(): Figures;
  /** Whether the station has said that nothing more comes of this. */
  over?(): boolean;
  /** Jumps to where the station is now. */
  toLive(): void;
  /** What can be gone back in, in seconds of the video element; nothing where it plays live. */
  range?(): { start: number; end: number };
  close(): void;
}

/** This page as a viewer: sixteen digits that nobody else has. */
const NUMBER = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');

const NATIVE = 'application/vnd.apple.mpegurl';

/**
 * Starts HLS on a video element. The player's code is fetched only now.
 *
 * @throws {Fault} when this browser has no way to play it, or the playlist does not come.
 */
export async function play(channel: string, video: HTMLVideoElement, signal: AbortSignal): Promise<Playing> {
  const url = `/hls/${encodeURIComponent(channel)}/index.m3u8`;
  const probe = await fetch(url, { signal, cache: 'no-store' }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Fault('unreachable', error instanceof Error ? error.message : t('no answer'));
  });
  if (probe.status === 404 || probe.status === 409 || probe.status === 425 || probe.status === 503) {
    throw new Fault('waiting', t('the channel is not live'));
  }
  if (probe.status === 401) throw new Fault('locked', t('the channel is private'));
  if (!probe.ok) throw new Fault('refused', t('status {status}', { status: probe.status }));
  const { default: Player } = await import('hls.js/light');
  signal.throwIfAborted();
  // Browsers say "maybe" to HLS and mean no: the library is asked first.
  if (Player.isSupported()) return byLibrary(new Player(settings), url, video);
  if (video.canPlayType(NATIVE) !== '') return natively(url, video);
  throw new Fault('codec', t('no HLS in this browser'));
}

/**
 * Goes back in a channel: plays what the station keeps behind its live picture, so many seconds ago.
 *
 * @throws {Fault} when nothing is kept, or this browser has no way to play it.
 */
export async function playBack(channel: string, video: HTMLVideoElement, ago: number, signal: AbortSignal): Promise<Playing> {
  // Whoever goes back still counts as a viewer, by a number of their own.
  const url = `/hls/${encodeURIComponent(channel)}/rewind.m3u8?viewer=${NUMBER}`;
  const probe = await fetch(url, { signal, cache: 'no-store' }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Fault('unreachable', error instanceof Error ? error.message : t('no answer'));
  });
  if (!probe.ok) throw new Fault('waiting', t('nothing is kept to go back to'));
  const { default: Library } = await import('hls.js/light');
  signal.throwIfAborted();
  const range = (): { start: number; end: number } => {
    const { seekable } = video;
    return seekable.length > 0 ? { start: seekable.start(0), end: seekable.end(seekable.length - 1) } : { start: 0, end: 0 };
  };
  let playing: Playing;
  if (Library.isSupported()) {
    // Behind on purpose: nothing makes up for it.
    const hls = new Library({ ...settings, maxLiveSyncPlaybackRate: 1, liveSyncDuration: ago, liveMaxLatencyDuration: 86_400 });
    playing = await byLibrary(hls, url, video, false);
  } else if (video.canPlayType(NATIVE) !== '') {
    playing = natively(url, video);
    video.addEventListener('loadedmetadata', () => (video.currentTime = Math.max(range().start, range().end - ago)), { once: true });
  } else {
    throw new Fault('codec', t('no HLS in this browser'));
  }
  return { ...playing, range };
}

/** Further behind than it should be by more than this, in seconds, it jumps; less is made up by playing faster. */
const LATE = 6;

/** How far behind it plays is what the playlist says, as long as nothing is set here. */
const settings: Partial<Hls['config']> = {
  // Without a worker from a `blob:`, which the page's policy forbids.
  enableWorker: false,
  maxLiveSyncPlaybackRate: 1.08,
  backBufferLength: 20,
  manifestLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 8000,
      maxLoadTimeMs: 12_000,
      timeoutRetry: { maxNumRetry: 2, retryDelayMs: 500, maxRetryDelayMs: 2000 },
      errorRetry: { maxNumRetry: 3, retryDelayMs: 500, maxRetryDelayMs: 2000 },
    },
  },
};

async function byLibrary(hls: Hls, url: string, video: HTMLVideoElement, follows = true): Promise<Playing> {
  const { default: Player } = await import('hls.js/light');
  let settle: () => void = () => undefined;
  const lost = new Promise<void>((resolve) => (settle = resolve));
  let repaired = false;
  hls.on(Player.Events.ERROR, (_, data) => {
    if (!data.fatal) return;
    if (data.type === Player.ErrorTypes.MEDIA_ERROR && !repaired) {
      repaired = true;
      hls.recoverMediaError();
      return;
    }
    settle();
  });
  const toLive = (): void => {
    const { liveSyncPosition } = hls;
    if (liveSyncPosition !== null) video.currentTime = liveSyncPosition;
  };
  let over = false;
  hls.on(Player.Events.LEVEL_UPDATED, (_, { details }) => {
    over = !details.live;
    if (follows && !video.paused && hls.latency > (hls.targetLatency ?? 0) + LATE) toLive();
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    lost,
    toLive,
    over: () => over,
    close: () => {
      hls.destroy();
      settle();
    },
    figures: () => {
      const level = hls.levels[hls.currentLevel] ?? hls.levels[0];
      const quality = video.getVideoPlaybackQuality();
      return {
        width: video.videoWidth,
        height: video.videoHeight,
        fps: level?.frameRate ?? 0,
        bitrate: level?.bitrate ?? 0,
        lost: null,
        dropped: quality.droppedVideoFrames,
        rtt: null,
        behind: hls.latency > 0 ? hls.latency * 1000 : null,
        codec: level?.videoCodec ?? 'H.264',
      };
    },
  };
}

function natively(url: string, video: HTMLVideoElement): Playing {
  let settle: () => void = () => undefined;
  const lost = new Promise<void>((resolve) => (settle = resolve));
  const end = (): void => settle();
  video.addEventListener('error', end);
  video.addEventListener('ended', end);
  video.src = url;
  const edge = (): number => (video.seekable.length > 0 ? video.seekable.end(video.seekable.length - 1) : 0);
  return {
    lost,
    toLive: () => (video.currentTime = Math.max(0, edge() - 3)),
    close: () => {
      video.removeEventListener('error', end);
      video.removeEventListener('ended', end);
      video.removeAttribute('src');
      video.load();
      settle();
    },
    figures: () => ({
      width: video.videoWidth,
      height: video.videoHeight,
      fps: 0,
      bitrate: 0,
      lost: null,
      dropped: video.getVideoPlaybackQuality().droppedVideoFrames,
      rtt: null,
      behind: edge() > 0 ? (edge() - video.currentTime) * 1000 : null,
      codec: 'H.264',
    }),
  };
}
