import type { Page, Route } from '@playwright/test';
import { clean } from './axe.ts';
import { expect, test } from './klieg.ts';
import { advances, counter, keepPeers, listen, plays } from './picture.ts';

/** A picture of it, on a desk and on a phone; and axe has nothing to say. */
async function look(page: Page, name: string): Promise<void> {
  for (const [width, height] of [[1280, 800], [360, 740]] as const) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: test.info().outputPath(`${name}-${width}.png`) });
    await clean(page);
  }
}

const framesDecoded = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const { peers } = window as unknown as { peers: RTCPeerConnection[] };
    let frames = 0;
    for (const peer of peers) {
      for (const entry of (await peer.getStats()).values()) {
        if (entry.type === 'inbound-rtp' && entry.kind === 'video') frames += entry.framesDecoded ?? 0;
      }
    }
    return frames;
  });

test('over WHEP: the picture moves, its counter goes on, the sound has its level', async ({ page, klieg }, info) => {
  await klieg.testSignal();
  await keepPeers(page);
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');

  const first = await framesDecoded(page);
  await expect.poll(() => framesDecoded(page)).toBeGreaterThan(first + 30);
  await advances(page, 30);
  await expect(page.locator('.badge.live')).toHaveText('LIVE');
  await expect(page.locator('.delay')).toHaveText(/\d (ms|s) behind · WebRTC/);

  await page.getByRole('button', { name: 'Tap for sound' }).click();
  await expect(page.getByRole('button', { name: 'Tap for sound' })).toHaveCount(0);
  const sound = await listen(page, 2);
  // The test signal's tone peaks at −20 dBFS; its fader stands at −6 dB in the demo.
  expect(sound.frequency).toBeGreaterThan(970);
  expect(sound.frequency).toBeLessThan(1030);
  expect(Math.abs(sound.peak + 26), `${sound.peak.toFixed(2)} dBFS`).toBeLessThan(1.5);

  const ms = await page.locator('video').getAttribute('data-first-picture-ms');
  info.annotations.push({ type: 'POST to first picture', description: `${ms} ms` });
  console.log(`POST to first picture: ${ms} ms; tone ${sound.peak.toFixed(2)} dBFS at ${sound.frequency.toFixed(0)} Hz`);
});

test('a viewer is counted, and is gone when the page is left', async ({ page, klieg }) => {
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  const viewers = async (): Promise<number | undefined> => (await klieg.channels())[0]?.viewers.whep;
  await expect.poll(viewers).toBe(1);
  await expect(page.locator('.facts')).toContainText('1 watching');
  const list = await page.context().newPage();
  await list.goto(klieg.http);
  await expect(list.getByRole('link', { name: /^LIVE/ })).toContainText('1 watching');
  await list.close();
  const bye = page.waitForRequest((request) => request.method() === 'DELETE' && request.url().includes('/program/whep/'));
  await page.getByRole('link', { name: 'Klieg, who is live' }).click();
  expect((await (await bye).response())?.status()).toBe(200);
  await expect.poll(viewers).toBe(0);
  await page.goBack();
  await plays(page, 'webrtc');
  await expect.poll(viewers).toBe(1);
  await page.close();
  await expect.poll(viewers).toBe(0);
});

/** Neither side hears of an address at which the other can be reached: as behind a wall. */
async function behindAWall(route: Route): Promise<void> {
  const offer = route.request().postData() ?? '';
  const answer = await route.fetch({ postData: offer.replaceAll(/a=candidate:.*\r\n/g, '') });
  const body = (await answer.text()).replaceAll(/(a=candidate:\S+ \d+ \S+ \d+ \S+ )\d+/g, '$19');
  await route.fulfill({ response: answer, body });
}

test('where UDP is blocked it plays over HLS, and the page says why', async ({ page, klieg }) => {
  await klieg.testSignal();
  await page.route('**/program/whep', behindAWall);
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'hls');
  await expect(page.locator('.notice')).toContainText('UDP seems to be blocked');
  await expect(page.locator('.notice')).toContainText('HLS');
  await expect(page.locator('.delay')).toContainText('behind · HLS');
  await advances(page, 60);
});

test('once UDP gets through again it leaves HLS by itself', async ({ page, klieg }) => {
  await klieg.testSignal();
  let blocked = true;
  await page.route('**/program/whep', async (route) => {
    if (!blocked) return route.continue();
    return behindAWall(route);
  });
  await page.clock.install();
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'hls');
  blocked = false;
  await page.clock.fastForward(61_000);
  await plays(page, 'webrtc');
  await expect(page.locator('.notice')).toHaveCount(0);
  await advances(page, 30);
});

test('without H.264 in WebRTC it plays over HLS, and the page says so', async ({ page, klieg }) => {
  await klieg.testSignal();
  await page.addInitScript(() => {
    const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
    RTCRtpReceiver.getCapabilities = (kind) => {
      const found = all(kind);
      return found && { ...found, codecs: found.codecs.filter((codec) => codec.mimeType !== 'video/H264') };
    };
  });
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'hls');
  await expect(page.locator('.notice')).toContainText('no H.264');
  await advances(page, 30);
});

test('a refused WHEP request falls to HLS with the reason, and WebRTC can be tried again', async ({ page, klieg }) => {
  await page.route('**/program/whep', (route) => route.fulfill({ status: 503, body: 'full' }));
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'hls');
  await expect(page.locator('.notice')).toContainText('503');
  await page.unroute('**/program/whep');
  await page.getByRole('button', { name: 'Try WebRTC again' }).click();
  await plays(page, 'webrtc');
  await expect(page.locator('.notice')).toHaveCount(0);
});

test('?transport=hls plays over HLS with sound, without an excuse', async ({ page, klieg }) => {
  await klieg.testSignal();
  // The player stays close behind: it loads parts of segments as they come.
  const parts: string[] = [];
  page.on('requestfinished', (request) => {
    if (/-\d+\.\d+\.m4s$/.test(request.url())) parts.push(request.url());
  });
  await page.goto(`${klieg.http}/watch/program?transport=hls`);
  await plays(page, 'hls');
  await expect(page.locator('.notice')).toHaveCount(0);
  await advances(page, 30);
  await page.getByRole('button', { name: 'Tap for sound' }).click();
  const sound = await listen(page, 2);
  expect(sound.frequency).toBeGreaterThan(970);
  expect(sound.frequency).toBeLessThan(1030);
  expect(Math.abs(sound.peak + 26), `${sound.peak.toFixed(2)} dBFS`).toBeLessThan(2);
  await expect.poll(() => parts.length).toBeGreaterThan(5);
});

test('the page comes back by itself after Klieg was started again', async ({ page, klieg, running }) => {
  await klieg.testSignal();
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  running.klieg = await klieg.restart({ onAir: true });
  await expect(page.locator('.player')).not.toHaveAttribute('data-phase', 'playing');
  await plays(page, 'webrtc');
  await advances(page, 15);
});

test('a page that is on HLS because UDP is blocked comes back by itself, too', async ({ page, klieg, running }) => {
  await klieg.testSignal();
  // While the station is away there is nobody to ask.
  await page.route('**/program/whep', (route) => behindAWall(route).catch(() => route.abort().catch(() => undefined)));
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'hls');
  await advances(page, 15);
  const loaded: string[] = [];
  page.on('framenavigated', (frame) => loaded.push(frame.url()));
  running.klieg = await klieg.restart({ onAir: true });
  // What was loaded of the old program may play on for some seconds: only the new one can be switched.
  await running.klieg.command({ command: 'edit', edit: { edit: 'switch_scene', id: 'welcome' } });
  await expect.poll(() => counter(page), { message: 'another scene is seen', timeout: 45_000 }).toBeNull();
  await plays(page, 'hls');
  await running.klieg.testSignal();
  await expect.poll(() => counter(page), { timeout: 30_000 }).not.toBeNull();
  await advances(page, 15);
  expect(loaded, 'the page was not loaded again').toEqual([]);
  await expect(page.locator('.notice')).toContainText('HLS');
});

test('the statistics say what arrives', async ({ page, klieg }) => {
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  await page.getByRole('button', { name: 'Statistics' }).click();
  const stats = page.getByRole('region', { name: 'Statistics' });
  await expect(stats).toContainText('WebRTC');
  await expect(stats).toContainText('1280×720');
  await expect(stats).toContainText(/kbps|Mbps/);
  await expect(stats).toContainText(/First picture after\s*\d/);
});

test('volume, full screen and the small window do what they say', async ({ page, klieg }) => {
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  const video = page.locator('video');
  const volume = (): Promise<[number, boolean]> => video.evaluate((v: HTMLVideoElement) => [v.volume, v.muted]);
  expect(await volume()).toEqual([1, true]);
  await page.getByRole('slider', { name: 'Volume' }).fill('0.4');
  await expect.poll(volume).toEqual([0.4, false]);
  await page.getByRole('button', { name: 'Sound off' }).click();
  await expect.poll(volume).toEqual([0.4, true]);
  await page.keyboard.press('m');
  await expect.poll(volume).toEqual([0.4, false]);

  const full = (): Promise<string | null> => page.evaluate(() => document.fullscreenElement?.className.split(' ')[0] ?? null);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await expect.poll(full).toBe('player');
  await page.getByRole('button', { name: 'Leave full screen' }).click();
  await expect.poll(full).toBeNull();

  const small = (): Promise<boolean> => page.evaluate(() => document.pictureInPictureElement !== null);
  await page.getByRole('button', { name: 'Picture in picture' }).click();
  await expect.poll(small).toBe(true);
  await page.getByRole('button', { name: 'Picture in picture' }).click();
  await expect.poll(small).toBe(false);

  await page.reload();
  await plays(page, 'webrtc');
  await expect.poll(volume).toEqual([0.4, true]);
});

test.describe('in the language that says it longest', () => {
  test.use({ locale: 'fr-FR' });

  test('every button of the player lies inside it, on a phone upright and on its side, live and gone back', async ({ page, klieg }) => {
    await page.goto(`${klieg.http}/watch/program?transport=hls`);
    await plays(page, 'hls');
    const player = page.locator('.player');
    const inside = async (name: string): Promise<void> => {
      for (const [width, height] of [[360, 740], [740, 360], [1280, 720], [320, 568]] as const) {
        await page.setViewportSize({ width, height });
        await page.screenshot({ path: test.info().outputPath(`${name}-${width}.png`) });
        const outside = await player.evaluate((box) => {
          const around = box.getBoundingClientRect();
          const parts = [...box.querySelectorAll('.bar button, .bar input')].map((one) => ({ label: one.getAttribute('aria-label') ?? one.textContent?.trim(), at: one.getBoundingClientRect() }));
          const shown = parts.filter(({ at }) => at.width > 0);
          return shown.filter(({ at }) => at.left < around.left || at.right > around.right || at.top < around.top || at.bottom > around.bottom).map(({ label }) => label);
        });
        expect(outside, `${name} at ${width}×${height}`).toEqual([]);
        await expect(page.getByRole('button', { name: 'Plein écran' })).toBeInViewport({ ratio: 1 });
      }
    };
    await expect(page.locator('.golive')).toBeVisible();
    await inside('live');
    const back = page.getByRole('button', { name: /30 secondes/ });
    await expect(back).toBeVisible({ timeout: 40_000 });
    await back.click();
    await expect(page.locator('.seek')).toBeVisible({ timeout: 30_000 });
    await inside('back');
  });
});

test('after a change of network a dead session is joined anew, and a living one left alone', async ({ page, klieg }) => {
  await keepPeers(page);
  await page.goto(`${klieg.http}/watch/program`);
  await plays(page, 'webrtc');
  const peers = (): Promise<number> => page.evaluate(() => (window as unknown as { peers: RTCPeerConnection[] }).peers.length);
  const online = (): Promise<unknown> => page.evaluate(() => dispatchEvent(new Event('online')));
  await online();
  const first = await framesDecoded(page);
  await expect.poll(() => framesDecoded(page)).toBeGreaterThan(first + 90);
  expect(await peers()).toBe(1);

  // The same after sleep.
  const awake = (): Promise<unknown> => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await awake();

  // Nothing arrives any more, and the connection does not know.
  await page.evaluate(() => {
    const [peer] = (window as unknown as { peers: RTCPeerConnection[] }).peers;
    const frozen = peer!.getStats();
    peer!.getStats = () => frozen;
  });
  await online();
  await expect.poll(peers).toBe(2);
  await plays(page, 'webrtc');

  await page.evaluate(() => {
    const peer = (window as unknown as { peers: RTCPeerConnection[] }).peers.at(-1);
    const frozen = peer!.getStats();
    peer!.getStats = () => frozen;
  });
  await awake();
  await expect.poll(peers).toBe(3);
  await plays(page, 'webrtc');
});

test.describe('before the broadcast', () => {
  test.use({ onAir: false });

  test('the page waits, plays when it begins, and waits again when it ends', async ({ page, klieg }) => {
    await page.goto(`${klieg.http}/watch/program`);
    await expect(page.getByText('Not live yet', { exact: true })).toBeVisible();
    await klieg.testSignal();
    await klieg.command({ command: 'go_live' });
    await plays(page, 'webrtc');
    await expect.poll(() => counter(page)).not.toBeNull();
    await klieg.command({ command: 'end_broadcast' });
    await expect(page.locator('.player')).toHaveAttribute('data-phase', 'waiting', { timeout: 30_000 });
    // Who watched it knows that it was live.
    const cover = page.locator('.cover');
    await expect(cover).toContainText('The broadcast has ended');
    await expect(page.locator('.about')).toContainText('has ended');
    await expect(page.getByText('Not live yet')).toHaveCount(0);
    await expect(cover.getByRole('link', { name: 'Past shows' })).toHaveAttribute('href', '/u/program');
    await look(page, 'ended');
    await cover.getByRole('link', { name: 'See who is live' }).click();
    await expect(page.getByRole('heading', { name: 'Nobody is live yet' })).toBeVisible();
  });

  test('over HLS it waits again when the broadcast ends, too, and plays the next one', async ({ page, klieg }) => {
    await klieg.testSignal();
    await klieg.command({ command: 'go_live' });
    await page.goto(`${klieg.http}/watch/program?transport=hls`);
    await plays(page, 'hls');
    await advances(page, 15);
    await klieg.command({ command: 'end_broadcast' });
    await expect(page.locator('.player')).toHaveAttribute('data-phase', 'waiting', { timeout: 45_000 });
    await klieg.command({ command: 'go_live' });
    await plays(page, 'hls');
    await advances(page, 15);
  });

  test('the front page teaches while nobody is live, and shows who is as it changes', async ({ page, klieg }) => {
    await page.goto(klieg.http);
    await expect(page.getByRole('heading', { name: 'Nobody is live yet' })).toBeVisible();
    await klieg.command({ command: 'set_title', title: 'Sunday <b>Show</b>' });
    await klieg.command({ command: 'go_live' });
    const card = page.getByRole('link', { name: 'Sunday <b>Show</b>' });
    await expect(card).toContainText('live for less than a minute');
    await expect(card.locator('img')).toBeVisible();
    await expect(page.getByText('1 live now')).toBeVisible();
    await card.click();
    await expect(page).toHaveURL(/\/watch\/program$/);
    await plays(page, 'webrtc');
    await klieg.command({ command: 'end_broadcast' });
    await page.goBack();
    await expect(page.getByRole('heading', { name: 'Nobody is live yet' })).toBeVisible();
  });
});
