// The window as a person meets it: it opens on the demo, the program moves, scenes switch, a strip is
// muted, the broadcast begins, and closing then asks first.
//
// KLIEG_SHELL names the program under test. With KLIEG_SCREENSHOTS=DIR pictures of the window go there.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Session, X11, display, eventually, find } from './webdriver.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.KLIEG_SHELL ?? join(root, 'target/debug/klieg');
const shots = process.env.KLIEG_SCREENSHOTS ?? join(root, 'tests/desktop/actual');

const missing = ['Xvfb', 'WebKitWebDriver', 'openbox', 'xdotool', 'xprop'].filter((program) => !find(program));
const skip = missing.length > 0 && `${missing.join(' and ')} not installed (cargo xtask setup)`;
if (skip) console.error(`SKIPPED desktop: ${skip}`);

const dock = (title) => `//section[.//h2[starts-with(normalize-space(), '${title}')]]`;
const scene = (name) => `${dock('Scenes')}//button[contains(@class, 'row-main')][.//*[normalize-space()='${name}']]`;
const mute = (name) => `//button[@aria-label='Mute ${name}']`;
const GO_LIVE = "//button[normalize-space()='Go live']";
const END = "//button[normalize-space()='End broadcast']";

let folder;
let screen;
let session;
let x11;
/** The program has ended by itself: there is no session to close. */
let ended = false;

before(async () => {
  if (skip) return;
  await mkdir(shots, { recursive: true });
  folder = await mkdtemp(join(tmpdir(), 'klieg-desktop-'));
  screen = await display(1440, 900);
  x11 = await X11.open(screen.name);
  session = await Session.open({
    binary,
    args: [
      '--data-dir', folder,
      '--set', 'server.http=127.0.0.1:0',
      '--set', 'server.https=127.0.0.1:0',
      '--set', 'server.rtmp=127.0.0.1:0',
      '--set', 'server.media_udp=127.0.0.1:0',
    ],
    display: screen.name,
    // Nothing of the person who runs the tests: window places, D-Bus, the display server.
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder, WAYLAND_DISPLAY: '', GDK_BACKEND: 'x11' },
  });
});

after(async () => {
  try {
    await (ended ? session?.driver.stop() : session?.close());
  } finally {
    await x11?.manager.stop();
    await screen?.server.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  }
});

/** What the studio says of itself, through the window's own bridge. */
const ask = (command) =>
  session.run(`return window.__TAURI_INTERNALS__.invoke(arguments[0])`, command);

/** The program picture, reduced to 16 × 9 pixels of red, green and blue. */
const picture = () =>
  session.run(`
    const from = document.querySelector('canvas.program');
    if (!from || from.width < 16) return null;
    const small = new OffscreenCanvas(16, 9).getContext('2d');
    small.drawImage(from, 0, 0, 16, 9);
    const pixels = Array.from(small.getImageData(0, 0, 16, 9).data).filter((_, i) => i % 4 !== 3);
    return pixels.some((value) => value > 24) ? pixels : null;
  `);

/** How much of a strip's meter is lit, in pixels. */
const level = (name) =>
  session.run(
    `
    const meter = document.querySelector('[aria-label="' + arguments[0] + ', sound"] canvas');
    if (!meter?.width) return 0;
    const { data } = meter.getContext('2d').getImageData(0, 0, meter.width, meter.height);
    return data.filter((value, i) => i % 4 === 3 && value > 250).length;
  `,
    name,
  );

const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

const shoot = async (name) => writeFile(join(shots, `${name}.png`), await session.screenshot());

test('it opens on the demo', { skip }, async () => {
  await session.element(GO_LIVE, 60_000);
  for (const title of ['Scenes', 'Sources', 'Mixer', 'Chat', 'Destinations']) {
    await session.element(dock(title));
  }
  for (const name of ['Welcome', 'Test signal', 'Starting soon', 'Camera']) {
    await session.element(scene(name));
  }
  const snapshot = await ask('snapshot');
  assert.equal(snapshot.collection.name, 'Demo');
  assert.equal(snapshot.on_air, null);
});

test('its page stays within the content security policy', { skip }, async () => {
  const refused = await session.run(`
    return new Promise((resolve) => {
      addEventListener('securitypolicyviolation', (e) => resolve(e.violatedDirective), { once: true });
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.head.append(script);
      setTimeout(() => resolve('nothing was refused'), 5000);
    });
  `);
  assert.match(refused, /script-src|default-src/);
  assert.equal(await session.run('return window.injected === undefined'), true);
});

test('the program moves, and so do its levels', { skip }, async () => {
  const first = await eventually('a picture', picture, 60_000);
  await eventually('another picture', async () => {
    const now = await picture();
    return now && difference(first, now) > 0.5;
  });
  const snapshot = await eventually('the loop runs', async () => {
    const now = await ask('snapshot');
    return now.sources.find((s) => s.id === 'loop')?.state === 'running' && now;
  });
  assert.ok(snapshot.stats.frames > 0);
  const before = await eventually('a level', () => level('Studio loop'));
  await eventually('another level', async () => (await level('Studio loop')) !== before);
  await shoot('welcome');
});

test('a scene is switched', { skip }, async () => {
  const welcome = await eventually('a picture', picture);
  await session.click(scene('Test signal'));
  await eventually('the test signal on the program', async () => (await ask('snapshot')).collection.current === 'test');
  await eventually('another picture', async () => {
    const now = await picture();
    return now && difference(welcome, now) > 25;
  });
  assert.equal(await session.attribute(scene('Test signal'), 'aria-current'), 'true');
  await shoot('test-signal');
});

test('a strip is muted and heard again', { skip }, async () => {
  const muted = async () => {
    const { collection } = await ask('snapshot');
    return collection.sources.find((s) => s.id === 'bars').audio.muted;
  };
  await session.click(mute('Test signal'));
  await eventually('it is muted', muted);
  await eventually('silence on its meter', async () => (await level('Test signal')) === 0);
  assert.equal(await session.attribute(mute('Test signal'), 'aria-pressed'), 'true');
  await session.click(mute('Test signal'));
  await eventually('it is heard', async () => !(await muted()));
  await eventually('a level', () => level('Test signal'));
});

/** Whether the station says that the program is live. */
const live = async (http) => {
  const channels = await (await fetch(`${http}/api/channels`)).json();
  return channels.some((c) => c.name === 'program' && c.state === 'live');
};

test('the broadcast begins, is seen on the network, and ends', { skip }, async () => {
  const { http } = await ask('endpoints');
  assert.equal(await live(http), false);
  await session.click(scene('Welcome'));
  await session.click(GO_LIVE);
  await session.element(END);
  await eventually('the program on the station', () => live(http));
  await eventually('a playlist', async () => (await fetch(`${http}/hls/program/index.m3u8`)).ok);
  await eventually('figures of the encoder', async () => (await ask('snapshot')).stats.encode_ms > 0);
  await shoot('on-air');

  await session.click(END);
  await session.click("//dialog//button[normalize-space()='End broadcast']");
  await session.element(GO_LIVE);
  await eventually('the end on the station', async () => !(await live(http)));
});

test('closing on air asks first, and ends cleanly when told to', { skip }, async () => {
  const { http } = await ask('endpoints');
  await session.click(GO_LIVE);
  await eventually('the program on the station', () => live(http));
  const window = await eventually('the window', () => x11.window('Klieg'));
  const asked = () => x11.window('End the broadcast?');

  await x11.close(window);
  const question = await eventually('a question', asked);
  await x11.key(question, 'Escape');
  await eventually('the question goes', async () => !(await asked()));
  assert.equal(await live(http), true, 'still on air');

  await x11.close(window);
  const again = await eventually('a question', asked);
  await x11.key(again, 'Return');
  await eventually('the program has left', async () => {
    const answers = await fetch(`${http}/healthz`).then(() => true, () => false);
    return !answers && !(await x11.window('Klieg'));
  });
  ended = true;
});
