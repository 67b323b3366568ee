import { type OwnBroadcast, ownBroadcast } from '$lib/api';
import { backoff } from '$lib/player/fault';
import { t } from '$lib/words';
import { type Cause, Fault } from './fault';
import type { Figures } from './figures';
import type { Loss, Session, Transport, Wish } from './session';
import * as websocket from './websocket';
import * as whip from './whip';

export type Phase =
  | 'connecting'
  /** The host has to agree. */
  | 'held'
  /** A guest whom the host let in: scenes alone show it. */
  | 'backstage'
  | 'live'
  /** It broke, and is tried again. */
  | 'retrying'
  /** The station said no: it is not tried again. */
  | 'refused'
  | 'ended';

/** The ways out, and what the station says of a broadcast. */
export interface Ways {
  webrtc(wish: Wish, signal: AbortSignal): Promise<Session>;
  websocket: ((wish: Wish, signal: AbortSignal) => Promise<Session>) | null;
  own(wish: Wish, signal: AbortSignal): Promise<OwnBroadcast | null>;
}

const ways: Ways = {
  webrtc: whip.publish,
  websocket: websocket.ENABLED ? websocket.publish : null,
  own: ({ channel, key }, signal) => ownBroadcast(channel, key, signal),
};

const LOOK_MS = 1000;
/** How often the station is asked whether the host has agreed. */
const HELD_MS = 2000;
/** How often a name may be found taken while coming back: by the session that broke. */
const TAKEN_BY_SELF = 8;

/** Final answers: asking again gives the same one. */
const finals: readonly Cause[] = ['key', 'taken', 'refused', 'codec', 'ended'];

/** Answers about who asks, not about the way they came. */
const asked: readonly Cause[] = ['key', 'taken', 'ended'];

/**
 * Publishes one channel, over WebRTC or, where that cannot connect, over a WebSocket, and comes back
 * by itself after every drop, until it is stopped or refused.
 */
export class Publisher {
  phase = $state<Phase>('connecting');
  /** What is wrong, in words. */
  problem = $state<string | null>(null);
  cause = $state<Cause | null>(null);
  /** Whether an examination of the connection could say more of why it was refused. */
  examinable = $state(false);
  transport = $state<Transport | null>(null);
  /** Why it goes over a WebSocket. */
  reason = $state<string | null>(null);
  /** On air since, in ms since 1970. */
  since = $state<number | null>(null);
  figures = $state.raw<Figures | null>(null);
  /** Whether the host has it as a guest. */
  guest = $state(false);
  /** Of a guest: whether the scene on the program shows it, and whether that is on air. */
  shown = $state(false);
  onAir = $state(false);

  #abort = new AbortController();
  #session: Session | null = null;
  #over: Transport = 'webrtc';
  /** Why it is not WebRTC any more. */
  #turned: Cause = 'blocked';
  #restart: ((words: string) => void) | null = null;
  #wake: (() => void) | null = null;

  constructor(
    readonly channel: string,
    private readonly wish: () => Wish,
    private readonly way: Ways = ways,
  ) {
    void this.#run(this.#abort.signal);
  }

  /** What it publishes with. */
  get key(): string | null {
    return this.wish().key || null;
  }

  /** Ends it, at the station too. What leaves the page leaves before this returns. */
  stop(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new DOMException('stopped', 'AbortError'));
    void this.#session?.close();
    this.#session = null;
    this.#wake?.();
    this.#become('ended', null);
  }

  /** Tries again at once: the network is back, or a person asked. */
  nudge(): void {
    this.#wake?.();
  }

  /** Sends other tracks from now on. */
  async replace(tracks: readonly MediaStreamTrack[]): Promise<void> {
    const session = this.#session;
    if (!session) return;
    for (const track of tracks) {
      if (!(await session.replace(track).catch(() => false))) {
        this.#restart?.(t('Another source was chosen.'));
        return;
      }
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      let wait: number | null = null;
      try {
        const over = this.#over === 'websocket' && this.way.websocket ? this.way.websocket : this.way.webrtc;
        this.#session = await over(this.wish(), signal);
        attempt = 0;
        const { words, ended } = await this.#keep(this.#session, signal);
        if (signal.aborted) break;
        const waited = this.phase === 'held';
        this.#become('retrying', words);
        if (ended && waited) {
          this.cause = 'refused';
          this.#become('refused', t('The host did not let this broadcast in.'));
          return;
        }
        if (ended && (await this.#takenOver(signal))) return;
      } catch (thrown) {
        if (signal.aborted) break;
        const fault = thrown instanceof Fault ? thrown : new Fault('unreachable', thrown instanceof Error ? thrown.message : String(thrown));
        if (this.#turn(fault)) continue;
        attempt += 1;
        if (this.#isFinal(fault, attempt)) {
          this.cause = fault.why;
          this.examinable = fault.why === 'codec' || (fault.why === 'refused' && this.#over === 'websocket');
          this.#become('refused', this.#words(fault));
          return;
        }
        this.#become('retrying', this.#words(fault));
        // The better way gets its chance again.
        if (this.#over === 'websocket') this.#over = 'webrtc';
        wait = fault.retryAfter;
      } finally {
        await this.#session?.close().catch(() => undefined);
        this.#session = null;
      }
      await this.#pause(wait ?? backoff(Math.max(1, attempt), Math.random()), signal, true);
    }
  }

  /** Whether another publisher stands where this one was put out: coming back would put that one out in turn. */
  async #takenOver(signal: AbortSignal): Promise<boolean> {
    if (!(await this.#own(signal))) return false;
    this.cause = 'taken';
    this.#become('refused', t('Another publisher took over {channel}.', { channel: this.channel }));
    return true;
  }

  /** What the station says of this broadcast. */
  async #own(signal: AbortSignal): Promise<OwnBroadcast | null> {
    const own = await this.way.own(this.wish(), signal).catch(() => null);
    if (own) ({ guest: this.guest, shown: this.shown, on_air: this.onAir } = own);
    return own;
  }

  /** Goes over to the WebSocket when WebRTC has no way out. */
  #turn(fault: Fault): boolean {
    if (this.#over !== 'webrtc' || !this.way.websocket) return false;
    if (fault.why !== 'blocked' && fault.why !== 'codec') return false;
    this.#over = 'websocket';
    this.#turned = fault.why;
    this.reason =
      fault.why === 'blocked'
        ? t('WebRTC could not connect: UDP seems to be blocked between this device and the station. Sending over a WebSocket, a little later.')
        : t('This browser has no H.264 in WebRTC. Sending over a WebSocket, a little later.');
    return true;
  }

  #isFinal(fault: Fault, attempt: number): boolean {
    if (!finals.includes(fault.why)) return false;
    if (this.since === null) return true;
    // The station may not have noticed yet that the session before this one is gone.
    if (fault.why === 'taken') return attempt > TAKEN_BY_SELF;
    return fault.why === 'key' || fault.why === 'ended' || this.#over === 'webrtc';
  }

  #words(fault: Fault): string {
    const { message } = fault;
    if (fault.why === 'unreachable') return t('The station does not answer.');
    if (fault.why === 'blocked') return t('WebRTC could not connect: UDP seems to be blocked between this device and the station.');
    if (this.#over === 'websocket' && !asked.includes(fault.why)) {
      const first = this.#turned === 'codec' ? t('This browser has no H.264 in WebRTC') : t('WebRTC could not connect, as UDP seems to be blocked');
      return t('{first}; and over a WebSocket it did not go either. {message}', { first, message });
    }
    return message;
  }

  #become(phase: Phase, problem: string | null): void {
    this.phase = phase;
    this.problem = problem;
    if (phase === 'live' || phase === 'backstage' || phase === 'held') return;
    this.shown = false;
    this.transport = null;
    this.figures = null;
    if (this.#over === 'webrtc') this.reason = null;
  }

  /** Keeps a session until it is lost, and says how. */
  async #keep(session: Session, signal: AbortSignal): Promise<Loss> {
    this.transport = session.transport;
    this.cause = null;
    if (session.transport === 'webrtc') this.reason = null;
    let over: Loss | null = null;
    const chosen = new Promise<Loss>((resolve) => (this.#restart = (words) => resolve({ words, ended: false })));
    const end = Promise.race([session.lost, chosen]).then((loss) => (over = loss));
    const waiting = (ms: number): Promise<unknown> => Promise.race([end, this.#pause(ms, signal, false)]);
    let { standing } = session;
    this.guest = session.guest;
    if (standing === 'held') {
      this.#become('held', null);
      while (over === null && !signal.aborted) {
        standing = (await this.#own(signal))?.standing ?? standing;
        if (standing !== 'held') break;
        await waiting(HELD_MS);
      }
    }
    if (over === null && !signal.aborted) {
      this.since ??= Date.now();
      this.#become(standing === 'backstage' ? 'backstage' : 'live', null);
    }
    while (over === null && !signal.aborted) {
      this.figures = (await session.figures().catch(() => null)) ?? this.figures;
      if (standing === 'backstage') await this.#own(signal);
      await waiting(LOOK_MS);
    }
    this.#restart = null;
    return over ?? { words: '', ended: false };
  }

  #pause(ms: number, signal: AbortSignal, wakeable: boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        if (this.#wake === done) this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      if (wakeable) this.#wake = done;
      if (signal.aborted) done();
    });
  }
}
