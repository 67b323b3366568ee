// The window as a person meets it: it opens on the demo, the program moves, scenes switch, a strip is muted, items
// are dragged and grouped on the picture, the T-bar is pulled, the program fills a monitor, the broadcast begins,
// closing then asks first, and the next window opens where the last one was.
//
// KLIEG_SHELL names the program under test. With KLIEG_SCREENSHOTS=DIR pictures of the window go there.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Tray, reason as without } from './tray.js';
import { ALT, CONTROL, DOWN, SHIFT, eventually } from './webdriver.js';
import { Window, at, reason, root } from './window.js';

const shots = process.env.KLIEG_SCREENSHOTS ?? join(root, 'tests/desktop/actual');

const skip = reason();
if (skip) console.error(`SKIPPED desktop: ${skip}`);
const noTray = skip || without();
if (!skip && noTray) console.error(`SKIPPED desktop tray: ${noTray}`);

const { dock, scene, source, mute } = at;
const GO_LIVE = "//button[normalize-space()='Go live']";
const END = "//button[normalize-space()='End broadcast']";

/** Where the window is left. */
let left;

let window;
let session;
let x11;
let tray;

before(async () => {
  if (skip) return;
  await mkdir(shots, { recursive: true });
  window = await Window.desk();
  ({ x11 } = window);
  if (!noTray) tray = await Tray.open();
  await window.open(tray?.env);
  ({ session } = window);
});

after(async () => {
  try {
    await window?.close();
  } finally {
    await tray?.stop();
  }
});

const ask = (command) => window.ask(command);
const apply = (command) => window.apply(command);

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

test('it opens on the demo, and asks at its first start', { skip }, async () => {
  await session.element(GO_LIVE, 60_000);
  await session.element("//dialog[.//h2[normalize-space()='Welcome to Klieg']]");
  await session.click("//dialog//button[normalize-space()='Look around first']");
  await eventually('the answer is kept', async () => !(await ask('snapshot')).first_start);
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

test('a key that the system was asked for is heard', { skip }, async () => {
  const keys = (anywhere) => apply({ command: 'set_keys', keys: { own: {}, anywhere, singles: true } });
  const current = async () => (await ask('snapshot')).collection.current;
  await keys({ 'scene-1': 'Ctrl+Alt+9', 'scene-2': 'Ctrl+Alt+8' });
  // Pressed until the system has been asked for it.
  const press = (key, id) => eventually(`${id} on the program`, async () => {
    await x11.press(key);
    return (await current()) === id;
  });
  await press('ctrl+alt+9', 'welcome');
  await press('ctrl+alt+8', 'test');
  await keys({});
  const { available, refused } = await window.ask('shortcuts', { keys: { live: 'Ctrl+Nonsense' } });
  assert.equal(available, true);
  assert.match(refused.live, /does not know the key/);
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

const items = () => window.items('welcome');
const item = async (id) => (await items()).find((one) => one.id === id);
/** What was done in the document, newest first. */
const past = async () => (await ask('snapshot')).undo.past;

test('items are dragged, cropped, grouped, taken apart and put back, by the pointer and the keys', { skip }, async () => {
  await session.click(scene('Welcome'));
  await eventually('the scene on the program', async () => (await ask('snapshot')).collection.current === 'welcome');
  const [before, earlier] = [await items(), (await past()).length];
  const steps = async () => (await past()).slice(0, (await past()).length - earlier);
  const goes = async (key, times, ...held) => {
    for (let step = 0; step < times; step += 1) await session.press(key, CONTROL, ...held);
  };
  await session.click(source('Logo'));
  const on = await window.picture();
  // Its box is 220 × 56 at 40, 32: the pointer takes it in its middle.
  await session.drag(on(150, 60), on(450, 260));
  await eventually('it is moved', async () => (await item('logo')).rect.x > 300);
  const { rect } = await item('logo');
  assert.deepEqual([rect.width, rect.height], [220, 56]);
  await session.drag(on(rect.x + rect.width, rect.y + rect.height / 2), on(rect.x + rect.width * 0.75, rect.y + rect.height / 2), ALT);
  await eventually('it is cropped', async () => (await item('logo')).crop.right > 50);
  const cropped = await item('logo');
  assert.ok(Math.abs(cropped.rect.width - rect.width * 0.75) < 8, `${cropped.rect.width} of ${rect.width}`);
  assert.deepEqual([cropped.rect.x, cropped.crop.left, cropped.crop.top, cropped.crop.bottom], [rect.x, 0, 0, 0]);

  await session.click(source('Lower third'));
  await session.press(DOWN, SHIFT);
  await session.press('g', CONTROL);
  await eventually('a group', async () => (await items()).length === 4);
  const group = (await ask('snapshot')).collection.scenes.find((one) => one.group);
  assert.deepEqual(group.items.map((one) => one.id), ['bar', 'title']);
  await shoot('group');
  await session.press('g', CONTROL, SHIFT);
  await eventually('no group', async () => (await items()).length === 5);
  assert.deepEqual(await steps(), ['Ungroup items “Group”', 'Group items “Group”', 'Crop item “Logo”', 'Move item “Logo”']);

  await goes('z', 4);
  await eventually('all as it was', async () => (await steps()).length === 0);
  assert.deepEqual(await items(), before);
  await goes('z', 2, SHIFT);
  await eventually('moved and cropped again', async () => (await steps()).length === 2);
  assert.deepEqual(await item('logo'), cropped);
  await goes('z', 2);
  await eventually('all as it was', async () => (await steps()).length === 0);
});

test('the T-bar is pulled to the preview by the pointer', { skip }, async () => {
  const mode = async () => {
    const { collection, studio_mode: mode } = await ask('snapshot');
    return { program: collection.current, ...mode };
  };
  await apply({ command: 'studio_mode', on: true });
  await session.click(scene('Test signal'));
  await eventually('it is prepared', async () => (await mode()).preview === 'test');
  await session.element("//section[@aria-label='Switcher']//input[@type='range'][not(@disabled)]");
  const [left, middle, width] = await session.run(`
    const box = document.querySelector('section[aria-label="Switcher"] input[type="range"]').getBoundingClientRect();
    return [box.left, box.top + box.height / 2, box.width];
  `);
  const along = (far) => ({ x: left + far * width, y: middle });
  await session.grip(along(0.02));
  await session.carry(along(0.5));
  // The hand rests: both are seen at once, and nothing is taken.
  const half = await eventually('half of the way', async () => {
    const now = await mode();
    return now.far > 0.3 && now.far < 0.7 && now;
  });
  assert.deepEqual([half.program, half.preview], ['welcome', 'test']);
  await shoot('t-bar');
  await session.carry(along(1));
  await session.letGo();
  await eventually('it is taken', async () => (await mode()).program === 'test');
  assert.deepEqual(await mode(), { program: 'test', preview: 'welcome', far: 0 });
  await apply({ command: 'studio_mode', on: false });
  // The window learns of it a moment later; a scene that is clicked before is prepared, not switched to.
  const switcher = `return document.querySelector('section[aria-label="Switcher"]') === null`;
  await eventually('the switcher is gone', () => session.run(switcher));
  await session.click(scene('Welcome'));
  await eventually('the welcome on the program', async () => (await mode()).program === 'welcome');
});

test('the program fills a monitor, and gives it back', { skip }, async () => {
  const screen = async () => (await ask('screens'))[0];
  const { name, width, height, here, shows } = await screen();
  assert.deepEqual([width, height, here, shows], [1440, 900, true, null]);
  const on = await window.picture();
  await session.askMenu(on(150, 60));
  await session.click(at.menu('Full screen'));
  await session.click(at.menu('Program'));
  await shoot('full-screen-menu');
  await session.click(at.menu(name));
  const projector = await eventually('a projector', () => x11.window('Klieg program'));
  await eventually('it is all over', async () => isDeepStrictEqual(await x11.place(projector), { x: 0, y: 0, width, height }));
  await eventually('the program is on it', async () => {
    const quarters = await x11.quarters(projector);
    return quarters.every((one) => one > 0.14);
  });
  assert.equal((await screen()).shows, 'program');
  await x11.shoot(join(shots, 'projector.png'));
  // The same monitor shows something else: four scenes, two by two. The camera, which is not there, is the darkest.
  await window.ask('project', { screen: 0, view: 'scenes' });
  await eventually('all scenes', () => x11.window('Klieg multiview'));
  await eventually('they are on it', async () => {
    const [, signal, , camera] = await x11.quarters(projector);
    return signal > 0.25 && camera < 0.14;
  });
  await x11.shoot(join(shots, 'projector-multiview.png'));
  await x11.key(projector, 'Escape');
  await eventually('it is gone', async () => (await screen()).shows === null && !(await x11.window('Klieg multiview')));
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

test('the icon beside the clock does what the window does, while that is away', { skip: noTray }, async () => {
  const icon = await eventually('an icon', () => tray.look());
  assert.equal(icon.tip, 'Klieg: off air');
  await tray.press('Show or hide the window');
  await eventually('the window is away', async () => !(await x11.window('Klieg')));
  await tray.press('Mute', 'Studio loop');
  await eventually('it is muted', async () => (await tray.has('Mute', 'Studio loop'))?.checked);
  assert.equal((await ask('snapshot')).collection.sources.find((one) => one.id === 'loop').audio.muted, true);
  await tray.press('Mute', 'Studio loop');
  await tray.press('Record');
  await tray.press('Stop recording');
  await eventually('it is recorded', async () => (await tray.has('Record')) && (await ask('snapshot')).recordings.length === 0);
  await tray.press('Go live');
  await eventually('it is on air', async () => (await tray.look()).tip === 'Klieg: on air');
  await tray.press('End the broadcast…');
  const question = await eventually('a question', () => x11.window('End the broadcast?'));
  await x11.key(question, 'Return');
  await eventually('it is over', async () => (await tray.look()).tip === 'Klieg: off air');
  await tray.press('Show or hide the window');
  await eventually('the window is back', () => x11.window('Klieg'));
});

test('closing on air asks first, and ends cleanly when told to', { skip }, async () => {
  const { http } = await ask('endpoints');
  const studio = await eventually('the window', () => x11.window('Klieg'));
  const before = await x11.place(studio);
  await x11.arrange(studio, { x: before.x + 90, y: before.y + 40, width: 1160, height: 720 });
  left = await eventually('it is moved', async () => {
    const place = await x11.place(studio);
    return place.width === 1160 && place.height === 720 && place.x > before.x && place.y > before.y && place;
  });
  await session.click(GO_LIVE);
  await eventually('the program on the station', () => live(http));
  const asked = () => x11.window('End the broadcast?');

  await x11.close(studio);
  const question = await eventually('a question', asked);
  await x11.key(question, 'Escape');
  await eventually('the question goes', async () => !(await asked()));
  assert.equal(await live(http), true, 'still on air');

  await x11.close(studio);
  const again = await eventually('a question', asked);
  await x11.key(again, 'Return');
  await eventually('the program has left', async () => {
    const answers = await fetch(`${http}/healthz`).then(() => true, () => false);
    return !answers && !(await x11.window('Klieg'));
  });
  await window.left();
});

test('it opens where it was left', { skip }, async () => {
  await window.open(tray?.env);
  ({ session } = window);
  await session.element(GO_LIVE, 60_000);
  const studio = await eventually('the window', () => x11.window('Klieg'));
  await eventually(`its place ${JSON.stringify(left)}`, async () => isDeepStrictEqual(await x11.place(studio), left));
});

test('it opens on a display that nobody else is on', { skip }, async () => {
  const kiosk = await Window.kiosk();
  try {
    await kiosk.open();
    await kiosk.session.element(GO_LIVE, 60_000);
    assert.equal((await kiosk.ask('snapshot')).collection.name, 'Demo');
    // It is made for a larger one, and lies inside this one: nothing here could move it.
    const [width, height] = await kiosk.session.run('return [innerWidth, innerHeight]');
    assert.ok(width <= 1280 && height <= 720, `${width} × ${height} on 1280 × 720`);
  } finally {
    await kiosk.close();
  }
});
