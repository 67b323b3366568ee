// How smoothly things are moved on the picture in the window, while the program is on air: printed beside the target by
// `cargo xtask bench`, asserted nowhere.
//
// KLIEG_SHELL names the program under test.

import { eventually } from './webdriver.js';
import { Window, at, reason } from './window.js';

/** Places that the pointer goes through, a screen's refresh apart. */
const PLACES = 480;

const row = (name, value, target) => console.log(`  ${name.padEnd(34)}${value.padStart(12)}  ${target}`);

/** Counts what the window draws while something is dragged: its pictures, places of the box, pictures of the program. */
const LOOK = `
  const pictures = () => Number(document.querySelector('canvas.program').dataset.frames ?? 0);
  const seen = (window.seen = { drawn: 0, places: 0, longest: 0, from: 0, till: 0, pictures: 0, ended: false });
  let before = '';
  let first = 0;
  const look = (now) => {
    if (seen.ended) return;
    const box = document.querySelector('.picture .box')?.getBoundingClientRect();
    const here = box ? box.left + ' ' + box.top : '';
    if (here !== before && before !== '') {
      if (seen.from === 0) {
        seen.from = now;
        first = pictures();
      } else {
        seen.places += 1;
        seen.longest = Math.max(seen.longest, now - seen.till);
      }
      seen.till = now;
      seen.pictures = pictures() - first;
    }
    if (seen.from > 0) seen.drawn += 1;
    before = here;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
`;

const skip = reason();
if (skip) {
  console.log(`  the window was not measured: ${skip}`);
  process.exit(0);
}
const window = await Window.desk();
try {
  await window.open();
  const { session, x11 } = window;
  await session.click("//dialog//button[normalize-space()='Look around first']");
  await window.apply({ command: 'go_live' });
  await eventually('it is on air', async () => (await window.ask('snapshot')).on_air !== null);
  await eventually('a picture', () => session.run(`return Number(document.querySelector('canvas.program')?.dataset.frames ?? 0) > 30`));
  await session.click(at.source('Logo'));
  const on = await window.picture();
  const studio = await eventually('the window', () => x11.window('Klieg'));
  await session.run(LOOK);
  // Round and round with the logo in hand: the X server moves the pointer, nobody in the page does.
  const way = Array.from({ length: PLACES }, (_, n) => on(150 + 300 * (1 - Math.cos(n / 24)), 60 + 250 * Math.abs(Math.sin(n / 48))));
  await x11.sweep(studio, way);
  const { drawn, places, longest, from, till, pictures } = await session.run('window.seen.ended = true; return window.seen;');
  const moved = (await window.ask('snapshot')).undo.past[0];
  if (!moved?.startsWith('Move item') || till <= from) throw new Error(`nothing was dragged: ${moved}`);
  const rate = (count) => `${((1000 * count) / (till - from)).toFixed(1)}/s`;
  row('dragging: places of what is dragged', rate(places), 'at least 30');
  row('… the longest wait for one', `${longest.toFixed(0)} ms`, '');
  row('… pictures of the window', rate(drawn), '');
  row('… pictures of the program in it', rate(pictures), '30');
} finally {
  await window.close();
}
