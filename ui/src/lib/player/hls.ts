import type Hls from 'hls.js';
import { Fault } from './fault';
import type { Figures } from './figures';

/** HLS as it plays, by hls.js or by the browser itself. */
export interface Playing {
  /** Settles when it cannot go on. */
  readonly lost: Promise<void>;
  figures(): Figures;
  /** Jumps to where the station is now. */
  toLive(): void;
  close(): void;
}

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
    throw new Fault('unreachable', error instanceof Error ? error.message : 'no answer');
  });
  if (probe.status === 404 || probe.status === 409 || probe.status === 425 || probe.status === 503) {
    throw new Fault('waiting', 'the channel is not live');
  }
  if (!probe.ok) throw new Fault('refused', `status ${probe.status}`);
  const { default: Player } = await import('hls.js/light');
  signal.throwIfAborted();
  // Browsers say "maybe" to HLS and mean no: the library is asked first.
  if (Player.isSupported()) return byLibrary(new Player(settings), url, video);
  if (video.canPlayType(NATIVE) !== '') return natively(url, video);
  throw new Fault('codec', 'no HLS in this browser');
}

const settings: Partial<Hls['config']> = {
  // Without a worker from a `blob:`, which the page's policy forbids.
  enableWorker: false,
  liveSyncDurationCount: 2,
  liveMaxLatencyDurationCount: 6,
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

async function byLibrary(hls: Hls, url: string, video: HTMLVideoElement): Promise<Playing> {
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
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    lost,
    toLive: () => {
      const { liveSyncPosition } = hls;
      if (liveSyncPosition !== null) video.currentTime = liveSyncPosition;
    },
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
