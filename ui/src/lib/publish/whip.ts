import { iceServers } from '../ice';
import type { Standing } from '$lib/api';
import { t } from '$lib/words';
import { Fault, faultFrom } from './fault';
import { type Figures, type Sample, figures, sample } from './figures';
import { type Quality, scaleFor } from './quality';
import { restart } from './restart';
import { beginAt, h264First, sendStereo } from './sdp';
import type { Loss, Session, Wish } from './session';

/** How long a connection for media may take. */
const CONNECT_MS = 8000;
/** How long candidates are gathered before the offer leaves. The station learns later ones by itself. */
const GATHER_MS = 300;
/** How long "disconnected" may last before it counts as a drop. */
const GRACE_MS = 4000;

/**
 * Publishes over WHIP (RFC 9725): one peer connection, one resource at the station. Resolves once
 * the connection stands.
 *
 * @throws {Fault} with the cause.
 */
export async function publish(wish: Wish, signal: AbortSignal): Promise<Session> {
  const codecs = typeof RTCPeerConnection === 'undefined' ? [] : h264First(RTCRtpSender.getCapabilities('video')?.codecs ?? []);
  if (codecs.length === 0) {
    throw new Fault('codec', t('This browser encodes no H.264 in WebRTC, the one picture this station takes. Please use a current Chrome, Safari or Edge.'));
  }
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: await iceServers() });
  const resource = new Resource(wish.key);
  const close = (): Promise<void> => resource.end().finally(() => connection.close());
  try {
    const video = connection.addTransceiver(wish.video, { direction: 'sendonly', streams: [wish.stream] });
    const audio = connection.addTransceiver(wish.audio, { direction: 'sendonly', streams: [wish.stream] });
    // Firefox before version 128 offers in an order of its own.
    if ('setCodecPreferences' in video) video.setCodecPreferences(codecs);
    await connection.setLocalDescription();
    await gathered(connection, signal);
    const { sdp, ...said } = await post(wish, connection.localDescription?.sdp ?? '', resource, signal);
    await connection.setRemoteDescription({ type: 'answer', sdp: sendStereo(beginAt(sdp, wish.bitrate * 0.6)) });
    await limit(video.sender, wish.quality, wish.bitrate);
    await connected(connection, signal);
    return {
      transport: 'webrtc',
      ...said,
      lost: lost(connection, resource),
      figures: reader(connection),
      replace: async (track) => {
        await (track.kind === 'video' ? video : audio).sender.replaceTrack(track);
        if (track.kind === 'video') await limit(video.sender, wish.quality, wish.bitrate);
        return true;
      },
      close,
    };
  } catch (error) {
    void close();
    throw error;
  }
}

/** The session at the station, which it is asked to forget once. */
class Resource {
  url: string | null = null;

  constructor(readonly key: string | null) {}

  async end(): Promise<void> {
    const { url } = this;
    this.url = null;
    if (!url) return;
    // Outlives the page. When the station does not hear of it, it forgets the session by itself.
    await fetch(url, { method: 'DELETE', keepalive: true, headers: bearer(this.key), signal: AbortSignal.timeout(2000) }).catch(() => undefined);
  }
}

export function bearer(key: string | null): Record<string, string> {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

async function post(wish: Wish, sdp: string, resource: Resource, signal: AbortSignal): Promise<{ sdp: string; standing: Standing; guest: boolean }> {
  const url = new URL(`/${encodeURIComponent(wish.channel)}/whip`, location.href);
  let response: Response;
  try {
    const headers = { 'Content-Type': 'application/sdp', ...bearer(wish.key) };
    response = await fetch(url, { method: 'POST', headers, body: sdp, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Fault('unreachable', error instanceof Error ? error.message : t('no answer'));
  }
  if (!response.ok) throw await faultFrom(response);
  const place = response.headers.get('Location');
  // Relative to where the station sent the request on to, if it did (RFC 9725, section 4.2).
  if (place) resource.url = new URL(place, response.url || url).href;
  const said = (name: string): boolean => response.headers.get(name) === 'true';
  const guest = said('Klieg-Guest');
  const standing = said('Klieg-Held') ? 'held' : guest ? 'backstage' : 'live';
  return { sdp: await response.text(), standing, guest };
}

async function limit(sender: RTCRtpSender, quality: Quality, bitrate: number): Promise<void> {
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings;
  if (!encoding) return;
  const { width = 0, height = 0 } = sender.track?.getSettings() ?? {};
  encoding.maxBitrate = bitrate;
  encoding.maxFramerate = quality.fps;
  encoding.scaleResolutionDownBy = scaleFor(quality, width, height);
  // A browser that will not have it sends as it sees fit.
  await sender.setParameters(parameters).catch(() => undefined);
}

function reader(connection: RTCPeerConnection): () => Promise<Figures | null> {
  let before: Sample | null = null;
  return async () => {
    const now = sample(await connection.getStats());
    if (!now) return null;
    const read = figures(before, now);
    before = now;
    return read;
  };
}

function gathered(connection: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (connection.iceGatheringState === 'complete') done();
    };
    const done = (): void => {
      clearTimeout(timer);
      connection.removeEventListener('icegatheringstatechange', look);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, GATHER_MS);
    signal.addEventListener('abort', done);
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });
}

function connected(connection: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      connection.removeEventListener('connectionstatechange', look);
      signal.removeEventListener('abort', stop);
      then();
    };
    const stop = (): void => settle(() => reject(signal.reason as Error));
    const look = (): void => {
      const state = connection.connectionState;
      if (state === 'connected') settle(resolve);
      if (state === 'failed' || state === 'closed') settle(() => reject(new Fault('blocked', t('the connection failed'))));
    };
    const timer = setTimeout(() => settle(() => reject(new Fault('blocked', t('no connection within {seconds} s', { seconds: CONNECT_MS / 1000 })))), CONNECT_MS);
    signal.addEventListener('abort', stop);
    connection.addEventListener('connectionstatechange', look);
    if (signal.aborted) stop();
    else look();
  });
}

function lost(connection: RTCPeerConnection, resource: Resource): Promise<Loss> {
  return new Promise((resolve) => {
    const broke: Loss = { words: t('The connection broke.'), ended: false };
    let grace: ReturnType<typeof setTimeout> | undefined;
    const transport = connection.getSenders()[0]?.transport;
    // Heard at once when the station ends the session; the connection's own state comes seconds later.
    transport?.addEventListener('statechange', () => {
      if (transport.state === 'closed') resolve({ words: t('The station ended the connection.'), ended: true });
      if (transport.state === 'failed') resolve(broke);
    });
    connection.addEventListener('connectionstatechange', () => {
      clearTimeout(grace);
      const state = connection.connectionState;
      if (state === 'failed' || state === 'closed') resolve(broke);
      if (state !== 'disconnected') return;
      grace = setTimeout(() => resolve(broke), GRACE_MS);
      // Another network, perhaps: the channel and its viewers need not notice.
      if (resource.url) restart(connection, resource.url, bearer(resource.key)).catch(() => undefined);
    });
  });
}
