/** Networks that lose, change and block, with Chromium at their far end. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Page } from '@playwright/test';
import { type Klieg, expect, test } from './klieg.ts';
import { plays } from './picture.ts';
import { chromium, flags } from './playwright.config.ts';
import { Relay } from './relay.ts';

const devices = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'];

test.use({
  launchOptions: { executablePath: chromium, args: [...flags, ...devices] },
  permissions: ['camera', 'microphone'],
  settings: ['ingest.policy=open'],
});

/** Keeps the connections that a page makes, and has its answers lead over a relay. */
async function over(page: Page, relay: Relay | null): Promise<void> {
  await page.addInitScript(() => {
    const made: RTCPeerConnection[] = [];
    Object.assign(window, { made });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        made.push(this);
      }
    };
  });
  if (!relay) return;
  await page.route(/\/(whep|whip)(\/|$)/, async (route) => {
    const request = route.request();
    if (request.method() !== 'POST' && request.method() !== 'PATCH') return route.continue();
    // The station must not find the way around by itself.
    const postData = (request.postData() ?? '').replaceAll(/a=candidate:.*\r\n/g, '');
    const response = await route.fetch({ postData });
    return route.fulfill({ response, body: relay.leads(await response.text()) });
  });
}

type Report = Record<string, number | string | undefined>;

/** The newest connection's report of a kind: `inbound-rtp` of `video`, say. */
const report = (page: Page, type: string, kind?: string): Promise<Report> =>
  page.evaluate(
    async ([type, kind]) => {
      const { made } = window as unknown as { made: RTCPeerConnection[] };
      const all = [...((await made.at(-1)!.getStats()) as unknown as Map<string, Report>).values()];
      const fits = all.filter((r) => r['type'] === type && (kind === undefined || r['kind'] === kind));
      // Of all paths that were tried the one that is used.
      fits.sort((a, b) => Number(b['bytesReceived'] ?? 0) - Number(a['bytesReceived'] ?? 0));
      return fits[0] ?? {};
    },
    [type, kind] as const,
  );

async function number(page: Page, type: string, kind: string | undefined, name: string): Promise<number> {
  return Number((await report(page, type, kind))[name] ?? 0);
}

async function publish(page: Page, klieg: Klieg, name: string): Promise<void> {
  await page.goto(`${klieg.http}/broadcast`);
  await expect(page.locator('.preview video')).toBeVisible();
  await page.getByRole('textbox', { name: 'Name of your channel' }).fill(name);
  await page.getByRole('button', { name: 'Start the broadcast' }).click();
  await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live', { timeout: 30_000 });
}

interface Seen {
  frames: number;
  /** Seconds in which the picture stood, beyond what Chromium takes for usual between two of them. */
  frozen: number;
  /** How often. */
  freezes: number;
}

/** What a page has been shown so far. */
async function seen(page: Page): Promise<Seen> {
  const all = await report(page, 'inbound-rtp', 'video');
  const of = (name: string): number => Number(all[name] ?? 0);
  return { frames: of('framesDecoded'), frozen: of('totalFreezesDuration'), freezes: of('freezeCount') };
}

/** What it has been shown since. */
async function shown(page: Page, before: Seen): Promise<Seen> {
  const now = await seen(page);
  return { frames: now.frames - before.frames, frozen: now.frozen - before.frozen, freezes: now.freezes - before.freezes };
}

/** How long a picture stood when it froze, in seconds. */
const each = ({ frozen, freezes }: Seen): number => (freezes > 0 ? frozen / freezes : 0);

/**
 * Where packets are lost a freeze takes less than half a second. A machine that has too much to do freezes where nothing
 * is lost as well: that part is not the loss's.
 */
function hardlyFroze(lossy: Seen, clear: Seen): void {
  console.log(`frozen ${lossy.freezes} times for ${each(lossy).toFixed(2)} s in ${lossy.frames} pictures; without loss ${clear.freezes} times for ${each(clear).toFixed(2)} s`);
  expect(each(lossy) - each(clear), 'seconds of a freeze').toBeLessThan(0.5);
}

test('a viewer on a network that loses one packet in twenty goes on, and the others see nothing of it', async ({ browser, klieg }) => {
  const relay = await Relay.before(klieg.ready.media_udp);
  const [lossy, clear] = [await browser.newPage(), await browser.newPage()];
  await over(lossy, relay);
  await over(clear, null);
  for (const page of [lossy, clear]) {
    await page.goto(`${klieg.http}/watch/program`);
    await plays(page, 'webrtc');
  }
  relay.loss = 0.05;
  const inbound = (name: string) => number(lossy, 'inbound-rtp', 'video', name);
  const nacks = await inbound('nackCount');
  const before = [await seen(lossy), await seen(clear)] as const;
  await expect.poll(() => inbound('framesDecoded'), { timeout: 30_000 }).toBeGreaterThan(before[0].frames + 240);
  hardlyFroze(await shown(lossy, before[0]), await shown(clear, before[1]));
  const lost = await inbound('retransmittedPacketsReceived');
  const received = await inbound('packetsReceived');
  expect(lost, 'what was lost came again').toBeGreaterThan(5);
  expect((await inbound('nackCount')) - nacks, 'it asks no more than it loses').toBeLessThan(received / 4);
  expect(await inbound('pliCount'), 'no picture was given up').toBeLessThan(4);
  expect(await number(clear, 'inbound-rtp', 'video', 'packetsLost'), 'the other viewer').toBe(0);
  await plays(lossy, 'webrtc');
  for (const page of [lossy, clear]) await page.close();
  relay.close();
});

test('a publisher learns what its path carries, and sends less where it loses', async ({ page, klieg }) => {
  const relay = await Relay.before(klieg.ready.media_udp);
  await over(page, relay);
  await publish(page, klieg, 'garden');
  const carries = () => number(page, 'candidate-pair', undefined, 'availableOutgoingBitrate');
  await expect.poll(carries, { timeout: 30_000 }).toBeGreaterThan(2_000_000);
  await expect.poll(async () => (await klieg.channels()).find((c) => c.name === 'garden')?.tracks[0]?.bitrate ?? 0).toBeGreaterThan(50_000);
  const most = await carries();
  relay.loss = 0.25;
  await expect.poll(carries, { timeout: 30_000 }).toBeLessThan(most / 2);
  relay.close();
});

test('a publisher on a network that loses one packet in twenty is watched whole, and other channels see nothing of it', async ({ browser, page, klieg }) => {
  const relay = await Relay.before(klieg.ready.media_udp);
  await over(page, relay);
  await publish(page, klieg, 'garden');
  const [viewer, other] = [await browser.newPage(), await browser.newPage()];
  for (const [watching, channel] of [
    [viewer, 'garden'],
    [other, 'program'],
  ] as const) {
    await over(watching, null);
    await watching.goto(`${klieg.http}/watch/${channel}`);
    await plays(watching, 'webrtc');
  }
  const many = async (since: Seen): Promise<Seen> => {
    await expect.poll(async () => (await seen(viewer)).frames, { timeout: 40_000 }).toBeGreaterThan(since.frames + 150);
    return shown(viewer, since);
  };
  const clear = await many(await seen(viewer));
  relay.loss = 0.05;
  const outbound = (name: string) => number(page, 'outbound-rtp', 'video', name);
  const [sent, asked] = [await outbound('packetsSent'), await outbound('nackCount')];
  hardlyFroze(await many(await seen(viewer)), clear);
  expect(await outbound('retransmittedPacketsSent'), 'what was lost was sent again').toBeGreaterThan(5);
  expect((await outbound('nackCount')) - asked, 'the station asks no more than it loses').toBeLessThan(((await outbound('packetsSent')) - sent) / 4);
  for (const watching of [viewer, other]) {
    expect(await number(watching, 'inbound-rtp', 'video', 'packetsLost'), 'their own paths lose nothing').toBe(0);
    await watching.close();
  }
  relay.close();
});

test('a publisher that changes its network is found anew, and its channel goes on', async ({ page, klieg }) => {
  const relay = await Relay.before(klieg.ready.media_udp);
  await over(page, relay);
  await publish(page, klieg, 'walk');
  const since = async () => (await klieg.channels()).find((c) => c.name === 'walk')?.since;
  const began = await since();
  const patched = page.waitForResponse((response) => response.request().method() === 'PATCH', { timeout: 30_000 });
  relay.forget();
  expect((await patched).status()).toBe(200);
  await expect
    .poll(() => page.evaluate(() => (window as unknown as { made: RTCPeerConnection[] }).made.map((c) => c.connectionState)), { timeout: 20_000 })
    .toEqual(['connected']);
  const frames = () => number(page, 'outbound-rtp', 'video', 'framesSent');
  const at = await frames();
  await expect.poll(frames).toBeGreaterThan(at + 20);
  expect(await since(), 'the same channel').toBe(began);
  await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live');
  relay.close();
});

/** A port that nobody uses now. */
async function free(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Waits until a STUN server answers there. */
async function answers(port: number): Promise<void> {
  const socket = createSocket('udp4');
  const request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
  const ask = setInterval(() => socket.send(request, port, '127.0.0.1'), 50);
  await once(socket, 'message');
  clearInterval(ask);
  socket.close();
}

test.describe('behind TURN', () => {
  const found = spawnSync('turnserver', ['--version']).error === undefined;
  let turn: ChildProcess | null = null;
  let port = 0;

  test.beforeAll(async () => {
    if (!found) return;
    port = await free();
    const args = ['-n', '--no-cli', '--no-tls', '--no-dtls', '--no-tcp', '--allow-loopback-peers', '--log-file=stdout', '--simple-log'];
    turn = spawn('turnserver', [...args, '-L', '127.0.0.1', '-E', '127.0.0.1', '-p', String(port), '-a', '-u', 'guest:secret', '-r', 'klieg', '--pidfile', '/dev/null'], {
      stdio: 'ignore',
    });
    await answers(port);
  });

  test.afterAll(() => void turn?.kill());

  test('a viewer whose every packet goes over TURN watches', async ({ browser, folder, running }) => {
    if (!found) {
      console.log('SKIPPED network.spec.ts behind TURN: turnserver is not installed (package coturn)');
      test.skip();
    }
    const servers = `server.ice_servers=[{ urls = "turn:127.0.0.1:${port}?transport=udp", username = "guest", credential = "secret" }]`;
    running.klieg = await running.klieg.restart({ onAir: true, settings: [servers] });
    expect(folder).toBeTruthy();
    const page = await browser.newPage();
    await page.addInitScript(() => {
      const made: RTCPeerConnection[] = [];
      Object.assign(window, { made });
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super({ ...configuration, iceTransportPolicy: 'relay' });
          made.push(this);
        }
      };
    });
    await page.goto(`${running.klieg.http}/watch/program`);
    await plays(page, 'webrtc');
    const pair = await report(page, 'candidate-pair');
    expect(pair['state']).toBe('succeeded');
    const local = await page.evaluate(async (id) => {
      const { made } = window as unknown as { made: RTCPeerConnection[] };
      const stats = (await made.at(-1)!.getStats()) as unknown as Map<string, { candidateType: string }>;
      return stats.get(id)?.candidateType;
    }, String(pair['localCandidateId']));
    expect(local).toBe('relay');
  });
});
