/** A Firefox that nobody sees, driven over its own remote protocol (Marionette: length, colon, JSON). */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';

/** The system's Firefox; another one by `KLIEG_FIREFOX`. */
export const firefox = process.env['KLIEG_FIREFOX'] ?? ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find(existsSync);

const PREFERENCES = {
  'marionette.port': 0,
  'media.autoplay.default': 0,
  // A camera and a microphone of its own, which nobody is asked about.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9/',
  'browser.safebrowsing.downloads.remote.enabled': false,
  'extensions.getAddons.cache.enabled': false,
};

type Settle = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/** A running Firefox with one tab. */
export class Firefox {
  private readonly waiting = new Map<number, Settle>();
  private received = Buffer.alloc(0);
  private last = 0;

  private constructor(
    private readonly process: ChildProcess,
    private readonly profile: string,
    private readonly socket: Socket,
  ) {
    socket.on('data', (bytes: Buffer) => this.hear(bytes));
  }

  /** Starts one on a profile of its own. */
  static async start(program: string): Promise<Firefox> {
    const profile = await mkdtemp(join(tmpdir(), 'klieg-firefox-'));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
    await writeFile(join(profile, 'user.js'), lines.join('\n'));
    const child = spawn(program, ['--headless', '--marionette', '--no-remote', '--profile', profile], { stdio: 'ignore' });
    const port = async (): Promise<number> => Number(await readFile(join(profile, 'MarionetteActivePort'), 'utf8').catch(() => '0'));
    await expect.poll(port, { message: 'Firefox listens', timeout: 90_000 }).toBeGreaterThan(0);
    const socket = connect(await port(), '127.0.0.1');
    const browser = new Firefox(child, profile, socket);
    await browser.command('WebDriver:NewSession', {});
    return browser;
  }

  async goto(url: string): Promise<void> {
    await this.command('WebDriver:Navigate', { url });
  }

  /** What a function that knows nothing outside of itself gives, called in the page. */
  async evaluate<T>(body: () => T): Promise<T> {
    const script = `return (${body.toString()})();`;
    const answer = (await this.command('WebDriver:ExecuteScript', { script, args: [] })) as { value: T };
    return answer.value;
  }

  /** A PNG of the page. */
  async screenshot(): Promise<Buffer> {
    const answer = (await this.command('WebDriver:TakeScreenshot', { full: false })) as { value: string };
    return Buffer.from(answer.value, 'base64');
  }

  async stop(): Promise<void> {
    const left = new Promise((resolve) => this.process.once('exit', resolve));
    this.socket.destroy();
    this.process.kill('SIGKILL');
    await left;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private command(name: string, parameters: object): Promise<unknown> {
    const id = (this.last += 1);
    const text = JSON.stringify([0, id, name, parameters]);
    this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  private hear(bytes: Buffer): void {
    this.received = Buffer.concat([this.received, bytes]);
    for (;;) {
      const colon = this.received.indexOf(':');
      if (colon < 0) return;
      const end = colon + 1 + Number(this.received.subarray(0, colon).toString());
      if (this.received.length < end) return;
      const message = JSON.parse(this.received.subarray(colon + 1, end).toString()) as unknown;
      this.received = this.received.subarray(end);
      // The first message is a greeting and no answer.
      if (!Array.isArray(message)) continue;
      const [, id, error, value] = message as [number, number, { message: string } | null, unknown];
      const settle = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) settle?.reject(new Error(error.message));
      else settle?.resolve(value);
    }
  }
}
