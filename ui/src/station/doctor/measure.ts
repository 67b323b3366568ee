/** What the doctor tries, from this device to the station and back. Each is bounded in time. */
import { asProblem, problemFrom } from '$lib/api';
import { iceServers } from '$lib/ice';
import { type Devices, type Media, type Permission, type Sends, type Shows, profilesOf } from './judge';

const within = (signal: AbortSignal, ms: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)]);

/** Round trips over HTTP, in ms. */
export async function pings(signal: AbortSignal): Promise<number[] | null> {
  const trips: number[] = [];
  try {
    // The first one opens the connection.
    for (let n = 0; n < 6; n += 1) {
      const began = performance.now();
      const response = await fetch('/api/doctor/ping', { signal: within(signal, 5000), cache: 'no-store' });
      if (!response.ok) break;
      if (n > 0) trips.push(performance.now() - began);
    }
  } catch {
    signal.throwIfAborted();
  }
  return trips.length > 0 ? trips : null;
}

/** The round trip of a message over a WebSocket, in ms. */
export function echo(signal: AbortSignal): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/doctor/echo`);
    const bounded = within(signal, 5000);
    let sent = 0;
    const settle = (trip: number | null): void => {
      bounded.removeEventListener('abort', late);
      socket.close();
      resolve(trip);
    };
    const late = (): void => settle(null);
    bounded.addEventListener('abort', late);
    socket.onopen = () => {
      sent = performance.now();
      socket.send('doctor');
    };
    socket.onmessage = () => settle(performance.now() - sent);
    socket.onerror = late;
    socket.onclose = late;
  });
}

/** How long a connection for media may take. */
const CONNECT_MS = 6000;

/** Opens a session as a viewer does, for a channel that carries nothing. */
export async function media(signal: AbortSignal): Promise<Media> {
  if (typeof RTCPeerConnection === 'undefined') return { outcome: 'no WebRTC' };
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: await iceServers() });
  let session: string | null = null;
  try {
    connection.addTransceiver('audio', { direction: 'recvonly' });
    await connection.setLocalDescription(await connection.createOffer());
    await gathered(connection, 500);
    const began = performance.now();
    const response = await fetch('/api/doctor/whep', {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: connection.localDescription?.sdp ?? '',
      signal: within(signal, 8000),
    });
    if (!response.ok) return { outcome: 'refused', words: (await problemFrom(response)).problem.message };
    session = response.headers.get('Location');
    await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    if (!(await connected(connection, within(signal, CONNECT_MS)))) return { outcome: 'no connection' };
    const ms = performance.now() - began;
    return { outcome: 'connected', ms, ...(await pathOf(connection)) };
  } catch (thrown) {
    signal.throwIfAborted();
    return { outcome: 'refused', words: asProblem(thrown).message };
  } finally {
    connection.close();
    if (session) fetch(session, { method: 'DELETE', keepalive: true }).catch(() => undefined);
  }
}

function gathered(connection: RTCPeerConnection, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (connection.iceGatheringState === 'complete') resolve();
    };
    setTimeout(resolve, ms);
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });
}

function connected(connection: RTCPeerConnection, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (connection.connectionState === 'connected') resolve(true);
      if (connection.connectionState === 'failed') resolve(false);
    };
    signal.addEventListener('abort', () => resolve(false), { once: true });
    connection.addEventListener('connectionstatechange', look);
    look();
  });
}

/** How media goes, by the pair of addresses that was chosen. */
async function pathOf(connection: RTCPeerConnection): Promise<{ roundTrip: number | null; relayed: boolean }> {
  const stats = await connection.getStats();
  for (const entry of stats.values()) {
    if (entry.type === 'candidate-pair' && entry.state === 'succeeded' && (entry.nominated || entry.selected)) {
      const ends = [stats.get(entry.localCandidateId), stats.get(entry.remoteCandidateId)];
      const seconds = entry.currentRoundTripTime as number | undefined;
      return {
        roundTrip: seconds === undefined ? null : seconds * 1000,
        relayed: ends.some((end) => end?.candidateType === 'relay'),
      };
    }
  }
  return { roundTrip: null, relayed: false };
}

/** Whether the station answers over HTTPS, with a certificate that this device trusts. */
export async function secureDoor(port: number, signal: AbortSignal): Promise<boolean> {
  try {
    // What it says does not matter: a certificate that is not trusted ends in an error.
    await fetch(`https://${location.hostname}:${port}/api/doctor/ping`, { mode: 'no-cors', cache: 'no-store', signal: within(signal, 5000) });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

export function shows(): Shows {
  const codecs = (kind: string): RTCRtpCodec[] =>
    typeof RTCRtpReceiver === 'undefined' ? [] : (RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []);
  const h264 = codecs('video').filter((one) => one.mimeType.toLowerCase() === 'video/h264');
  const Source = (window as { ManagedMediaSource?: typeof MediaSource }).ManagedMediaSource ?? window.MediaSource;
  const native = document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== '';
  return {
    webrtc: h264.some((one) => /packetization-mode=1/.test(one.sdpFmtpLine ?? '')),
    profiles: profilesOf(h264.map((one) => one.sdpFmtpLine)),
    opus: codecs('audio').some((one) => one.mimeType.toLowerCase() === 'audio/opus'),
    hls: native || (Source?.isTypeSupported('video/mp4; codecs="avc1.42c01f,mp4a.40.2"') ?? false),
  };
}

export function sends(): Sends {
  const codecs = typeof RTCRtpSender === 'undefined' ? [] : (RTCRtpSender.getCapabilities('video')?.codecs ?? []);
  return {
    h264: codecs.some((one) => one.mimeType.toLowerCase() === 'video/h264'),
    recorder: typeof MediaRecorder !== 'undefined' && MediaRecorder.isTypeSupported('video/mp4;codecs=avc1.42E01F,mp4a.40.2'),
  };
}

export async function devices(): Promise<Devices> {
  const permission = async (name: string): Promise<Permission> => {
    try {
      return (await navigator.permissions.query({ name: name as PermissionName })).state;
    } catch {
      return 'unknown';
    }
  };
  const [camera, microphone] = await Promise.all([permission('camera'), permission('microphone')]);
  try {
    const all = await navigator.mediaDevices.enumerateDevices();
    const count = (kind: MediaDeviceKind): number => all.filter((one) => one.kind === kind).length;
    return { camera, microphone, cameras: count('videoinput'), microphones: count('audioinput') };
  } catch {
    return { camera, microphone, cameras: null, microphones: null };
  }
}

/** The most that one transfer moves, in bytes; the station gives no more. */
const MOST = 4 << 20;
/** A transfer shorter than this says little: a larger one follows. */
const ENOUGH_MS = 400;

/** Bits per second towards this device. */
export function downSpeed(signal: AbortSignal): Promise<number> {
  return speed(signal, async (bytes, bounded) => {
    const response = await fetch(`/api/doctor/bytes?bytes=${bytes}`, { cache: 'no-store', signal: bounded });
    if (!response.ok) throw await problemFrom(response);
    await response.arrayBuffer();
  });
}

/** Bits per second from this device. */
export function upSpeed(signal: AbortSignal): Promise<number> {
  return speed(signal, async (bytes, bounded) => {
    const response = await fetch('/api/doctor/bytes', { method: 'POST', body: new Uint8Array(bytes), signal: bounded });
    if (!response.ok) throw await problemFrom(response);
    await response.json();
  });
}

async function speed(signal: AbortSignal, move: (bytes: number, bounded: AbortSignal) => Promise<void>): Promise<number> {
  let best = 0;
  for (let bytes = 256 << 10; bytes <= MOST; bytes *= 4) {
    const began = performance.now();
    await move(bytes, within(signal, 10_000));
    const took = Math.max(1, performance.now() - began);
    best = Math.max(best, (bytes * 8000) / took);
    if (took >= ENOUGH_MS) break;
  }
  return best;
}

/** How far this device's clock is ahead of the station's, and how sure that is, in ms. */
export async function clockOffset(signal: AbortSignal): Promise<{ offset: number; error: number } | null> {
  let best: { offset: number; error: number } | null = null;
  try {
    for (let n = 0; n < 3; n += 1) {
      const began = Date.now();
      const response = await fetch('/api/doctor', { cache: 'no-store', signal: within(signal, 5000) });
      const ended = Date.now();
      const { now } = (await response.json()) as { now: number };
      const error = (ended - began) / 2 + 1;
      if (!best || error < best.error) best = { offset: (began + ended) / 2 - now, error };
    }
  } catch {
    signal.throwIfAborted();
  }
  return best;
}
