import { clamp } from '$lib/format';
import { type Capture, type Choice, CaptureError, type Kind, camera, devices, devicesAllowed, screen } from '$lib/publish/capture';
import { file } from '$lib/publish/file';
import { nameProblem } from '$lib/publish/name';
import { Publisher } from '$lib/publish/publisher.svelte';
import { BITRATE_MAX, BITRATE_MIN, type Quality, qualityOf } from '$lib/publish/quality';
import type { Wish } from '$lib/publish/session';
import { t } from '$lib/words';
import { onAir } from '../onair.svelte';
import { awake } from './awake';
import { type Memory, recall, remember, rememberKey, takeKey } from './memory';

/**
 * What a person prepares and sends from this page. There is one for as long as the page lives: who
 * looks at another channel while on air stays on air.
 */
export class Desk {
  /** What the person chooses among; what runs is {@link capture}. */
  kind = $state<Kind>(devicesAllowed() ? 'camera' : 'file');
  capture = $state.raw<Capture | null>(null);
  opening = $state(false);
  /** What stands against the source. */
  problem = $state<string | null>(null);
  /** What came to pass with the source, or is worth knowing of it. */
  notice = $state<string | null>(null);

  cameras = $state.raw<readonly MediaDeviceInfo[]>([]);
  microphones = $state.raw<readonly MediaDeviceInfo[]>([]);

  muted = $state(false);
  hidden = $state(false);

  name = $state('');
  /** Whether the name is the link's, and nobody else's to choose. */
  readonly fixed: boolean;
  /** Whether the link that led here is a guest's. */
  readonly guest: boolean;
  key = $state('');
  /** The key that a link brought: it stays out of sight. */
  readonly linkKey: string | null;
  /** Whether the name was looked at: not while it is first being typed. */
  named = $state(false);
  memory = $state<Memory>(recall());
  publisher = $state.raw<Publisher | null>(null);

  #round = 0;
  #file: File | null = null;
  #sleepless: (() => void) | null = null;

  constructor(search: URLSearchParams) {
    const channel = search.get('channel');
    this.name = channel ?? this.memory.name;
    this.guest = search.has('guest');
    this.fixed = this.guest && channel !== null && nameProblem(channel) === null;
    ({ key: this.key, link: this.linkKey } = takeKey());
    if (devicesAllowed()) navigator.mediaDevices.addEventListener('devicechange', () => void this.#look());
    addEventListener('pagehide', () => this.publisher?.stop());
    addEventListener('online', () => this.publisher?.nudge());
    addEventListener('beforeunload', (event) => {
      if (this.onAir) event.preventDefault();
    });
  }

  get onAir(): boolean {
    const phase = this.publisher?.phase;
    return phase !== undefined && phase !== 'refused' && phase !== 'ended';
  }

  get quality(): Quality {
    return qualityOf(this.memory.quality);
  }

  /** Bits per second of the picture. */
  get bitrate(): number {
    return this.memory.bitrate ?? this.quality.bitrate;
  }

  get nameProblem(): string | null {
    return nameProblem(this.name);
  }

  keep(change: Partial<Memory>): void {
    Object.assign(this.memory, change);
    remember(this.memory);
  }

  setQuality(id: string): void {
    this.keep({ quality: id, bitrate: null });
    const { width, height } = this.quality;
    if (this.capture?.kind !== 'camera') return;
    void this.capture.video.applyConstraints({ width: { ideal: width }, height: { ideal: height } }).catch(() => undefined);
  }

  setBitrate(bps: number): void {
    this.keep({ bitrate: clamp(Math.round(bps), BITRATE_MIN, BITRATE_MAX) });
  }

  /** Looks at another kind of source. What is on air stays until the new one is there. */
  turnTo(kind: Kind): void {
    this.kind = kind;
    this.problem = null;
    if (!this.onAir && this.capture?.kind !== kind) this.#drop();
    if (kind === 'camera' && !this.capture) void this.openAllowed();
  }

  /** Opens the camera when the person has allowed it before: nothing is asked. */
  async openAllowed(): Promise<void> {
    if (this.capture || this.opening || !devicesAllowed()) return;
    const granted = await navigator.permissions.query({ name: 'camera' as PermissionName }).then(
      ({ state }) => state === 'granted',
      () => false,
    );
    if (granted && this.kind === 'camera' && !this.capture) await this.openCamera();
  }

  async openCamera(change: Partial<Pick<Memory, 'camera' | 'microphone' | 'speaks'>> = {}): Promise<void> {
    this.keep(change);
    // A telephone opens its second camera only once the first is closed.
    if (this.capture?.kind === 'camera' && change.camera !== undefined) this.capture.video.stop();
    await this.#open(async () => {
      try {
        return await camera(this.#choice());
      } catch (error) {
        // The one that was remembered may be at home.
        if (this.memory.camera === '' && this.memory.microphone === '') throw error;
        this.keep({ camera: '', microphone: '' });
        return camera(this.#choice());
      }
    });
    await this.#look();
  }

  async openScreen(): Promise<void> {
    await this.#open(() => screen(this.#choice()));
    await this.#look();
  }

  async openFile(chosen: File | null = this.#file): Promise<void> {
    if (!chosen) return;
    this.#file = chosen;
    await this.#open(() => file(chosen, this.memory.looped));
  }

  get fileName(): string | null {
    return this.capture?.kind === 'file' ? (this.#file?.name ?? null) : null;
  }

  /** The camera after this one. */
  nextCamera(): void {
    const at = this.cameras.findIndex((one) => one.deviceId === this.capture?.video.getSettings().deviceId);
    const next = this.cameras[(at + 1) % this.cameras.length];
    if (next) void this.openCamera({ camera: next.deviceId });
  }

  mute(on: boolean): void {
    this.muted = on;
    this.#apply();
  }

  hide(on: boolean): void {
    this.hidden = on;
    this.#apply();
  }

  start(): void {
    this.named = true;
    if (!this.capture || this.nameProblem || this.onAir) return;
    if (!this.guest) this.keep({ name: this.name });
    rememberKey({ key: this.key, link: this.linkKey });
    this.notice = this.capture.notice;
    this.capture.restart();
    const publisher = new Publisher(this.name, () => this.#wish());
    this.publisher = publisher;
    onAir.publisher = publisher;
    this.#sleepless ??= awake();
  }

  stop(): void {
    this.publisher?.stop();
    this.publisher = null;
    onAir.publisher = null;
    this.rest();
    this.mute(false);
    this.hide(false);
  }

  /** The screen may go dark again. */
  rest(): void {
    this.#sleepless?.();
    this.#sleepless = null;
  }

  /** The person has left the page of the desk: what is not on air needs no camera. */
  leave(): void {
    if (this.onAir) return;
    this.#drop();
    if (this.publisher) this.stop();
  }

  #choice(): Choice {
    const { camera: chosen, microphone, speaks } = this.memory;
    return { camera: chosen, microphone, speaks, quality: this.quality };
  }

  #wish(): Wish {
    const { capture, quality, bitrate } = this;
    if (!capture) throw new CaptureError(t('There is nothing to send. Choose a camera, a screen or a file.'));
    const { video, audio } = capture;
    return { channel: this.name, key: this.key.trim() || null, stream: new MediaStream([video, audio]), video, audio, quality, bitrate };
  }

  async #open(open: () => Promise<Capture | null>): Promise<void> {
    const mine = ++this.#round;
    this.opening = true;
    this.problem = null;
    try {
      const found = await open();
      if (mine !== this.#round) found?.stop();
      else if (found) this.#take(found);
    } catch (error) {
      if (mine === this.#round) this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === this.#round) this.opening = false;
    }
  }

  #take(capture: Capture): void {
    const before = this.capture;
    this.capture = capture;
    this.notice = capture.notice;
    this.#apply();
    void this.publisher?.replace([capture.video, capture.audio]).then(() => before?.stop());
    if (!this.publisher) before?.stop();
    void capture.ended.then((words) => {
      if (this.capture === capture) this.#gone(capture, words);
    });
  }

  #gone(capture: Capture, words: string): void {
    if (!this.onAir) {
      this.#drop();
      this.problem = words;
    } else if (capture.kind === 'file') {
      this.stop();
      this.#drop();
      this.problem = t('{words} The broadcast has ended with it.', { words });
    } else {
      this.notice = t('{words} Viewers see its last picture.', { words });
    }
  }

  #drop(): void {
    this.#round += 1;
    this.opening = false;
    this.capture?.stop();
    this.capture = null;
    this.notice = null;
  }

  #apply(): void {
    if (!this.capture) return;
    this.capture.audio.enabled = !this.muted;
    this.capture.video.enabled = !this.hidden;
  }

  async #look(): Promise<void> {
    ({ cameras: this.cameras, microphones: this.microphones } = await devices());
  }
}

let only: Desk | null = null;

/** The desk of this page. */
export function desk(): Desk {
  only ??= new Desk(new URLSearchParams(location.search));
  return only;
}
