// As much of a WebDriver client (https://www.w3.org/TR/webdriver2/) as the window's tests need, and
// the two servers behind it: Xvfb for a display, WebKitWebDriver for the window's web view.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** The key under which WebDriver names an element. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** How often something is looked at that cannot announce itself. */
const LOOK = 50;

/** Where a program is, or null. */
export function find(program) {
  const places = (process.env.PATH ?? '').split(delimiter);
  return places.map((dir) => join(dir, program)).find((path) => existsSync(path)) ?? null;
}

/** Looks until `look` gives something, `bound` milliseconds at most. */
export async function eventually(what, look, bound = 30_000) {
  const end = performance.now() + bound;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${bound} ms: ${what} (${last})`);
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** A program that ends with the test. */
export class Process {
  constructor(command, args, options = {}) {
    this.log = '';
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.child.stdout, this.child.stderr, ...this.child.stdio.slice(3)]) {
      stream?.setEncoding('utf8').on('data', (text) => (this.log += text));
    }
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop() {
    if (!this.running) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
  }
}

/** A display of its own; `name` is what DISPLAY says. */
export async function display(width, height) {
  const screen = `${width}x${height}x24`;
  // Xvfb picks a free number and writes it to the fourth file.
  const args = ['-displayfd', '3', '-screen', '0', screen, '-nolisten', 'tcp'];
  const server = new Process('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const number = await eventually('a display', () => /^(\d+)\n/m.exec(server.log)?.[1]);
  return { server, name: `:${number}` };
}

/**
 * What a person does outside of the page: closing windows, answering the system's own dialogs. A
 * window manager stands between, as on a real desktop: without one nothing asks a window to close.
 */
export class X11 {
  static async open(display) {
    const x11 = new X11(display);
    await eventually('a window manager', async () => {
      const { log } = await x11.#finished('xprop', ['-root', '_NET_SUPPORTING_WM_CHECK']);
      return /window id/.test(log);
    });
    return x11;
  }

  constructor(display) {
    this.env = { ...process.env, DISPLAY: display };
    this.manager = new Process('openbox', [], { env: this.env });
  }

  async #finished(command, args) {
    const tool = new Process(command, args, { env: this.env });
    await once(tool.child, 'close');
    return { log: tool.log, code: tool.child.exitCode };
  }

  async #xdotool(...args) {
    const { log, code } = await this.#finished('xdotool', args);
    if (code !== 0) throw new Error(`xdotool ${args.join(' ')}: ${log}`);
  }

  /** The visible window of this exact title, or null. */
  async window(title) {
    const pattern = `^${title.replace(/[?.]/g, '\\$&')}$`;
    // A search that finds nothing ends with 1.
    const { log } = await this.#finished('xdotool', ['search', '--onlyvisible', '--name', pattern]);
    return /^\d+$/m.exec(log)?.[0] ?? null;
  }

  /** Asks a window to close, as its close button does. */
  close(window) {
    return this.key(window, 'alt+F4');
  }

  /** Presses a key in a window. */
  key(window, name) {
    return this.#xdotool('windowactivate', '--sync', window, 'key', name);
  }
}

/** A TCP port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A window under remote control. */
export class Session {
  /** Starts `binary` with `args` on `display`. */
  static async open({ binary, args, display, env }) {
    const port = await freePort();
    const driver = new Process('WebKitWebDriver', [`--port=${port}`], {
      env: { ...process.env, ...env, DISPLAY: display, TAURI_WEBVIEW_AUTOMATION: 'true' },
    });
    const base = `http://127.0.0.1:${port}`;
    await eventually('WebKitWebDriver answers', async () => (await fetch(`${base}/status`)).ok);
    const session = new Session(base, driver);
    const alwaysMatch = { 'webkitgtk:browserOptions': { binary, args } };
    try {
      const created = await session.send('POST', '/session', { capabilities: { alwaysMatch } });
      session.base = `${base}/session/${created.sessionId}`;
    } catch (error) {
      await driver.stop();
      throw new Error(`${error.message}\n${driver.log}`);
    }
    return session;
  }

  constructor(base, driver) {
    this.base = base;
    this.driver = driver;
  }

  async send(method, path, body) {
    const answer = await fetch(this.base + path, {
      method,
      body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(120_000),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  /** Runs a function body in the page; its `return` comes back. */
  run(script, ...args) {
    return this.send('POST', '/execute/sync', { script, args });
  }

  /** The first element of an XPath, waited for. */
  element(xpath, bound) {
    return eventually(
      xpath,
      async () => {
        const found = await this.send('POST', '/element', { using: 'xpath', value: xpath });
        return found[ELEMENT];
      },
      bound,
    );
  }

  /** Whether an element is there now. */
  async has(xpath) {
    const found = await this.send('POST', '/elements', { using: 'xpath', value: xpath });
    return found.length > 0;
  }

  async click(xpath) {
    const id = await this.element(xpath);
    // A click on something that still moves or is covered is refused: looked at again.
    await eventually(`a click on ${xpath}`, async () => {
      await this.send('POST', `/element/${id}/click`);
      return true;
    });
  }

  async attribute(xpath, name) {
    const id = await this.element(xpath);
    return this.send('GET', `/element/${id}/attribute/${name}`);
  }

  /** A PNG of the page. */
  async screenshot() {
    return Buffer.from(await this.send('GET', '/screenshot'), 'base64');
  }

  async close() {
    try {
      await this.send('DELETE', '');
    } finally {
      await this.driver.stop();
    }
  }
}
