import { type DoctorCheck, type DoctorFacts, asProblem, doctorFacts, tellHost } from '$lib/api';
import { t } from '$lib/words';
import { deviceName } from './device';
import * as judge from './judge';
import { TESTS, type Test } from './judge';
import * as measure from './measure';

/** A line of the page: a test that waits, runs, or has been judged. */
export interface Line {
  readonly id: Test;
  readonly state: 'waiting' | 'running' | 'done';
  readonly check: DoctorCheck | null;
}

const ALL = Object.keys(TESTS) as Test[];
const fresh = (): Line[] => ALL.map((id) => ({ id, state: 'waiting', check: null }));

/** One examination of this device's connection, from the first test to the report. */
export class Examination {
  lines = $state.raw<readonly Line[]>(fresh());
  running = $state(false);
  summary = $state<string | null>(null);
  /** Whether the host can read it; a text when that failed. */
  told = $state<boolean | string>(false);

  readonly device = deviceName(navigator.userAgent);
  readonly checks = $derived(this.lines.flatMap((line) => (line.check ? [line.check] : [])));
  readonly done = $derived(this.lines.filter((line) => line.state === 'done').length);
  #stop = new AbortController();

  /** Runs all tests, one after the other, and tells the host. */
  async run(name: string): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.lines = fresh();
    this.summary = null;
    this.told = false;
    this.running = true;
    try {
      await this.#examine(signal);
      this.summary = judge.summary(this.checks);
      this.running = false;
      await this.tell(name);
    } catch {
      // Another run has begun, or the page is left.
      if (!signal.aborted) this.running = false;
    }
  }

  close(): void {
    this.#stop.abort();
  }

  /** Gives the host the report. */
  async tell(name: string): Promise<void> {
    if (this.summary === null) return;
    try {
      await tellHost({ name: name.trim().slice(0, 40), device: this.device, summary: this.summary, checks: this.checks });
      this.told = true;
    } catch (thrown) {
      this.told = asProblem(thrown).message;
    }
  }

  get text(): string {
    return judge.asText(this.device, this.summary ?? '', this.checks, new Date());
  }

  async #examine(signal: AbortSignal): Promise<void> {
    const place: judge.Place = { https: location.protocol === 'https:', host: location.hostname, secure: isSecureContext };
    await this.#test('http', signal, async () => judge.http(await measure.pings(signal)));
    let facts: DoctorFacts;
    try {
      facts = await doctorFacts(AbortSignal.any([signal, AbortSignal.timeout(5000)]));
    } catch (thrown) {
      signal.throwIfAborted();
      this.#giveUp(asProblem(thrown).message);
      return;
    }
    await this.#test('websocket', signal, async () => judge.websocket(await measure.echo(signal)));
    await this.#test('udp', signal, async () => judge.udp(await measure.media(signal), facts, place));
    await this.#test('tls', signal, async () => {
      const port = place.https ? undefined : facts.https_port;
      return judge.tls(place, facts, port === undefined ? null : await measure.secureDoor(port, signal));
    });
    await this.#test('watch', signal, () => judge.watch(measure.shows()));
    await this.#test('publish', signal, () => judge.publish(measure.sends()));
    await this.#test('devices', signal, async () => judge.devices(await measure.devices(), place));
    await this.#test('download', signal, async () => {
      const { bps, why } = await measured(signal, measure.downSpeed);
      return judge.download(bps, why, facts);
    });
    await this.#test('upload', signal, async () => {
      const { bps, why } = await measured(signal, measure.upSpeed);
      return judge.upload(bps, why);
    });
    await this.#test('clock', signal, async () => {
      const read = await measure.clockOffset(signal);
      return judge.clock(read?.offset ?? null, read?.error ?? 0);
    });
  }

  async #test(id: Test, signal: AbortSignal, test: () => DoctorCheck | Promise<DoctorCheck>): Promise<void> {
    this.#set(id, 'running', null);
    const check = await test();
    signal.throwIfAborted();
    this.#set(id, 'done', check);
  }

  /** Nothing more can be learnt without the station. */
  #giveUp(why: string): void {
    const left = this.lines.filter((line) => line.state !== 'done');
    for (const { id } of left) this.#set(id, 'done', { id, title: t(TESTS[id]), verdict: 'unknown', result: t('Not tested: {why}', { why }) });
  }

  #set(id: Test, state: Line['state'], check: DoctorCheck | null): void {
    this.lines = this.lines.map((line) => (line.id === id ? { ...line, state, check } : line));
  }
}

async function measured(signal: AbortSignal, speed: (signal: AbortSignal) => Promise<number>): Promise<{ bps: number | null; why: string }> {
  try {
    return { bps: await speed(signal), why: '' };
  } catch (thrown) {
    signal.throwIfAborted();
    return { bps: null, why: asProblem(thrown).message };
  }
}
