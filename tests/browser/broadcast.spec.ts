/** Going live from a page, with Chromium's own camera and microphone: a turning wheel and a beep each second. */
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { moves, plays } from './picture.ts';
import { chromium, flags } from './playwright.config.ts';

/** Of four cameras the second and third give formats that no encoder takes. */
const devices = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=4'];

test.use({
  launchOptions: { executablePath: chromium, args: [...flags, ...devices] },
  permissions: ['camera', 'microphone'],
  viewport: { width: 1440, height: 900 },
  onAir: false,
});

const field = (page: Page) => page.getByRole('textbox', { name: 'Name of your channel' });
const startButton = (page: Page) => page.getByRole('button', { name: 'Start the broadcast' });

async function prepare(page: Page, klieg: Klieg, name: string, query = ''): Promise<void> {
  await page.goto(`${klieg.http}/broadcast${query}`);
  await expect(page.locator('.preview video')).toBeVisible();
  await field(page).fill(name);
}

async function start(page: Page): Promise<void> {
  await startButton(page).click();
  await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live', { timeout: 30_000 });
}

async function stop(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'End the broadcast' }).click();
  await expect(startButton(page)).toBeVisible();
}

const names = async (klieg: Klieg): Promise<string[]> =>
  (await klieg.channels()).filter((channel) => channel.state === 'live').map((channel) => channel.name);

/** Waits for a sample louder than this, in dBFS. */
async function sounds(page: Page, level: number): Promise<void> {
  const loudest = await page.evaluate(async (wanted) => {
    const video = document.querySelector('video')!;
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 4096 });
    context.createMediaStreamSource(video.srcObject as MediaStream).connect(analyser);
    const samples = new Float32Array(4096);
    let found = -100;
    while (found < wanted && context.currentTime < 15) {
      await new Promise(requestAnimationFrame);
      analyser.getFloatTimeDomainData(samples);
      found = Math.max(found, 20 * Math.log10(Math.max(1e-5, ...samples.map(Math.abs))));
    }
    await context.close();
    return found;
  }, level);
  expect(loudest).toBeGreaterThan(level);
}

test.describe('on a station that is open', () => {
  test.use({ settings: ['ingest.policy=open'] });

  test('a camera is published, watched elsewhere with picture and sound, and gone after Stop', async ({ page, context, klieg }) => {
    await prepare(page, klieg, 'garden');
    await expect(page.getByRole('meter', { name: 'Sound level' })).toBeVisible();
    await clean(page);
    await start(page);
    await expect.poll(() => names(klieg)).toEqual(['garden']);

    const viewer = await context.newPage();
    await viewer.goto(klieg.http);
    await viewer.getByRole('link', { name: /^LIVE garden/ }).click();
    await plays(viewer, 'webrtc');
    await moves(viewer, 5);
    await sounds(viewer, -40);

    await expect(page.locator('.screen .badges')).toContainText('1 watching');
    await expect(page.getByText(/\d kbps|\d Mbps/)).toBeVisible();
    await expect(page.getByText(/\d+×\d+, \d+ fps/)).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Link of the channel' })).toHaveValue(`${klieg.http}/watch/garden`);
    await expect(page.getByRole('img', { name: 'QR code of the link' })).toBeVisible();
    await viewer.getByRole('textbox', { name: 'Your name in the chat' }).fill('maria');
    await viewer.getByRole('button', { name: 'Use this name' }).click();
    await viewer.getByRole('textbox', { name: 'Your message' }).fill('I see you');
    await viewer.getByRole('button', { name: 'Send' }).click();
    await expect(page.getByRole('log', { name: 'Chat messages' })).toContainText('maria I see you');
    await clean(page);

    const bye = page.waitForRequest((request) => request.method() === 'DELETE' && request.url().includes('/garden/whip/'));
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect(page.getByRole('dialog')).toContainText('1 person is watching garden');
    await clean(page);
    await page.getByRole('button', { name: 'End the broadcast' }).click();
    expect((await (await bye).response())?.status()).toBe(200);
    await expect.poll(() => names(klieg)).toEqual([]);
    await expect(viewer.locator('.player')).toHaveAttribute('data-phase', 'waiting');
    await expect(startButton(page)).toBeVisible();
    await start(page);
    await plays(viewer, 'webrtc');
  });

  test('mute, hide and another camera need no new session', async ({ page, context, klieg }) => {
    let posts = 0;
    page.on('request', (request) => (posts += request.method() === 'POST' && request.url().endsWith('/whip') ? 1 : 0));
    await prepare(page, klieg, 'garden');
    await start(page);
    const viewer = await context.newPage();
    await viewer.goto(`${klieg.http}/watch/garden`);
    await plays(viewer, 'webrtc');
    await moves(viewer, 3);

    const camera = page.getByRole('combobox', { name: 'Camera' });
    await camera.selectOption('fake_device_3');
    await expect(camera).toBeEnabled();
    await moves(viewer, 5);
    await page.getByRole('button', { name: 'Switch' }).click();
    await expect(camera.locator('option:checked')).toHaveText('fake_device_0');
    await moves(viewer, 5);
    await page.getByRole('button', { name: 'Mute' }).click();
    await expect(page.getByRole('button', { name: 'Sound off' })).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByRole('meter')).toHaveAttribute('aria-valuetext', 'silent');
    await page.getByRole('button', { name: 'Sound off' }).click();
    await sounds(viewer, -40);
    await page.getByRole('button', { name: 'Hide' }).click();
    await expect(page.getByText('Your picture is hidden')).toBeVisible();
    await page.getByRole('button', { name: 'Picture off' }).click();
    await moves(viewer, 5);
    expect(posts).toBe(1);
  });

  test('who looks around stays on air; who leaves the page does not', async ({ page, klieg }) => {
    await prepare(page, klieg, 'garden');
    await start(page);
    await page.getByRole('link', { name: 'Watch', exact: true }).click();
    await expect(page.getByRole('link', { name: 'Broadcast ON AIR' })).toBeVisible();
    await page.getByRole('link', { name: /^LIVE garden/ }).click();
    await plays(page, 'webrtc');
    expect(await names(klieg)).toEqual(['garden']);
    await page.getByRole('link', { name: 'Broadcast ON AIR' }).click();
    await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live');
    await page.close();
    await expect.poll(() => names(klieg)).toEqual([]);
  });

  test('a name that is live already is refused in the words of the station', async ({ page, context, klieg }) => {
    await prepare(page, klieg, 'garden');
    await start(page);
    const other = await context.newPage();
    await prepare(other, klieg, 'garden');
    await startButton(other).click();
    await expect(other.getByRole('alert')).toContainText('garden');
    await expect(field(other)).toBeFocused();
    await field(other).fill('kitchen');
    await start(other);
    await expect.poll(() => names(klieg)).toEqual(['garden', 'kitchen']);
  });

  test('it comes back by itself after Klieg was started again', async ({ page, klieg, running }) => {
    await prepare(page, klieg, 'garden');
    await start(page);
    running.klieg = await klieg.restart({ onAir: false, settings: ['ingest.policy=open'] });
    await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live', { timeout: 30_000 });
    await expect.poll(() => names(running.klieg)).toEqual(['garden']);
  });

  test('what the host ended stays ended, and the page says who ended it', async ({ page, context, klieg }) => {
    let posts = 0;
    page.on('request', (request) => (posts += request.method() === 'POST' && request.url().endsWith('/whip') ? 1 : 0));
    await prepare(page, klieg, 'garden');
    await start(page);
    const studio = await context.newPage();
    await studio.goto(klieg.studio);
    await studio.getByRole('button', { name: 'End garden' }).click();
    await studio.getByRole('button', { name: 'End this channel' }).click();
    await expect(page.getByRole('alert')).toContainText('The host ended this broadcast.');
    await expect(startButton(page)).toBeVisible();
    // The connection is as good as it was.
    await expect(page.getByRole('link', { name: 'Examine the connection' })).toHaveCount(0);
    // Asked once more, and answered; not again.
    expect(posts).toBe(2);
    expect(await names(klieg)).toEqual([]);
    await clean(page);
  });

  test('held for the host, it says so until the channel is live', async ({ page, klieg }) => {
    let agreed = false;
    await page.route('**/garden/whip', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'klieg-held': 'true' } });
    });
    await page.route('**/api/channels/garden', (route) => (agreed ? route.continue() : route.fulfill({ status: 404, body: '{}' })));
    await prepare(page, klieg, 'garden');
    await startButton(page).click();
    await expect(page.getByText('Waiting for the host…')).toBeVisible();
    await expect(page.locator('.badge', { hasText: 'Not on air' })).toBeVisible();
    await clean(page);
    // What is read out changes within one line, which is there all the while.
    const told = await page.getByRole('status').filter({ hasText: 'Waiting for the host…' }).elementHandle();
    agreed = true;
    await expect(page.locator('.badge.live')).toHaveText('ON AIR');
    expect(await told?.textContent()).toContain('You are on air.');
    await clean(page);
    await stop(page);
    await expect(page.getByRole('status').filter({ hasText: 'You are not on air any more.' })).toHaveCount(1);
    await start(page);
    await expect(page.getByRole('status').filter({ hasText: 'any more' })).toHaveCount(0);
  });

  test('where WebRTC cannot connect it goes on over a WebSocket, and says so', async ({ page, context, klieg }) => {
    await page.route('**/garden/whip', async (route) => {
      const offer = route.request().postData() ?? '';
      const answer = await route.fetch({ postData: offer.replaceAll(/a=candidate:.*\r\n/g, '') });
      const body = (await answer.text()).replaceAll(/(a=candidate:\S+ \d+ \S+ \d+ \S+ )\d+/g, '$19');
      await route.fulfill({ response: answer, body });
    });
    const slices: Buffer[] = [];
    let address = '';
    await page.routeWebSocket('**/ws?*', (socket) => {
      address = socket.url();
      const station = socket.connectToServer();
      socket.onMessage((message) => {
        slices.push(Buffer.from(message));
        station.send(message);
      });
    });
    await prepare(page, klieg, 'garden', '?key=secret');
    await start(page);
    await expect(page.locator('.screen')).toHaveAttribute('data-transport', 'websocket');
    await expect(page.getByText(/UDP seems to be blocked.*WebSocket/)).toBeVisible();
    await expect.poll(() => slices.length).toBeGreaterThan(2);
    expect(new URL(address).search).toBe('?streamKey=garden&token=secret');
    expect(slices[0]?.subarray(4, 8).toString()).toBe('ftyp');
    const viewer = await context.newPage();
    await viewer.goto(`${klieg.http}/watch/garden`);
    await plays(viewer, 'webrtc');
    await moves(viewer, 5);
    await viewer.goto(`${klieg.http}/watch/garden?transport=hls`);
    await plays(viewer, 'hls');
    await moves(viewer, 5);
    await stop(page);
  });

  test('without a secure connection the page says why, and a file goes on air all the same', async ({ page, context, klieg, folder }) => {
    await page.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }));
    await page.goto(`${klieg.http}/broadcast`);
    await expect(page.getByRole('heading', { name: 'Camera and screen need a secure connection' })).toBeVisible();
    await expect(page.getByRole('link', { name: /HTTPS/ })).toHaveAttribute('href', '/trust');
    await expect(page.getByRole('radio', { name: 'Camera' })).toBeDisabled();
    await clean(page);
    await page.locator('.preview input[type=file]').setInputFiles(join(folder, 'demo/loop.mp4'));
    await expect(page.locator('.preview video')).toBeVisible();
    await field(page).fill('film');
    await start(page);
    const viewer = await context.newPage();
    await viewer.goto(`${klieg.http}/watch/film`);
    await plays(viewer, 'webrtc');
    await moves(viewer, 5);
  });

  test('on a phone everything is within reach', async ({ page, klieg }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await prepare(page, klieg, 'phone');
    await clean(page);
    const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBeLessThanOrEqual(360);
    await start(page);
    await expect(page.getByRole('button', { name: 'Stop' })).toBeInViewport();
    await clean(page);
    expect(await width()).toBeLessThanOrEqual(360);
    await stop(page);
  });
});

test('without a key the page is refused in words, asks for one, and does not try again by itself', async ({ page, klieg }) => {
  let posts = 0;
  page.on('request', (request) => (posts += request.method() === 'POST' && request.url().endsWith('/whip') ? 1 : 0));
  await prepare(page, klieg, 'garden');
  await expect(page.getByLabel('Key', { exact: true })).toHaveCount(0);
  await startButton(page).click();
  await expect(page.getByRole('alert')).toContainText(/key/);
  await expect(page.getByLabel('Key', { exact: true })).toBeFocused();
  // It is not the connection: nothing that the doctor could find.
  await expect(page.getByRole('link', { name: 'Examine the connection' })).toHaveCount(0);
  await clean(page);
  expect(posts).toBe(1);
  const sent = page.waitForRequest('**/garden/whip');
  await page.getByLabel('Key', { exact: true }).fill('wrong');
  await startButton(page).click();
  expect((await sent).headers()['authorization']).toBe('Bearer wrong');
  await expect(page.getByRole('alert')).toContainText(/key/);
  expect(await names(klieg)).toEqual([]);
});

test('names, and the ways to the page', async ({ page, klieg }) => {
  await page.goto(`${klieg.http}/?broadcaster=true`);
  await expect(page.getByRole('link', { name: 'Broadcast' })).toHaveAttribute('aria-current', 'page');
  await page.getByRole('link', { name: 'Watch', exact: true }).click();
  await page.getByRole('link', { name: 'Broadcast from here' }).click();
  await expect(page.locator('.preview video')).toBeVisible();
  await field(page).fill('Ana’s phone');
  await startButton(page).click();
  await expect(page.getByRole('alert')).toContainText('“Anas-phone” would do');
  await expect(field(page)).toBeFocused();
  await field(page).fill('program');
  await expect(page.getByRole('alert')).toContainText('studio’s own');
  await page.getByRole('combobox', { name: 'Picture' }).selectOption('360p');
  await expect(page.getByRole('spinbutton', { name: 'Bitrate, kbps' })).toHaveValue('800');
  await page.reload();
  await expect(page.getByRole('combobox', { name: 'Picture' })).toHaveValue('360p');
});

test('encoders are told where this station takes them, and nothing that it does not', async ({ page, klieg }) => {
  let told: { rtmp_port: number | null; policy: string } | null = null;
  await page.route('**/api/ingest', (route) => (told ? route.fulfill({ json: told }) : route.fulfill({ status: 503, body: '' })));
  const rows = page.locator('details dt');
  const show = async (): Promise<void> => {
    await page.goto(`${klieg.http}/broadcast?channel=stage`);
    const answered = page.waitForResponse('**/api/ingest');
    await page.getByText('With OBS or another encoder').click();
    await answered;
  };
  await show();
  await expect(rows).toHaveText(['By WHIP', 'Bearer token']);
  told = { rtmp_port: 1936, policy: 'keyed' };
  await show();
  await expect(rows).toHaveText(['Service', 'Server', 'Stream key', 'Or by WHIP', 'Bearer token']);
  const cells = page.locator('details dd');
  await expect(cells.nth(1)).toHaveText('rtmp://127.0.0.1:1936/live');
  await expect(cells.nth(2)).toHaveText('stage?key=SECRET, with the secret that the host gave you');
  await expect(cells.nth(4)).toHaveText('SECRET, the secret that the host gave you');
  await page.screenshot({ path: test.info().outputPath('encoders-1280.png') });
  await clean(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await cells.last().scrollIntoViewIfNeeded();
  await page.screenshot({ path: test.info().outputPath('encoders-360.png') });
  await clean(page);
  told = { rtmp_port: null, policy: 'open' };
  await show();
  await expect(page.getByText('This station takes no RTMP.')).toBeVisible();
  await expect(rows).toHaveText(['By WHIP', 'Bearer token']);
  await expect(cells.last()).toContainText('where anyone may publish, none');
  await clean(page);
});

test('the key of a link leaves the address at once, and is there after a reload', async ({ page, klieg }) => {
  await klieg.command({ command: 'create_link', link: { kind: 'publish', name: 'Back camera', channel: 'back' } });
  const secret = (await klieg.snapshot()).access[0]?.secret ?? '';
  await page.goto(`${klieg.http}/broadcast?channel=back&key=${secret}`);
  await expect(page).toHaveURL(`${klieg.http}/broadcast?channel=back`);
  await expect(field(page)).toHaveValue('back');
  await page.reload();
  await expect(page.locator('.preview video')).toBeVisible();
  await expect(page.getByLabel('Key', { exact: true })).toHaveCount(0);
  await start(page);
  await expect.poll(() => names(klieg)).toEqual(['back']);
  await stop(page);
  await expect(page.getByLabel('Key', { exact: true })).toHaveCount(0);
});

test('a guest is told that they are one before they start, and under which name', async ({ page, klieg }) => {
  await klieg.command({ command: 'create_link', link: { kind: 'guest', name: 'Maria', channel: 'maria' } });
  const secret = (await klieg.snapshot()).access[0]?.secret ?? '';
  await page.goto(`${klieg.http}/broadcast?channel=maria&key=${secret}&guest`);
  await expect(page).toHaveURL(`${klieg.http}/broadcast?channel=maria&guest`);
  await page.reload();
  await expect(page.locator('.preview video')).toBeVisible();
  await expect(page.getByText('You come as a guest. The host sees you and lets you in.')).toBeVisible();
  const name = page.getByRole('textbox', { name: 'You come as' });
  await expect(name).toHaveValue('maria');
  await expect(name).not.toBeEditable();
  // Nobody watches there: a guest is seen in the show alone.
  await expect(page.getByText('/watch/maria')).toHaveCount(0);
  for (const [width, height] of [
    [1280, 800],
    [360, 740],
  ] as const) {
    await page.setViewportSize({ width, height });
    await name.scrollIntoViewIfNeeded();
    await page.screenshot({ path: test.info().outputPath(`guest-${width}.png`) });
    await clean(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  await startButton(page).click();
  await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'held', { timeout: 30_000 });
  // A guest whose link is for any name chooses one.
  await page.goto(`${klieg.http}/broadcast?guest`);
  await expect(page.getByRole('textbox', { name: 'You come as' })).toBeEditable();
  await expect(page.getByText('The name of your picture in the studio.')).toBeVisible();
});
