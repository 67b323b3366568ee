// As much of a WebDriver client (https://www.w3.org/TR/webdriver2/) as the window's tests need, and
// the two servers behind it: Xvfb for a display, WebKitWebDriver for the window's web view.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** The key under which WebDriver names an element. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Keys without a letter, as WebDriver writes them. */
export const SHIFT = '\uE008';
export const CONTROL = '\uE009';
export const ALT = '\uE00A';
export const DOWN = '\uE015';

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

/**
 * A display of its own; `name` is what DISPLAY says. One that is not `kept` begins anew when its last client goes,
 * as an X server does by itself, and takes down whoever is just about to connect.
 */
export async function display(width, height, kept = true) {
  const screen = `${width}x${height}x24`;
  // Xvfb picks a free number and writes it to the fourth file.
  const args = ['-displayfd', '3', '-screen', '0', screen, '-nolisten', 'tcp', ...(kept ? ['-noreset'] : [])];
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
      if (x11.manager.child.exitCode !== null) throw new Error(`openbox has left: ${x11.manager.log}`);
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

  /** Takes hold at the first point of a window and goes through the others, a screen's refresh apart, as a hand does. */
  sweep(window, points) {
    const move = ({ x, y }) => ['mousemove', '--window', window, String(x), String(y)];
    const [first, ...others] = points;
    const way = others.flatMap((point) => [...move(point), 'sleep', '0.016']);
    return this.#xdotool(...move(first), 'sleep', '0.1', 'mousedown', '1', ...way, 'mouseup', '1');
  }

  /** Where a window's content is on the screen, and how large it is. */
  async place(window) {
    const { log } = await this.#finished('xdotool', ['getwindowgeometry', '--shell', window]);
    const [x, y, width, height] = ['X', 'Y', 'WIDTH', 'HEIGHT'].map((name) => Number(new RegExp(`^${name}=(-?\\d+)$`, 'm').exec(log)?.[1]));
    return { x, y, width, height };
  }

  /** Moves a window and gives it a size, as a person does by its edges. */
  arrange(window, { x, y, width, height }) {
    const [at, size] = [[x, y], [width, height]].map((two) => two.map(String));
    return this.#xdotool('windowsize', '--sync', window, ...size, 'windowmove', window, ...at);
  }

  /** How bright the quarters of a window are, 0 to 1: above left and right, below left and right. */
  async quarters(window) {
    const quarters = ['-resize', '2x2!', '-format', ['0,0', '1,0', '0,1', '1,1'].map((at) => `%[fx:p{${at}}.intensity]`).join(' '), 'info:'];
    const { log } = await this.#finished('import', ['-window', window, ...quarters]);
    return log.split(' ').map(Number);
  }

  /** A picture of the whole screen. */
  async shoot(file) {
    await this.#finished('import', ['-window', 'root', file]);
  }

  /** Presses a key for whoever the system gives it to. */
  press(name) {
    return this.#xdotool('key', '--clearmodifiers', name);
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

/** A way to a point of the page, in so many milliseconds. */
const moved = (at, duration = 400) => ({ type: 'pointerMove', x: Math.round(at.x), y: Math.round(at.y), duration, origin: 'viewport' });

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

  /** Drags from one point of the page to another, with a key held down. */
  drag(from, to, held = null) {
    const rest = { type: 'pause', duration: 0 };
    const hand = [moved(from, 0), { type: 'pointerDown', button: 0 }, moved(to), { type: 'pointerUp', button: 0 }];
    if (held === null) return this.#hand(hand);
    // Everything in step: the key is down before the pointer is, and up after it.
    const key = { type: 'key', id: 'keys', actions: [{ type: 'keyDown', value: held }, ...hand.map(() => rest), { type: 'keyUp', value: held }] };
    return this.#hand([rest, ...hand, rest], key);
  }

  /** Takes hold at a point of the page. */
  grip(at) {
    return this.#hand([moved(at, 0), { type: 'pointerDown', button: 0 }]);
  }

  /** Goes on to a point with what is held. */
  carry(to) {
    return this.#hand([moved(to)]);
  }

  letGo() {
    return this.#hand([{ type: 'pointerUp', button: 0 }]);
  }

  /** Clicks with the right button. */
  askMenu(at) {
    return this.#hand([moved(at, 0), { type: 'pointerDown', button: 2 }, { type: 'pointerUp', button: 2 }]);
  }

  /** Presses a key, with others held. */
  press(key, ...held) {
    const down = [...held, key].map((value) => ({ type: 'keyDown', value }));
    const up = [key, ...held.toReversed()].map((value) => ({ type: 'keyUp', value }));
    return this.#perform([{ type: 'key', id: 'keys', actions: [...down, ...up] }]);
  }

  #hand(actions, ...others) {
    return this.#perform([{ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions }, ...others]);
  }

  #perform(actions) {
    return this.send('POST', '/actions', { actions });
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
