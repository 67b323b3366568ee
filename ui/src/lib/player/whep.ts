import { t } from '$lib/words';
import { problemFrom } from '../api/problem';
import { iceServers } from '../ice';
import { Fault } from './fault';
import { askForStereo, receivesH264 } from './sdp';

/** How long a connection for media may take before HLS is the better answer. */
const CONNECT_MS = 4000;
/** How long candidates are gathered before the offer leaves. The station learns later ones by itself. */
const GATHER_MS = 60;
/** How long "disconnected" may last before it counts as a drop. */
const GRACE_MS = 2500;

/** A WHEP session (draft-ietf-wish-whep): one peer connection, one resource at the station. */
export interface Session {
  readonly connection: RTCPeerConnection;
  readonly stream: MediaStream;
  /** Settles when the connection is lost for good. */
  readonly lost: Promise<void>;
  /** When the offer left, on the page's clock. */
  readonly posted: number;
  /** When the connection stood. */
  readonly connected: number;
  close(): void;
}

/**
 * Joins a channel. Resolves once the connection stands.
 *
 * @throws {Fault} with the cause.
 */
export async function join(channel: string, signal: AbortSignal): Promise<Session> {
  if (typeof RTCPeerConnection === 'undefined' || !receivesH264(RTCRtpReceiver.getCapabilities('video'))) {
    throw new Fault('codec', t('no H.264 in WebRTC'));
  }
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: await iceServers() });
  const stream = new MediaStream();
  let resource: string | null = null;
  const close = (): void => {
    if (!resource) {
      connection.close();
      return;
    }
    // The session is ended before the connection is, which would end it, too. When the station does
    // not hear of either it forgets the session by itself.
    fetch(resource, { method: 'DELETE', keepalive: true, signal: AbortSignal.timeout(2000) })
      .catch(() => undefined)
      .finally(() => connection.close());
    resource = null;
  };
  try {
    for (const kind of ['video', 'audio'] as const) {
      const { receiver } = connection.addTransceiver(kind, { direction: 'recvonly' });
      shortestBuffer(receiver);
      stream.addTrack(receiver.track);
    }
    const offer = await connection.createOffer();
    await connection.setLocalDescription({ type: 'offer', sdp: askForStereo(offer.sdp ?? '') });
    await gathered(connection, signal);
    const posted = performance.now();
    const answer = await post(channel, connection.localDescription?.sdp ?? '', signal);
    resource = answer.resource;
    await connection.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    await connected(connection, signal);
    return { connection, stream, posted, connected: performance.now(), lost: lost(connection), close };
  } catch (error) {
    close();
    throw error;
  }
}

function shortestBuffer(receiver: RTCRtpReceiver): void {
  if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
  // What Chromium called it before version 124.
  else if ('playoutDelayHint' in receiver) (receiver as { playoutDelayHint: number }).playoutDelayHint = 0;
}

function gathered(connection: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (connection.iceGatheringState === 'complete') {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, GATHER_MS);
    signal.addEventListener('abort', done, { once: true });
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete') done();
    });
  });
}

async function post(channel: string, sdp: string, signal: AbortSignal): Promise<{ sdp: string; resource: string | null }> {
  const url = new URL(`/${encodeURIComponent(channel)}/whep`, location.href);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: sdp, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Fault('unreachable', error instanceof Error ? error.message : t('no answer'));
  }
  if (response.status === 404 || response.status === 409 || response.status === 425) {
    throw new Fault('waiting', t('the channel is not live'));
  }
  if (response.status === 401) throw new Fault('locked', t('the channel is private'));
  if (!response.ok) {
    const words = response.statusText ? `${response.status} ${response.statusText}` : t('status {status}', { status: response.status });
    // This browser offered H.264: what does not fit is the channel, or how many watch from here, and the station says how.
    const full = response.status === 429 || response.status === 503;
    if (response.status !== 406 && response.status !== 429) throw new Fault('refused', words, full);
    const { problem } = await problemFrom(response);
    throw new Fault('refused', problem.message.replace(/\.$/, ''), full);
  }
  const place = response.headers.get('Location');
  return { sdp: await response.text(), resource: place ? new URL(place, url).href : null };
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
    const timer = setTimeout(
      () => settle(() => reject(new Fault('blocked', t('no connection within {seconds} s', { seconds: CONNECT_MS / 1000 })))),
      CONNECT_MS,
    );
    signal.addEventListener('abort', stop, { once: true });
    connection.addEventListener('connectionstatechange', look);
    look();
  });
}

function lost(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    let grace: ReturnType<typeof setTimeout> | undefined;
    const transport = connection.getReceivers()[0]?.transport;
    // Heard at once when the station ends the session; the connection's own state comes seconds later.
    transport?.addEventListener('statechange', () => {
      if (transport.state === 'closed' || transport.state === 'failed') resolve();
    });
    connection.addEventListener('connectionstatechange', () => {
      clearTimeout(grace);
      const state = connection.connectionState;
      if (state === 'failed' || state === 'closed') resolve();
      if (state === 'disconnected') grace = setTimeout(resolve, GRACE_MS);
    });
  });
}
