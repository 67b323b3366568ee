import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { qualityOf } from './quality';
import type { Wish } from './session';
import { publish } from './whip';

vi.mock('../ice', () => ({ iceServers: async () => [] }));

const ANSWER = 'v=0\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1\r\n';

class FakeSender {
  set: RTCRtpSendParameters | null = null;
  transport = Object.assign(new EventTarget(), { state: 'connected' });
  constructor(public track: MediaStreamTrack) {}
  getParameters = () => ({ encodings: [{}] }) as unknown as RTCRtpSendParameters;
  setParameters = async (to: RTCRtpSendParameters) => void (this.set = to);
  replaceTrack = async (to: MediaStreamTrack) => void (this.track = to);
}

class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  /** What the connection comes to after the answer; nothing for never. */
  static comesTo: RTCPeerConnectionState | null = 'connected';
  senders: FakeSender[] = [];
  preferred: readonly { mimeType: string }[] = [];
  iceGatheringState = 'gathering';
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  remote: string | null = null;

  constructor() {
    super();
    FakePeer.made.push(this);
  }

  addTransceiver(track: MediaStreamTrack, { direction }: { direction: string }) {
    expect(direction).toBe('sendonly');
    const sender = new FakeSender(track);
    this.senders.push(sender);
    return { sender, setCodecPreferences: (codecs: readonly { mimeType: string }[]) => (this.preferred = codecs) };
  }

  getSenders = () => this.senders;
  setLocalDescription = async () => void (this.localDescription = { sdp: 'the offer' });

  async setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    this.remote = sdp;
    if (FakePeer.comesTo) this.turn(FakePeer.comesTo);
  }

  turn(to: RTCPeerConnectionState): void {
    this.connectionState = to;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  close(): void {
    this.connectionState = 'closed';
  }
}

const track = (kind: string): MediaStreamTrack => ({ kind, getSettings: () => ({ width: 1920, height: 1080 }) }) as unknown as MediaStreamTrack;
const wish = (key: string | null): Wish => ({
  channel: 'garden',
  key,
  stream: {} as MediaStream,
  video: track('video'),
  audio: track('audio'),
  quality: qualityOf('720p'),
  bitrate: 2_500_000,
});

type Asked = { url: string; method: string; headers: Record<string, string>; body: unknown; keepalive: boolean };
let asked: Asked[];
let answers: (() => Response)[];

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answers = [() => new Response(ANSWER, { status: 201, headers: { Location: '/garden/whip/s1' } })];
  FakePeer.made = [];
  FakePeer.comesTo = 'connected';
  vi.stubGlobal('location', new URL('http://station.local:8080/broadcast'));
  vi.stubGlobal('RTCPeerConnection', FakePeer);
  vi.stubGlobal('RTCRtpSender', {
    getCapabilities: () => ({ codecs: [{ mimeType: 'video/VP8' }, { mimeType: 'video/H264', sdpFmtpLine: 'profile-level-id=42e01f' }] }),
  });
  vi.stubGlobal('fetch', async (url: URL | string, { method = 'GET', headers = {}, body, keepalive = false }: RequestInit) => {
    asked.push({ url: String(url), method, headers: headers as Record<string, string>, body, keepalive });
    return (answers.shift() ?? (() => new Response(null, { status: 200 })))();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function start(key: string | null = null, signal = new AbortController().signal) {
  const session = publish(wish(key), signal);
  session.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(300);
  return session;
}

describe('WHIP', () => {
  it('offers H.264 alone, sends the key, and ends the session where the station put it', async () => {
    const session = await start('secret');
    const [peer] = FakePeer.made;
    expect(asked[0]).toMatchObject({
      url: 'http://station.local:8080/garden/whip',
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer secret' },
      body: 'the offer',
    });
    expect(peer?.preferred.map((codec) => codec.mimeType)).toEqual(['video/H264']);
    expect(peer?.senders.map((sender) => sender.track.kind)).toEqual(['video', 'audio']);
    expect(peer?.senders[0]?.set?.encodings[0]).toMatchObject({ maxBitrate: 2_500_000, maxFramerate: 30, scaleResolutionDownBy: 1.5 });
    expect(peer?.remote).toContain('x-google-start-bitrate=1500');
    expect(session).toMatchObject({ standing: 'live', guest: false });
    await session.close();
    expect(asked[1]).toMatchObject({
      url: 'http://station.local:8080/garden/whip/s1',
      method: 'DELETE',
      headers: { Authorization: 'Bearer secret' },
      keepalive: true,
    });
    await session.close();
    expect(asked.length).toBe(2);
  });

  it('waits no longer than 300 ms for candidates', async () => {
    const session = publish(wish(null), new AbortController().signal);
    await vi.advanceTimersByTimeAsync(299);
    expect(asked.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked[0]?.headers).not.toHaveProperty('Authorization');
    await session;
  });

  it('says when the host has to agree', async () => {
    answers = [() => new Response(ANSWER, { status: 201, headers: { 'Klieg-Held': 'true' } })];
    expect(await start()).toMatchObject({ standing: 'held', guest: false });
    answers = [() => new Response(ANSWER, { status: 201, headers: { 'Klieg-Held': 'true', 'Klieg-Guest': 'true' } })];
    expect(await start('secret')).toMatchObject({ standing: 'held', guest: true });
    answers = [() => new Response(ANSWER, { status: 201, headers: { 'Klieg-Guest': 'true' } })];
    expect(await start('secret')).toMatchObject({ standing: 'backstage', guest: true });
  });

  it('tells a refusal in the words of the station', async () => {
    answers = [() => Response.json({ code: 'unauthorized', message: 'Ask the host.' }, { status: 401 })];
    await expect(start()).rejects.toMatchObject({ why: 'key', message: 'Ask the host.' });
    expect(FakePeer.made[0]?.connectionState).toBe('closed');
    expect(asked.length).toBe(1);
  });

  it('gives up after 8 s without a connection, and takes its session with it', async () => {
    FakePeer.comesTo = null;
    const session = start();
    session.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(8300);
    await expect(session).rejects.toMatchObject({ why: 'blocked' });
    expect(asked[1]).toMatchObject({ method: 'DELETE' });
  });

  it('says so when the browser has no H.264', async () => {
    vi.stubGlobal('RTCRtpSender', { getCapabilities: () => ({ codecs: [{ mimeType: 'video/VP8' }] }) });
    await expect(start()).rejects.toMatchObject({ why: 'codec' });
    expect(asked.length).toBe(0);
  });

  it('knows a drop: at once when the station closes, after four seconds of silence otherwise', async () => {
    const first = await start();
    const { transport } = FakePeer.made[0]!.senders[0]!;
    transport.state = 'closed';
    transport.dispatchEvent(new Event('statechange'));
    expect(await first.lost).toMatchObject({ ended: true });

    answers = [() => new Response(ANSWER, { status: 201 })];
    const second = await start();
    const told = vi.fn();
    void second.lost.then(told);
    const peer = FakePeer.made[1]!;
    peer.turn('disconnected');
    await vi.advanceTimersByTimeAsync(3000);
    peer.turn('connected');
    await vi.advanceTimersByTimeAsync(9000);
    expect(told).not.toHaveBeenCalled();
    peer.turn('disconnected');
    await vi.advanceTimersByTimeAsync(4000);
    expect(told).toHaveBeenCalledWith({ words: 'The connection broke.', ended: false });
  });

  it('sends another camera over the same session', async () => {
    const session = await start();
    const other = track('video');
    expect(await session.replace(other)).toBe(true);
    expect(FakePeer.made[0]?.senders[0]?.track).toBe(other);
    expect(asked.length).toBe(1);
  });
});
