import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Fault } from './fault';
import * as hls from './hls';
import { type Phase, Player } from './player.svelte';
import * as whep from './whep';

vi.mock('./whep');
vi.mock('./hls');

/** A session of 30 pictures a second, for as long as its network carries. */
class FakeSession {
  carries = true;
  /** Whether there is a picture beside the sound. */
  pictures = true;
  close = vi.fn();
  lose: () => void = () => undefined;
  readonly lost = new Promise<void>((resolve) => (this.lose = resolve));
  readonly stream = { getAudioTracks: () => [] } as unknown as MediaStream;
  readonly posted = 0;
  #at = 0;
  #shown = 0;

  readonly connection = {
    getStats: async () => {
      if (this.carries) this.#at = performance.now();
      if (this.pictures) this.#shown = this.#at;
      const at = this.#shown;
      const video = { type: 'inbound-rtp', kind: 'video', framesDecoded: Math.ceil(at / 33), bytesReceived: at * 300, timestamp: performance.now() };
      const audio = { type: 'inbound-rtp', kind: 'audio', bytesReceived: this.#at * 16 };
      return new Map<string, object>([['V', video], ['A', audio]]) as unknown as RTCStatsReport;
    },
  } as unknown as RTCPeerConnection;
}

class FakeVideo extends EventTarget {
  paused = false;
  ended = false;
  /** When it began to stand still, by the clock of the test. */
  stands: number | null = null;
  dataset: Record<string, string> = {};
  /** Whether what it is given has a picture. */
  pictures = true;
  given: MediaStream | null = null;
  play = async () => undefined;
  show = () => queueMicrotask(() => this.dispatchEvent(new Event('loadeddata')));

  get currentTime(): number {
    return (this.stands ?? performance.now()) / 1000;
  }

  set srcObject(to: MediaStream | null) {
    this.given = to;
    if (to && this.pictures) this.show();
  }
}

const join = vi.mocked(whep.join);
const blocked = new Fault('blocked', 'no connection within 4 s');
let player: Player | null = null;
let video: FakeVideo;

function watch(pictures = true): Player {
  video = Object.assign(new FakeVideo(), { pictures });
  overHls();
  player = new Player('program', video as unknown as HTMLVideoElement, null);
  return player;
}

/** What HLS gives from now on; ends say that nothing more comes. */
function overHls(over: () => boolean = () => false): void {
  vi.mocked(hls.play).mockImplementation(async () => {
    setTimeout(video.show, 10);
    // Another source begins anew.
    Object.assign(video, { ended: false, paused: false, stands: null });
    return { lost: new Promise(() => undefined), figures: () => ({}) as never, over, toLive: () => undefined, close: () => undefined };
  });
}

const joins = (...sessions: (FakeSession | Fault)[]): void => {
  for (const one of sessions) {
    if (one instanceof Fault) join.mockRejectedValueOnce(one);
    else join.mockResolvedValueOnce(one as unknown as whep.Session);
  }
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', { hidden: false });
  vi.stubGlobal('MediaStream', class {});
  join.mockReset();
});

afterEach(() => {
  player?.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('after sleep, or on another network', () => {
  it('a session that lives goes on', async () => {
    const first = new FakeSession();
    joins(first);
    const p = watch();
    await vi.advanceTimersByTimeAsync(5000);
    p.doubt();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(p.phase).toBe('playing');
    expect(join).toHaveBeenCalledTimes(1);
  });

  it('a dead one is joined anew within three seconds', async () => {
    const [first, second] = [new FakeSession(), new FakeSession()];
    joins(first, second);
    const p = watch();
    await vi.advanceTimersByTimeAsync(5000);
    first.carries = false;
    p.doubt();
    await vi.advanceTimersByTimeAsync(3000);
    expect(first.close).toHaveBeenCalled();
    expect(join).toHaveBeenCalledTimes(2);
    expect(p).toMatchObject({ phase: 'playing', transport: 'webrtc' });
  });
});

describe('over HLS because UDP was blocked', () => {
  it('WebRTC is tried every minute, and taken when it connects, without a gap', async () => {
    joins(blocked, blocked, new FakeSession());
    const p = watch();
    await vi.advanceTimersByTimeAsync(100);
    expect(p).toMatchObject({ phase: 'playing', transport: 'hls' });
    const seen = new Set<Phase>();
    for (let s = 0; s < 119; s += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      seen.add(p.phase);
    }
    expect(p.transport).toBe('hls');
    expect(join).toHaveBeenCalledTimes(2);
    for (let tick = 0; tick < 30; tick += 1) {
      await vi.advanceTimersByTimeAsync(100);
      seen.add(p.phase);
    }
    expect([...seen]).toEqual(['playing']);
    expect(p).toMatchObject({ transport: 'webrtc', reason: null });
  });

  it('another reason is left alone', async () => {
    joins(new Fault('codec', 'no H.264'));
    watch();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(join).toHaveBeenCalledTimes(1);
  });
});

describe('over HLS', () => {
  const plays = (): number => vi.mocked(hls.play).mock.calls.length;

  async function watched(): Promise<Player> {
    vi.mocked(hls.play).mockClear();
    joins(new Fault('codec', 'no H.264'));
    const p = watch();
    await vi.advanceTimersByTimeAsync(3000);
    expect(p).toMatchObject({ phase: 'playing', transport: 'hls' });
    expect(plays()).toBe(1);
    return p;
  }

  it('what has played to its end is joined anew', async () => {
    const p = await watched();
    Object.assign(video, { ended: true, paused: true });
    await vi.advanceTimersByTimeAsync(6000);
    expect(plays()).toBe(2);
    expect(p).toMatchObject({ phase: 'playing', transport: 'hls' });
  });

  it('a picture that stands still is given longer while more may come', async () => {
    const p = await watched();
    video.stands = performance.now();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([plays(), p.phase]).toEqual([1, 'playing']);
    video.stands = null;
    await vi.advanceTimersByTimeAsync(5000);
    video.stands = performance.now();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(plays()).toBe(2);
    expect(p).toMatchObject({ phase: 'playing', transport: 'hls' });
  });

  it('and not for long where the station has said that nothing more does', async () => {
    const p = await watched();
    p.stop();
    let over = false;
    joins(new Fault('codec', 'no H.264'));
    vi.mocked(hls.play).mockClear();
    watch();
    overHls(() => over);
    await vi.advanceTimersByTimeAsync(3000);
    over = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(plays(), 'what was loaded plays on').toBe(1);
    video.stands = performance.now();
    await vi.advanceTimersByTimeAsync(5000);
    expect(plays()).toBe(2);
  });

  it('a person who pauses is left alone', async () => {
    const p = await watched();
    video.paused = true;
    video.stands = performance.now();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([plays(), p.phase]).toEqual([1, 'playing']);
  });
});

it('a station that was full is asked again every minute', async () => {
  joins(new Fault('refused', '503 Service Unavailable', true), new FakeSession());
  const p = watch();
  await vi.advanceTimersByTimeAsync(100);
  expect(p).toMatchObject({ transport: 'hls', reason: expect.stringContaining('503') });
  await vi.advanceTimersByTimeAsync(61_000);
  expect(p).toMatchObject({ transport: 'webrtc', reason: null });
});

describe('a channel of sound', () => {
  it('plays without a picture, and shows one once it comes', async () => {
    const session = Object.assign(new FakeSession(), { pictures: false });
    joins(session);
    const p = watch(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(p).toMatchObject({ phase: 'playing', transport: 'webrtc', noPicture: true, reason: null });
    expect(video.given).not.toBe(session.stream);
    session.pictures = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(p).toMatchObject({ phase: 'playing', transport: 'webrtc', noPicture: false });
    expect(video.given).toBe(session.stream);
    expect(join).toHaveBeenCalledTimes(1);
  });

  it('goes on while its picture stands still, and is joined anew when nothing comes', async () => {
    const [first, second] = [new FakeSession(), new FakeSession()];
    joins(first, second);
    const p = watch();
    await vi.advanceTimersByTimeAsync(5000);
    first.pictures = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(p).toMatchObject({ phase: 'playing', noPicture: false });
    expect(join).toHaveBeenCalledTimes(1);
    first.carries = false;
    await vi.advanceTimersByTimeAsync(8000);
    expect(join).toHaveBeenCalledTimes(2);
  });
});
