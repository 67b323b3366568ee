// A session bus of its own with a desktop's tray on it: see tray.py.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Process, eventually, find } from './webdriver.js';

const here = dirname(fileURLToPath(import.meta.url));
const PYTHON = '/usr/bin/python3';

/** Why there can be no tray here; nothing where there can. */
export function reason() {
  if (!find('dbus-daemon')) return 'dbus-daemon not installed (cargo xtask setup)';
  const gi = spawnSync(PYTHON, ['-c', 'import gi']).status === 0;
  return !gi && 'python3-gi not installed (cargo xtask setup)';
}

export class Tray {
  static async open() {
    const bus = new Process('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=1']);
    const address = await eventually('a session bus', () => /^(unix:\S+)$/m.exec(bus.log)?.[1]);
    const watcher = spawn(PYTHON, [join(here, 'tray.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address },
    });
    const tray = new Tray(bus, address, watcher);
    await tray.#next();
    return tray;
  }

  constructor(bus, address, watcher) {
    this.bus = bus;
    this.watcher = watcher;
    /** What a program needs in its environment to find it. */
    this.env = { DBUS_SESSION_BUS_ADDRESS: address, NO_AT_BRIDGE: '1' };
    this.lines = createInterface({ input: watcher.stdout })[Symbol.asyncIterator]();
  }

  async #next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the tray has left');
    return JSON.parse(value);
  }

  async #wish(wish) {
    this.watcher.stdin.write(`${JSON.stringify(wish)}\n`);
    const answer = await this.#next();
    if (answer?.error) throw new Error(answer.error);
    return answer;
  }

  /** What the icon says, and its menu; null while there is none. */
  look() {
    return this.#wish({ do: 'look' });
  }

  /** Whether this stands in its menu; with `checked`, whether it is checked. */
  async has(...place) {
    const found = (await this.look())?.menu.find((one) => one.place.join() === place.join());
    return found ?? null;
  }

  /** Presses what stands in its menu. */
  press(...place) {
    return eventually(`${place.join(' > ')} in the tray`, () => this.#wish({ do: 'press', place }));
  }

  async stop() {
    const gone = once(this.watcher, 'exit');
    this.watcher.stdin.end();
    await gone;
    await this.bus.stop();
  }
}
