/** A studio of its own for each test: started on free ports, with a copy of the demo, and stopped afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test as base, expect } from '@playwright/test';
import type { Machine } from './machine.ts';
import type { Channel, Command, Snapshot } from '../../ui/src/lib/api/bindings/index.ts';

const READY_MS = 60_000;
const LEAVE_MS = 20_000;
const demo = fileURLToPath(new URL('../../assets/demo', import.meta.url));

interface Ready {
  http: string;
  rtmp: string;
  media_udp: string;
  control_token: string;
}

interface Wishes {
  onAir: boolean;
  /** The address to listen on; a free port by itself. */
  http?: string;
  /** More settings, each `key=value`. */
  settings?: readonly string[];
  /** Without a collection on the command line: as a person starts it. */
  plain?: boolean;
  /** More of the environment: where the machine's display or sound server is. */
  env?: Readonly<Record<string, string>>;
}

/** A running studio. */
export class Klieg {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly log: string[],
    readonly ready: Ready,
  ) {}

  /** Starts a studio on the data and the collection in `folder`. */
  static async start(folder: string, wishes: Wishes): Promise<Klieg> {
    const program = process.env['KLIEG_BIN'];
    if (!program) throw new Error('KLIEG_BIN is not set: it names klieg-headless (cargo xtask test --only browser sets it)');
    const args = [
      ...['--data-dir', join(folder, 'data')],
      ...(wishes.plain ? [] : ['--collection', join(folder, 'demo/collection.json')]),
      ...['--set', `server.http=${wishes.http ?? '127.0.0.1:0'}`],
      ...['--set', 'server.https=127.0.0.1:0'],
      ...['--set', 'server.rtmp=127.0.0.1:0'],
      ...['--set', 'server.media_udp=127.0.0.1:0'],
      ...(wishes.settings ?? []).flatMap((one) => ['--set', one]),
      ...(wishes.onAir ? ['--on-air'] : []),
    ];
    // Tests leave nothing in the keychain of whoever runs them.
    const env = { ...process.env, ...wishes.env, KLIEG_STATION__KEYCHAIN: 'false' };
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const ready = new Promise<Ready>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ready line within ${READY_MS} ms`)), READY_MS);
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        then();
      };
      createInterface({ input: child.stdout }).once('line', (line) => settle(() => resolve(JSON.parse(line) as Ready)));
      child.once('error', (error) => settle(() => reject(error)));
      child.once('exit', (code) => settle(() => reject(new Error(`it left with ${code} before it was ready`))));
    });
    try {
      return new Klieg(child, folder, log, await ready);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`${program}: ${String(error)}\n${log.slice(-20).join('\n')}`);
    }
  }

  get http(): string {
    return this.ready.http;
  }

  get studio(): string {
    return `${this.http}/studio#token=${this.ready.control_token}`;
  }

  /** Leaves as a person's Ctrl+C would have it. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) {
      throw new Error(`Klieg had ended by itself:\n${this.tail()}`);
    }
    const left = new Promise<number | null>((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), LEAVE_MS);
    const code = await left;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`Klieg did not leave cleanly (${code}):\n${this.tail()}`);
  }

  /** Stops, and starts again on the same data at the same address. */
  async restart(wishes: Wishes): Promise<Klieg> {
    await this.stop();
    return Klieg.start(this.folder, { ...wishes, http: new URL(this.http).host });
  }

  async command(command: Command): Promise<void> {
    const response = await fetch(`${this.http}/api/commands`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.ready.control_token}` },
      body: JSON.stringify(command),
    });
    if (!response.ok) throw new Error(`${command.command}: ${response.status} ${await response.text()}`);
  }

  async snapshot(): Promise<Snapshot> {
    const response = await fetch(`${this.http}/api/snapshot`, { headers: { Authorization: `Bearer ${this.ready.control_token}` } });
    return (await response.json()) as Snapshot;
  }

  async channels(): Promise<Channel[]> {
    return (await (await fetch(`${this.http}/api/channels`)).json()) as Channel[];
  }

  /** Takes the scene with the test signal to the program. */
  async testSignal(): Promise<void> {
    await this.command({ command: 'edit', edit: { edit: 'switch_scene', id: 'test' } });
  }

  tail(): string {
    return this.log.slice(-40).join('\n');
  }
}

interface Fixtures {
  /** Whether the studio begins on air. */
  onAir: boolean;
  /** More settings for the studio, each `key=value`. */
  settings: readonly string[];
  /** Without a collection on the command line: as a person starts it. */
  plain: boolean;
  /** What the machine has beside itself: see `machine.ts`. */
  machine: { readonly start: (folder: string) => Promise<Machine> } | null;
  /** A folder with a copy of the demo. */
  folder: string;
  klieg: Klieg;
  /** The studio of this moment: a test that restarts it puts the new one here. */
  running: { klieg: Klieg };
}

export const test = base.extend<Fixtures>({
  onAir: [true, { option: true }],
  settings: [[], { option: true }],
  plain: [false, { option: true }],
  machine: [null, { option: true }],
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'klieg-browser-'));
    await cp(demo, join(folder, 'demo'), { recursive: true });
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  running: async ({ folder, onAir, settings, plain, machine }, use, info) => {
    const around = await machine?.start(folder);
    try {
      const running = { klieg: await Klieg.start(folder, { onAir, settings, plain, env: around?.env }) };
      await use(running);
      if (info.status !== info.expectedStatus) console.log(running.klieg.tail());
      await running.klieg.stop();
    } finally {
      await around?.stop();
    }
  },
  klieg: async ({ running }, use) => {
    await use(running.klieg);
  },
});

export { expect };
