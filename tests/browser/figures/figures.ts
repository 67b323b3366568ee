/**
 * What a viewer's browser measures: printed beside the targets by `cargo xtask bench`, asserted
 * nowhere. The browser decodes on the same machine.
 */
import type { Page } from '@playwright/test';
import { test } from '../klieg.ts';
import { counter, plays } from '../picture.ts';

const VISITS = 7;
const LOOKS = 200;
const FPS = 30;

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function row(name: string, value: string, target: string): void {
  console.log(`  ${name.padEnd(34)}${value.padStart(12)}  ${target}`);
}

/** When the studio's time began, in milliseconds since 1970. */
async function epoch(http: string): Promise<number> {
  const health = (await (await fetch(`${http}/healthz`)).json()) as { epoch_ms: number };
  return health.epoch_ms;
}

/** How old the pictures are that the page presents, in ms: `[frame of the counter, when presented]`. */
async function ages(page: Page, began: number): Promise<number[]> {
  const all: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    // The callback comes as the picture is presented; the counter is then read from that picture.
    const at = await page.evaluate(
      () =>
        new Promise<number>((resolve) =>
          document
            .querySelector('video')!
            .requestVideoFrameCallback((_, about) => resolve(performance.timeOrigin + about.presentationTime)),
        ),
    );
    const number = await counter(page);
    if (number !== null) all.push(at - (began + (number * 1000) / FPS));
  }
  return all;
}

test('glass to glass, and the time to the first picture', async ({ browser, klieg }) => {
  test.setTimeout(300_000);
  await klieg.testSignal();
  const firsts: number[] = [];
  const connected: number[] = [];
  for (let visit = 0; visit < VISITS; visit += 1) {
    const page = await browser.newPage();
    await page.goto(`${klieg.http}/watch/program`);
    await plays(page, 'webrtc');
    const first = await page.locator('video').getAttribute('data-first-picture-ms');
    firsts.push(Number(first));
    connected.push(Number(await page.locator('video').getAttribute('data-connected-ms')));
    if (visit === VISITS - 1) {
      const seen = await ages(page, await epoch(klieg.http));
      row('glass to glass, median', `${median(seen).toFixed(0)} ms`, 'at most 200 ms');
      row('glass to glass, best and worst', `${Math.min(...seen).toFixed(0)}, ${Math.max(...seen).toFixed(0)} ms`, `${seen.length} pictures`);
    }
    await page.close();
  }
  // The first visit also warms the browser up.
  row('POST to connected, median', `${median(connected.slice(1)).toFixed(0)} ms`, 'at most 60 ms');
  row('POST to first picture, cold', `${firsts[0]} ms`, '');
  row('POST to first picture, median', `${median(firsts.slice(1)).toFixed(0)} ms`, 'at most 120 ms');
});

test('glass to glass over HLS', async ({ browser, klieg }) => {
  test.setTimeout(300_000);
  await klieg.testSignal();
  const page = await browser.newPage();
  await page.goto(`${klieg.http}/watch/program?transport=hls`);
  await plays(page, 'hls');
  // The player first finds its distance from the end.
  await page.waitForFunction(() => document.querySelector('video')!.currentTime > 15, undefined, { timeout: 60_000 });
  const seen = await ages(page, await epoch(klieg.http));
  row('glass to glass over HLS, median', `${median(seen).toFixed(0)} ms`, 'at most 2000 ms');
  row('… best and worst', `${Math.min(...seen).toFixed(0)}, ${Math.max(...seen).toFixed(0)} ms`, `${seen.length} pictures`);
  await page.close();
});
