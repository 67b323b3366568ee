import { channel as channelOf } from '$lib/api';
import { t } from '$lib/words';
import { Fault, backoff, fallbackWords } from './fault';
import { type Figures, type Sample, figures, received, sample } from './figures';
import * as hls from './hls';
import * as whep from './whep';

export type Transport = 'webrtc' | 'hls';
export type Phase = 'connecting' | 'playing' | 'waiting' | 'rejoining' | 'locked';

/** How long a connected session may stay without a new picture. */
const STALL_MS = 5000;
/** The same over HLS, which loads seconds at a time. */
const HLS_STALL_MS = 15_000;
/** The same where the station has said that nothing more comes. */
const OVER_MS = 2000;
const LOOK_MS = 1000;
/** How often a channel that is not live is asked for. */
const WAIT_MS = 2000;
/** How often a private channel is tried that may be opened to all. */
const LOCKED_MS = 15_000;
/** How long a session has to show that it lives after sleep or a change of network. */
const PROOF_MS = 2000;
const CLOSE_LOOK_MS = 200;
/** How often WebRTC is tried behind HLS, where what stood in its way may pass. */
const BETTER_MS = 60_000;

/**
 * Plays one channel on one video element: WebRTC first, HLS when that does not work, and back
 * again by itself after every drop, until it is stopped.
 */
export class Player {
  phase = $state<Phase>('connecting');
  transport = $state<Transport | null>(null);
  /** Why it plays over HLS though nobody asked for that. */
  reason = $state<string | null>(null);
  /** What is wrong while nothing plays. */
  problem = $state<string | null>(null);
  figures = $state.raw<Figures | null>(null);
  /** There is sound, and no picture so far. */
  noPicture = $state(false);
  /** What can be gone back in, in seconds of the video element, while it plays what was; nothing while it plays live. */
  back = $state.raw<{ start: number; end: number } | null>(null);
  /** Milliseconds from the request to the first picture on screen. */
  firstPicture = $state<number | null>(null);

  /** How many seconds ago it is to play; nothing for live. */
  #ago: number | null = null;
  #turned = false;
  #fallen: string | null = null;
  /** Whether why it has may pass by itself: another network, a place that somebody leaves. */
  #passing = false;
  /** A session that connected while HLS still played. */
  #better: whep.Session | null = null;
  #doubted = false;
  #abort = new AbortController();
  #wake: (() => void) | null = null;
  #playing: hls.Playing | null = null;

  constructor(
    readonly channel: string,
    readonly video: HTMLVideoElement,
    /** Plays over this one only. */
    readonly forced: Transport | null,
  ) {
    void this.#run(this.#abort.signal);
  }

  stop(): void {
    this.#abort.abort(new DOMException('left', 'AbortError'));
    this.#wake?.();
  }

  /** Looks again at once: the station said that something changed, or a person asked. */
  nudge(): void {
    this.#wake?.();
  }

  /** The device has slept, or its network changed: what does not show at once that it lives is joined anew. */
  doubt(): void {
    this.#doubted = true;
    this.#wake?.();
  }

  /** Forgets that WebRTC did not work, and tries it again. */
  retryWebRtc(): void {
    this.#fallen = null;
    this.reason = null;
    this.#leave?.();
  }

  /** Jumps to the newest picture; with WebRTC it is there already. */
  toLive(): void {
    if (this.#ago !== null) {
      this.#ago = null;
      this.#turned = true;
      this.#leave?.();
      return;
    }
    this.#playing?.toLive();
  }

  /** Goes so many seconds back from where it is. */
  goBack(seconds: number): void {
    if (this.back) {
      this.seek(this.video.currentTime - seconds);
      return;
    }
    this.#ago = seconds;
    this.#turned = true;
    this.#leave?.();
  }

  /** Goes to a second of {@link back}; past its end is live again. */
  seek(to: number): void {
    if (!this.back) return;
    if (to > this.back.end - 3) this.toLive();
    else this.video.currentTime = Math.max(this.back.start + 0.5, to);
  }

  #leave: (() => void) | null = null;

  async #run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      const transport = this.forced ?? (this.#fallen ? 'hls' : 'webrtc');
      try {
        if (this.#ago !== null) await this.#overBack(this.#ago, signal);
        else if (transport === 'webrtc') await this.#overWebRtc(signal);
        else await this.#overHls(signal);
        attempt = 0;
        if (this.#better) continue;
        if (this.#turned) {
          // A person went back, or forth again: that is no fault.
          this.#turned = false;
          this.#between('connecting', null);
          continue;
        }
        this.#between('rejoining', null);
      } catch (thrown) {
        if (signal.aborted) break;
        // What was is not kept any more: live it is.
        const wasBack = this.#ago !== null;
        this.#ago = null;
        this.back = null;
        if (wasBack) continue;
        const fault = thrown instanceof Fault ? thrown : new Fault('refused', String((thrown as Error).message));
        if (fault.why === 'waiting') {
          attempt = 0;
          await this.#untilLive(signal);
          continue;
        }
        if (fault.why === 'locked') {
          attempt = 0;
          this.#between('locked', null);
          await this.#pause(LOCKED_MS, signal);
          continue;
        }
        if (transport === 'webrtc' && !this.forced && fault.why !== 'unreachable') {
          this.#fallen = fallbackWords(fault.why, fault.message);
          this.#passing = fault.passing;
          continue;
        }
        attempt += 1;
        // A network may have changed meanwhile: now and then the better way gets its chance.
        if (attempt % 4 === 0) this.#fallen = null;
        this.#between('rejoining', words(transport, fault));
      }
      await this.#pause(backoff(Math.max(1, attempt), Math.random()), signal);
    }
    this.#better?.close();
    this.video.srcObject = null;
  }

  #between(phase: Phase, problem: string | null): void {
    this.phase = phase;
    this.problem = problem;
    this.transport = null;
    this.reason = null;
    this.figures = null;
    this.noPicture = false;
  }

  async #untilLive(signal: AbortSignal): Promise<void> {
    this.#between('waiting', null);
    while (!signal.aborted) {
      await this.#pause(WAIT_MS, signal);
      if (signal.aborted) return;
      try {
        const found = await channelOf(this.channel, signal);
        this.problem = null;
        if (found?.state !== 'live') continue;
        // Another broadcast may be of another kind. A way that was blocked still is: that is tried behind HLS.
        if (!this.#passing) this.#fallen = null;
        return;
      } catch {
        this.problem = t('The station does not answer. This page keeps trying.');
      }
    }
  }

  async #overWebRtc(signal: AbortSignal): Promise<void> {
    if (!['rejoining', 'locked'].includes(this.phase) && !this.#better) this.phase = 'connecting';
    const session = this.#better ?? (await whep.join(this.channel, signal));
    this.#better = null;
    this.noPicture = false;
    const { video } = this;
    try {
      video.srcObject = session.stream;
      video.dataset['connectedMs'] = String(Math.round(session.connected - session.posted));
      void video.play().catch(() => undefined);
      const left = new Promise<void>((resolve) => (this.#leave = resolve));
      const shown = await this.#firstPicture(session.posted, 4000, [session.lost, left], signal);
      if (!shown && !(await onlySound(session))) throw new Fault('blocked', t('no picture arrived'));
      this.#showPicture(session, shown);
      this.transport = 'webrtc';
      this.reason = null;
      this.problem = null;
      this.phase = 'playing';
      await this.#watchWebRtc(session, [session.lost, left], signal);
    } finally {
      this.#leave = null;
      session.close();
      video.srcObject = null;
    }
  }

  async #overHls(signal: AbortSignal): Promise<void> {
    if (!['rejoining', 'locked'].includes(this.phase)) this.phase = 'connecting';
    const { video } = this;
    const started = performance.now();
    const playing = await hls.play(this.channel, video, signal);
    this.#playing = playing;
    const trying = new AbortController();
    try {
      void video.play().catch(() => undefined);
      const left = new Promise<void>((resolve) => (this.#leave = resolve));
      if (!(await this.#firstPicture(started, 15_000, [playing.lost, left], signal))) throw new Fault('blocked', t('no picture arrived'));
      this.transport = 'hls';
      this.reason = this.forced ? null : this.#fallen;
      this.noPicture = video.videoWidth === 0;
      this.problem = null;
      this.phase = 'playing';
      if (this.#passing && !this.forced) void this.#tryBetter(trying.signal);
      let [place, moved] = [video.currentTime, performance.now()];
      await this.#every(() => LOOK_MS, [playing.lost, left], signal, () => {
        this.figures = playing.figures();
        // What has played to its end is as good as lost: the channel is over, or goes on with another publisher.
        if (video.ended) return false;
        const now = performance.now();
        if (video.paused || video.currentTime !== place) [place, moved] = [video.currentTime, now];
        return now - moved < (playing.over?.() ? OVER_MS : HLS_STALL_MS);
      });
    } finally {
      trying.abort(new DOMException('over', 'AbortError'));
      this.#playing = null;
      this.#leave = null;
      playing.close();
    }
  }

  /** Plays what was, until a person goes back to live or the channel ends. */
  async #overBack(ago: number, signal: AbortSignal): Promise<void> {
    const { video } = this;
    const started = performance.now();
    const playing = await hls.playBack(this.channel, video, ago, signal);
    this.#playing = playing;
    try {
      video.srcObject = null;
      void video.play().catch(() => undefined);
      const left = new Promise<void>((resolve) => (this.#leave = resolve));
      if (!(await this.#firstPicture(started, 15_000, [playing.lost, left], signal))) throw new Fault('blocked', t('no picture arrived'));
      this.transport = 'hls';
      this.reason = null;
      this.problem = null;
      this.phase = 'playing';
      await this.#every(() => LOOK_MS / 4, [playing.lost, left], signal, () => {
        this.figures = playing.figures();
        this.back = playing.range?.() ?? null;
        return true;
      });
    } finally {
      this.#playing = null;
      this.#leave = null;
      this.back = null;
      playing.close();
    }
  }

  /** Tries WebRTC now and then while HLS plays, unseen, and goes over to it once it connects. */
  async #tryBetter(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#pause(BETTER_MS, signal, false);
      if (signal.aborted) return;
      if (document.hidden) continue;
      const session = await whep.join(this.channel, signal).catch(() => null);
      if (!session) continue;
      if (signal.aborted) {
        session.close();
        return;
      }
      this.#better = session;
      this.#passing = false;
      this.retryWebRtc();
    }
  }

  /** Waits for a picture on screen; whether one came. */
  async #firstPicture(from: number, patience: number, ends: Promise<void>[], signal: AbortSignal): Promise<boolean> {
    const { video } = this;
    let stop: () => void = () => undefined;
    const shown = new Promise<'shown'>((resolve) => {
      const yes = (): void => resolve('shown');
      // A page in the background is not told of frames, but of the first data.
      video.addEventListener('loadeddata', yes, { once: true });
      const handle = 'requestVideoFrameCallback' in video ? video.requestVideoFrameCallback(yes) : null;
      stop = () => {
        video.removeEventListener('loadeddata', yes);
        if (handle !== null) video.cancelVideoFrameCallback(handle);
      };
    });
    const over = Promise.race([...ends, this.#pause(patience, signal, false)]).then(() => 'over' as const);
    const first = await Promise.race([shown, over]);
    stop();
    signal.throwIfAborted();
    if (first === 'over') return false;
    this.firstPicture = performance.now() - from;
    video.dataset['firstPictureMs'] = String(Math.round(this.firstPicture));
    return true;
  }

  /** Plays a session with its picture, or without: an element that waits for a picture does not play the sound. */
  #showPicture(session: whep.Session, there: boolean): void {
    if (there !== this.noPicture) return;
    this.noPicture = !there;
    this.video.srcObject = there ? session.stream : new MediaStream(session.stream.getAudioTracks());
    void this.video.play().catch(() => undefined);
  }

  /** Keeps figures until the session ends, its picture stands still, or it does not live through a doubt. */
  async #watchWebRtc(session: whep.Session, ends: Promise<void>[], signal: AbortSignal): Promise<void> {
    let before: Sample | null = null;
    let came = { picture: 0, sound: 0 };
    let moved = performance.now();
    let proof: { bytes: number; until: number } | null = null;
    const often = (): number => (proof ? CLOSE_LOOK_MS : LOOK_MS);
    this.#doubted = false;
    await this.#every(often, ends, signal, async () => {
      const report = await session.connection.getStats();
      const now = sample(report);
      const at = performance.now();
      const comes = received(report);
      const bytes = comes.picture + comes.sound;
      if (comes.picture > came.picture) this.#showPicture(session, true);
      // A picture may stand still where it comes from, for as long as there is sound.
      if (comes.picture === came.picture && comes.sound > came.sound) moved = at;
      came = comes;
      if (this.#doubted) {
        this.#doubted = false;
        proof = { bytes, until: at + PROOF_MS };
      } else if (proof && bytes !== proof.bytes) {
        proof = null;
      } else if (proof && at > proof.until) {
        return false;
      }
      if (now) {
        if (!before || now.frames !== before.frames || document.hidden) moved = at;
        // Figures of less than a second jump about.
        if (!before || now.at - before.at > LOOK_MS / 2) {
          this.figures = figures(before, now);
          before = now;
        }
      }
      return at - moved < STALL_MS;
    });
  }

  /** Does something again and again until it says no, an end comes, or the person leaves. */
  async #every(
    ms: () => number,
    ends: Promise<void>[],
    signal: AbortSignal,
    look: () => boolean | Promise<boolean>,
  ): Promise<void> {
    let over = false;
    const end = Promise.race(ends).then(() => (over = true));
    while (!over && !signal.aborted && (await look())) {
      await Promise.race([end, this.#pause(ms(), signal)]);
    }
  }

  /** Waits, until woken when that is wanted. */
  #pause(ms: number, signal: AbortSignal, wakeable = true): Promise<void> {
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
    });
  }
}

/** Whether sound arrives, and nothing of a picture. */
async function onlySound(session: whep.Session): Promise<boolean> {
  const { picture, sound } = received(await session.connection.getStats());
  return picture === 0 && sound > 0;
}

function words(transport: Transport, fault: Fault): string {
  if (fault.why === 'unreachable') return t('The station does not answer. This page keeps trying.');
  if (fault.why === 'codec') {
    return transport === 'hls'
      ? t('This browser can play neither WebRTC with H.264 nor HLS. Please try a current Chrome, Firefox, Safari or Edge.')
      : t('This browser has no H.264 in WebRTC. Leave out “transport=webrtc” in the address to watch over HLS.');
  }
  if (fault.why === 'blocked') {
    return transport === 'hls'
      ? t('No picture arrived over HLS. This page keeps trying.')
      : t('WebRTC could not connect: UDP seems to be blocked. Leave out “transport=webrtc” in the address to watch over HLS.');
  }
  return t('The station refused ({message}). This page keeps trying.', { message: fault.message });
}
