// The studio's window on a display of its own, with data of its own: for the tests, and for the bench.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session, X11, display, find } from './webdriver.js';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Why no window can be opened here; nothing where one can. */
export function reason() {
  const missing = ['Xvfb', 'WebKitWebDriver', 'openbox', 'xdotool', 'xprop', 'import'].filter((program) => !find(program));
  return missing.length > 0 && `${missing.join(' and ')} not installed (cargo xtask setup)`;
}

const dock = (title) => `//section[.//h2[starts-with(normalize-space(), '${title}')]]`;
const entry = (title, name) => `${dock(title)}//button[contains(@class, 'row-main')][.//*[normalize-space()='${name}']]`;

/** Where things stand on the page, as XPaths. */
export const at = {
  dock,
  scene: (name) => entry('Scenes', name),
  source: (name) => entry('Sources', name),
  mute: (name) => `//button[@aria-label='Mute ${name}']`,
  menu: (name) => `//*[@role='menu']//*[starts-with(@role, 'menuitem')][starts-with(normalize-space(), '${name}')]`,
};

export class Window {
  /** A display with a window manager, and a folder: no window yet. */
  static async desk() {
    const folder = await mkdtemp(join(tmpdir(), 'klieg-desktop-'));
    const screen = await display(1440, 900);
    return new Window(folder, screen, await X11.open(screen.name));
  }

  /** A display that nobody else is on, not even a window manager, as in a kiosk. */
  static async kiosk() {
    const folder = await mkdtemp(join(tmpdir(), 'klieg-desktop-'));
    return new Window(folder, await display(1280, 720, false), null);
  }

  constructor(folder, screen, x11) {
    this.folder = folder;
    this.screen = screen;
    this.x11 = x11;
    this.session = null;
  }

  /** Opens it, on what an earlier one of this desk left. */
  async open(env = {}) {
    this.session = await Session.open({
      binary: process.env.KLIEG_SHELL ?? join(root, 'target/debug/klieg'),
      args: [
        '--data-dir', this.folder,
        '--set', 'server.http=127.0.0.1:0',
        '--set', 'server.https=127.0.0.1:0',
        '--set', 'server.rtmp=127.0.0.1:0',
        '--set', 'server.media_udp=127.0.0.1:0',
      ],
      display: this.screen.name,
      // Nothing of the person who runs the tests: window places, D-Bus, the display server.
      env: { XDG_DATA_HOME: this.folder, XDG_CONFIG_HOME: this.folder, XDG_CACHE_HOME: this.folder, WAYLAND_DISPLAY: '', GDK_BACKEND: 'x11', ...env },
    });
  }

  /** The program has ended by itself: there is nothing left to close. */
  async left() {
    const { driver } = this.session;
    this.session = null;
    await driver.stop();
  }

  async close() {
    try {
      await this.session?.close();
    } finally {
      await this.x11?.manager.stop();
      await this.screen.server.stop();
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  /** Asks the studio through the window's own bridge. */
  ask(command, args = {}) {
    return this.session.run(`return window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])`, command, args);
  }

  apply(command) {
    return this.ask('apply', { command });
  }

  /** Items of the scene that has this identity, bottom first. */
  async items(scene) {
    return (await this.ask('snapshot')).collection.scenes.find((one) => one.id === scene).items;
  }

  /** Where points of the 1280 × 720 canvas are in the window. */
  async picture() {
    const [left, top, width, height] = await this.session.run(`
      const box = document.querySelector('canvas.program').getBoundingClientRect();
      return [box.left, box.top, box.width, box.height];
    `);
    return (x, y) => ({ x: Math.round(left + (x / 1280) * width), y: Math.round(top + (y / 720) * height) });
  }
}
