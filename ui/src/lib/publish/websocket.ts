import { ownBroadcast } from '$lib/api';
import { t } from '$lib/words';
import { Fault, faultFrom } from './fault';
import type { Figures } from './figures';
import type { Loss, Session, Wish } from './session';
import { bearer } from './whip';

/** Whether this way is tried where WebRTC cannot connect. */
export const ENABLED = true;

/** Fragmented MP4 with H.264 constrained baseline and Opus, as Chromium records it. */
const FORMAT = 'video/mp4;codecs=avc1.42E01E,opus';
const SLICE_MS = 200;
/** Chromium ends a fragment of MP4 at a keyframe, and of itself makes one every few seconds: this is how late it is. */
const KEYFRAME_MS = 1000;
const OPEN_MS = 8000;
/** Seconds of media that may wait in the socket; beyond them the line is too slow, and a newer picture worth more. */
const BACKLOG_S = 4;
const AUDIO_BITRATE = 128_000;

/**
 * Publishes as fragmented MP4 over a WebSocket, `/ws?streamKey=…&token=…`: binary messages, one
 * slice of the recorder's output each, in order.
 *
 * @throws {Fault} with the cause.
 */
export async function publish(wish: Wish, signal: AbortSignal): Promise<Session> {
  if (typeof MediaRecorder === 'undefined' || !MediaRecorder.isTypeSupported(FORMAT)) {
    throw new Fault('codec', t('This browser cannot record H.264 to send it another way. Please use a current Chrome or Edge.'));
  }
  const socket = await open(wish, signal);
  const recorder = new MediaRecorder(new MediaStream([wish.video, wish.audio]), {
    mimeType: FORMAT,
    videoBitsPerSecond: wish.bitrate,
    audioBitsPerSecond: AUDIO_BITRATE,
    videoKeyFrameIntervalDuration: KEYFRAME_MS,
  } as MediaRecorderOptions);
  let sent = 0;
  let resolve: (loss: Loss) => void = () => undefined;
  const lost = new Promise<Loss>((given) => (resolve = given));
  const settle = (words: string, ended = false): void => resolve({ words, ended });
  const close = async (): Promise<void> => {
    if (recorder.state !== 'inactive') recorder.stop();
    if (socket.readyState < WebSocket.CLOSING) socket.close(1000);
  };
  recorder.addEventListener('dataavailable', ({ data }) => {
    if (data.size === 0 || socket.readyState !== WebSocket.OPEN) return;
    // Slices depend on those before them: none can be left out, so a new session begins instead.
    if (socket.bufferedAmount > (wish.bitrate / 8) * BACKLOG_S) {
      settle(t('The line is too slow for this bitrate.'));
      return;
    }
    sent += data.size;
    socket.send(data);
  });
  recorder.addEventListener('error', () => settle(t('The recorder of this browser stopped.')));
  recorder.addEventListener('stop', () => settle(t('The recorder of this browser stopped.')));
  socket.addEventListener('close', (event) => {
    if (event.wasClean) settle(event.reason || t('The station ended the connection.'), true);
    else settle(t('The connection broke.'));
  });
  recorder.start(SLICE_MS);
  // A WebSocket's own answer does not say whether the host has to agree.
  const own = await ownBroadcast(wish.channel, wish.key, signal).catch(() => null);
  const { standing, guest } = own ?? { standing: 'held', guest: false };
  return { transport: 'websocket', standing, guest, lost, figures: reader(wish, () => sent), replace: async () => false, close };
}

async function open(wish: Wish, signal: AbortSignal): Promise<WebSocket> {
  const url = new URL('/ws', location.href);
  url.searchParams.set('streamKey', wish.channel);
  if (wish.key) url.searchParams.set('token', wish.key);
  const page = new URL(url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  const opened = await new Promise<boolean>((resolve) => {
    const done = (is: boolean) => (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve(is);
    };
    const stop = done(false);
    const timer = setTimeout(stop, OPEN_MS);
    signal.addEventListener('abort', stop);
    socket.addEventListener('open', done(true));
    socket.addEventListener('close', stop);
  });
  if (opened) return socket;
  socket.close();
  signal.throwIfAborted();
  // A page is not told why a WebSocket did not open; the same address asked plainly says so.
  const response = await fetch(page, { headers: bearer(wish.key), signal }).catch(() => null);
  signal.throwIfAborted();
  if (response && !response.ok && response.status !== 426) throw await faultFrom(response);
  throw new Fault('unreachable', t('The WebSocket does not open.'));
}

function reader(wish: Wish, sent: () => number): () => Promise<Figures | null> {
  let before = { at: performance.now(), bytes: 0 };
  return async () => {
    const now = { at: performance.now(), bytes: sent() };
    const span = (now.at - before.at) / 1000;
    const bitrate = span > 0 ? ((now.bytes - before.bytes) * 8) / span : 0;
    before = now;
    const { width = 0, height = 0, frameRate = 0 } = wish.video.getSettings();
    return { width, height, fps: frameRate, bitrate, rtt: null, loss: null, limited: null, codec: 'H264' };
  };
}
