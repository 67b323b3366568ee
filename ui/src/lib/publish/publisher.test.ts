import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OwnBroadcast, Standing } from '$lib/api';
import { Fault } from './fault';
import { Publisher, type Ways } from './publisher.svelte';
import { qualityOf } from './quality';
import type { Loss, Session, Transport, Wish } from './session';

const wish = (): Wish => ({
  channel: 'garden',
  key: null,
  stream: {} as MediaStream,
  video: {} as MediaStreamTrack,
  audio: {} as MediaStreamTrack,
  quality: qualityOf(null),
  bitrate: 1,
});

class FakeSession implements Session {
  closed = 0;
  #resolve: (loss: Loss) => void = () => undefined;
  readonly lost = new Promise<Loss>((resolve) => (this.#resolve = resolve));
  constructor(
    readonly transport: Transport = 'webrtc',
    readonly standing: Standing = 'live',
    readonly guest = false,
  ) {}
  lose = (words: string, ended = false): void => this.#resolve({ words, ended });
  figures = async () => null;
  replace = async () => this.transport === 'webrtc';
  close = async () => void (this.closed += 1);
}

let publisher: Publisher | null = null;
let tried: Transport[];
let live: boolean;
let own: OwnBroadcast | null;

/** Answers come in turn; the last one again and again. */
function start(answers: (Session | Fault)[]): Publisher {
  tried = [];
  live = false;
  own = null;
  const way = (transport: Transport) => async (): Promise<Session> => {
    tried.push(transport);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer || answer instanceof Fault) throw answer;
    return answer;
  };
  const ways: Ways = { webrtc: way('webrtc'), websocket: way('websocket'), own: async () => own ?? (live ? { guest: false, standing: 'live', shown: false, on_air: false } : null) };
  publisher = new Publisher('garden', wish, ways);
  return publisher;
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  publisher?.stop();
  publisher = null;
  vi.useRealTimers();
});

describe('a publisher', () => {
  it('is on air once the session stands, and ends it once', async () => {
    const session = new FakeSession();
    const p = start([session]);
    await pass(0);
    expect(p).toMatchObject({ phase: 'live', transport: 'webrtc', problem: null });
    p.stop();
    expect(session.closed).toBe(1);
    expect(p.phase).toBe('ended');
    await pass(60_000);
    expect(tried).toEqual(['webrtc']);
  });

  it('waits for the host', async () => {
    const p = start([new FakeSession('webrtc', 'held')]);
    await pass(10_000);
    expect(p).toMatchObject({ phase: 'held', since: null });
    live = true;
    await pass(2000);
    expect(p.phase).toBe('live');
    expect(p.since).not.toBeNull();
  });

  it('is told when the host lets a guest in, and when the program shows it', async () => {
    const p = start([new FakeSession('webrtc', 'held', true)]);
    own = { guest: true, standing: 'held', shown: false, on_air: true };
    await pass(4000);
    expect(p).toMatchObject({ phase: 'held', guest: true });
    own = { ...own, standing: 'backstage' };
    await pass(2000);
    expect(p).toMatchObject({ phase: 'backstage', shown: false });
    own = { ...own, shown: true };
    await pass(1000);
    expect(p).toMatchObject({ phase: 'backstage', shown: true, onAir: true });
  });

  it('need not wait again as a guest who is known', async () => {
    const first = new FakeSession('webrtc', 'held', true);
    const p = start([first, new FakeSession('webrtc', 'backstage', true)]);
    own = { guest: true, standing: 'backstage', shown: true, on_air: false };
    await pass(0);
    expect(p.phase).toBe('backstage');
    own = null;
    first.lose('The connection broke.');
    await pass(1);
    expect(p).toMatchObject({ phase: 'retrying', shown: false });
    await pass(1000);
    expect(p.phase).toBe('backstage');
  });

  it('does not ask a host again who said no', async () => {
    const session = new FakeSession('webrtc', 'held');
    const p = start([session]);
    await pass(3000);
    session.lose('The station ended the connection.', true);
    await pass(60_000);
    expect(p).toMatchObject({ phase: 'refused', problem: 'The host did not let this broadcast in.' });
    expect(tried.length).toBe(1);
  });

  it('comes back by itself, says what happened, and keeps its time on air', async () => {
    const [first, second] = [new FakeSession(), new FakeSession()];
    const p = start([first, new Fault('unreachable', ''), new Fault('busy', 'Full.'), second]);
    await pass(0);
    const { since } = p;
    first.lose('The connection broke.');
    await pass(1);
    expect(p).toMatchObject({ phase: 'retrying', problem: 'The connection broke.' });
    expect(first.closed).toBe(1);
    await pass(600);
    expect(p.problem).toBe('The station does not answer.');
    await pass(600);
    expect(p.problem).toBe('Full.');
    await pass(1200);
    expect(p).toMatchObject({ phase: 'live', since });
    expect(tried.length).toBe(4);
  });

  it('tries again at once when nudged, and when the station says so', async () => {
    const p = start([new Fault('busy', 'Full.', 30_000), new FakeSession()]);
    await pass(29_000);
    expect(tried.length).toBe(1);
    await pass(1000);
    expect(p.phase).toBe('live');
    p.stop();

    const q = start([new Fault('unreachable', ''), new FakeSession()]);
    await pass(0);
    q.nudge();
    await pass(0);
    expect(q.phase).toBe('live');
  });

  it.each(['key', 'taken', 'refused'] as const)('stops trying when refused (%s)', async (why) => {
    const p = start([new Fault(why, 'No.')]);
    await pass(60_000);
    expect(p).toMatchObject({ phase: 'refused', cause: why, problem: 'No.', examinable: false });
    expect(tried.length).toBe(1);
  });

  it('is patient when its name is still taken by the session that broke', async () => {
    const first = new FakeSession();
    const p = start([first, new Fault('taken', 'Live.'), new Fault('taken', 'Live.'), new FakeSession()]);
    await pass(0);
    first.lose('The connection broke.');
    await pass(5000);
    expect(p.phase).toBe('live');

    p.stop();
    const other = new FakeSession();
    const q = start([other, new Fault('taken', 'Live.')]);
    await pass(0);
    other.lose('The connection broke.');
    await pass(120_000);
    expect(q).toMatchObject({ phase: 'refused', cause: 'taken' });
  });

  it('leaves its place to another who took it over, and only to another', async () => {
    const [first, second] = [new FakeSession(), new FakeSession()];
    const p = start([first, second]);
    await pass(0);
    first.lose('The station ended the connection.', true);
    await pass(1000);
    expect(p.phase).toBe('live');
    live = true;
    second.lose('The station ended the connection.', true);
    await pass(60_000);
    expect(p).toMatchObject({ phase: 'refused', cause: 'taken' });
    expect(p.problem).toMatch(/took over garden/);
    expect(second.closed).toBe(1);
    expect(tried.length).toBe(2);
  });

  it.each(['webrtc', 'websocket'] as const)('does not come back over %s once the host ended it', async (transport) => {
    const session = new FakeSession(transport);
    const ended = new Fault('ended', 'The host ended this broadcast.');
    const p = start([...(transport === 'websocket' ? [new Fault('blocked', '')] : []), session, ended]);
    await pass(0);
    const before = tried.length;
    session.lose('The host ended this broadcast.', true);
    await pass(120_000);
    expect(p).toMatchObject({ phase: 'refused', cause: 'ended', problem: 'The host ended this broadcast.', examinable: false });
    expect(tried.slice(before)).toEqual([transport]);
  });

  it.each(['webrtc', 'websocket'] as const)('comes back over %s when the station was started again', async (transport) => {
    const session = new FakeSession(transport);
    const p = start([...(transport === 'websocket' ? [new Fault('blocked', '')] : []), session, new Fault('unreachable', ''), new FakeSession()]);
    await pass(0);
    session.lose('The station ended the connection.', true);
    await pass(5000);
    expect(p).toMatchObject({ phase: 'live', transport: 'webrtc' });
  });

  it('goes on over a WebSocket where WebRTC cannot connect, and says so', async () => {
    const p = start([new Fault('blocked', 'no connection within 8 s'), new FakeSession('websocket')]);
    await pass(0);
    expect(tried).toEqual(['webrtc', 'websocket']);
    expect(p).toMatchObject({ phase: 'live', transport: 'websocket' });
    expect(p.reason).toMatch(/UDP seems to be blocked/);
  });

  it('shows both reasons when the WebSocket is refused, too', async () => {
    const p = start([new Fault('blocked', ''), new Fault('refused', 'No WebSocket here.')]);
    await pass(0);
    expect(p).toMatchObject({ phase: 'refused', examinable: true });
    expect(p.problem).toMatch(/UDP seems to be blocked.*No WebSocket here\./);
  });

  it('does not blame the network for a browser that cannot encode', async () => {
    const p = start([new Fault('codec', ''), new Fault('codec', 'It cannot record either.')]);
    await pass(0);
    expect(p.phase).toBe('refused');
    expect(p.problem).toMatch(/no H\.264 in WebRTC.*It cannot record either\./);
    expect(p.problem).not.toContain('UDP');
  });

  it('begins a new session where another source cannot take the place of one', async () => {
    const first = new FakeSession('websocket');
    const p = start([new Fault('blocked', ''), first, new FakeSession('websocket')]);
    await pass(0);
    await p.replace([{ kind: 'video' } as MediaStreamTrack]);
    await pass(1000);
    expect(first.closed).toBe(1);
    expect(p).toMatchObject({ phase: 'live', transport: 'websocket' });
  });
});
