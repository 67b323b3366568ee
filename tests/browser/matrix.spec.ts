/**
 * Whoever publishes, however people watch: programs that were not written here and the program itself
 * on one side, WebRTC and HLS in Chromium on the other. Picture and sound of each pair are looked at.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { BrowserContext, Page } from '@playwright/test';
import { comeAs, pretend } from './guest.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { Obs, hasObs } from './obs.ts';
import { aiortc, byAiortc, byFfmpeg, has, here } from './peers.ts';
import { apart, keepPeers, listen, moves, plays, playsTogether } from './picture.ts';

const gstreamer = '/usr/bin/python3';

interface Source {
  name: string;
  /** Why it cannot be had here. */
  missing?: string;
  /** The tone that it sends: Hz, and dBFS at its peak. */
  tone: [number, number];
  /** What it sends has a mark in picture and sound at every second. */
  marks?: true;
  /** Begins, and gives what ends it. */
  start?: (klieg: Klieg, context: BrowserContext) => Promise<() => unknown>;
}

function running(program: string, args: string[]): () => unknown {
  const child = spawn(program, args);
  return () => child.kill('SIGKILL');
}

/** FFmpeg's filter for what stands at the upper right, where the test signal has its flash. */
const box = (color: string): string => `drawbox=iw*13/16:ih/16:iw/8:ih/8:${color}:fill`;

const sources: Source[] = [
  { name: 'program', tone: [1000, -26], marks: true },
  {
    name: 'ffmpeg',
    ...(has.ffmpeg ? {} : { missing: 'FFmpeg is not installed' }),
    // The filter's sine has an eighth of full scale, and is made stereo 3 dB softer.
    tone: [1000, -21],
    marks: true,
    start: async (klieg) =>
      running('ffmpeg', [
        ...['-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=s=640x360:r=30,${box('black')},${box('white')}:enable='lt(mod(t,1),0.1)'`],
        ...['-f', 'lavfi', '-i', "sine=1000:r=48000,asetnsamples=480,volume=0:enable='lt(mod(t,1),0.1)'"],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-g', '60', '-pix_fmt', 'yuv420p'],
        ...['-c:a', 'aac', '-ac', '2', '-t', '300', '-f', 'flv', `${klieg.ready.rtmp}/ffmpeg`],
      ]),
  },
  {
    name: 'aiortc',
    ...(has.aiortc ? {} : { missing: 'aiortc is not installed: the tests of the protocols install it' }),
    tone: [500, -12],
    marks: true,
    // On a busy machine its own reports are as wrong as it is late, and would be all that is measured. The protocols' tests
    // have it report as it does by itself.
    start: async (klieg) => running(aiortc, [here('../protocols/whip_publisher.py'), `${klieg.http}/aiortc/whip`, '--exact']),
  },
  {
    name: 'gstreamer',
    ...(existsSync('/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstnice.so') ? {} : { missing: "GStreamer's webrtcbin is not installed" }),
    tone: [500, -12],
    marks: true,
    start: async (klieg) => running(gstreamer, [here('../protocols/whip_gstreamer.py'), `${klieg.http}/gstreamer/whip`]),
  },
  {
    name: 'chromium',
    tone: [440, -12],
    marks: true,
    start: async (klieg, context) => {
      // In a window of its own: a page behind another one sends a picture a second.
      const own = await context.browser()!.newContext({ permissions: ['camera', 'microphone'], bypassCSP: true });
      const page = await own.newPage();
      await pretend(page, { color: '#204060', tone: 440, amplitude: 0.25, clock: false, marks: true });
      await comeAs(page, klieg, 'chromium', '');
      await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live', { timeout: 30_000 });
      return () => own.close();
    },
  },
  {
    name: 'obs',
    ...(hasObs ? {} : { missing: 'OBS Studio, Xvfb or FFmpeg is not installed' }),
    tone: [1000, -12],
    start: async (klieg) => {
      const obs = await Obs.start(klieg.ready.rtmp, 'obs', 0.25);
      return () => obs.stop();
    },
  },
];

/** An encoder of FFmpeg's, as a person sets it for a film: each picture may stand on later ones. */
const reordering = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-profile:v', 'main', '-g', '60', '-pix_fmt', 'yuv420p'];

// GStreamer gathers no address of the loopback.
test.use({ settings: ['ingest.policy=open', 'server.media_udp=0.0.0.0:0'], permissions: ['camera', 'microphone'], bypassCSP: true });

test('every publisher is watched both ways, with picture and sound', async ({ page, context, klieg }) => {
  test.setTimeout(300_000);
  await klieg.testSignal();
  await keepPeers(page);
  const there = sources.filter((source) => !source.missing);
  for (const { name, missing } of sources) if (missing) console.log(`SKIPPED matrix ${name}: ${missing}`);
  // One after the other: each has the machine for itself.
  for (const source of there) {
    const end = await source.start?.(klieg, context);
    try {
      const tracks = async (): Promise<number> => (await klieg.channels()).find(({ name, state }) => name === source.name && state === 'live')?.tracks.length ?? 0;
      await expect.poll(tracks, { timeout: 90_000, message: `${source.name} has picture and sound` }).toBeGreaterThan(1);
      for (const transport of ['webrtc', 'hls'] as const) {
        await test.step(`${source.name} over ${transport}`, async () => {
          await page.goto(`${klieg.http}/watch/${source.name}${transport === 'hls' ? '?transport=hls' : ''}`);
          await plays(page, transport);
          await moves(page, 5);
          await page.getByRole('button', { name: 'Tap for sound' }).click();
          const sound = await listen(page, 1);
          const [frequency, level] = source.tone;
          expect(Math.abs(sound.frequency - frequency), `${sound.frequency} Hz`).toBeLessThan(30);
          expect(Math.abs(sound.peak - level), `${sound.peak.toFixed(2)} dBFS`).toBeLessThan(1.5);
          console.log(`${source.name} over ${transport}: ${sound.frequency.toFixed(0)} Hz at ${sound.peak.toFixed(1)} dBFS`);
          if (transport === 'webrtc') {
            // What marks the seconds is looked at by a peer whose clock does not stand still while the machine is busy: the
            // protocols' tests. A browser says itself what it plays together.
            const behind = await playsTogether(page, 100);
            console.log(`${source.name} over ${transport}: sound ${behind.join(', ')} ms behind the picture`);
            return;
          }
          if (!source.marks) return;
          await page.reload();
          await plays(page, transport);
          await page.getByRole('button', { name: 'Tap for sound' }).click();
          const differences = (await apart(page, 5)).sort((a, b) => a - b);
          console.log(`${source.name} over ${transport}: sound ${differences.map((ms) => ms.toFixed(0)).join(', ')} ms behind the picture`);
          expect(Math.abs(differences[differences.length >> 1]!), `${differences.join(', ')} ms`).toBeLessThan(100);
        });
      }
      // The pairs without a browser are the protocols' tests, but where a browser publishes.
      if (source.name === 'chromium') await test.step('chromium to those who are no browsers', () => others(page, klieg));
    } finally {
      await end?.();
    }
  }
});

async function others(page: Page, klieg: Klieg): Promise<void> {
  await page.goto('about:blank');
  const watched = [
    ...(has.aiortc ? [await byAiortc(klieg, 'chromium', 60)] : []),
    ...(has.ffmpeg ? [await byFfmpeg(klieg, 'chromium')] : []),
  ];
  for (const { width, height, pictures, peak } of watched) {
    // A browser sends less where its machine is slow, in the same shape.
    expect(width / height).toBeCloseTo(16 / 9, 1);
    expect(pictures).toBeGreaterThanOrEqual(20);
    expect(Math.abs(peak + 12), `${peak.toFixed(2)} dBFS`).toBeLessThan(1.5);
    console.log(`chromium: ${width}×${height}, ${pictures} pictures, ${peak.toFixed(1)} dBFS`);
  }
}

test('a channel whose pictures stand on later ones says so in the page, and plays over HLS', async ({ page, klieg }) => {
  if (!has.ffmpeg) {
    console.log('SKIPPED matrix, B-frames: FFmpeg is not installed');
    test.skip();
  }
  const input = ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30', '-f', 'lavfi', '-i', 'sine=1000:r=48000'];
  const output = ['-c:a', 'aac', '-ac', '2', '-t', '300', '-f', 'flv', `${klieg.ready.rtmp}/film`];
  const ffmpeg = spawn('ffmpeg', [...input, ...reordering, ...output], { stdio: 'ignore' });
  try {
    const tracks = async (): Promise<number> => (await klieg.channels()).find((channel) => channel.name === 'film')?.tracks.length ?? 0;
    await expect.poll(tracks, { timeout: 60_000 }).toBeGreaterThan(1);
    await page.goto(`${klieg.http}/watch/film`);
    await plays(page, 'hls');
    await expect(page.locator('.notice')).toContainText('B-frames');
    await expect(page.locator('.notice')).toContainText('HLS');
    await moves(page, 5);
  } finally {
    ffmpeg.kill('SIGKILL');
  }
});

test('a channel of sound alone is heard both ways, and the page says that there is no picture', async ({ page, klieg }) => {
  test.skip(!has.ffmpeg, 'FFmpeg is not installed');
  const sine = ['-f', 'lavfi', '-i', 'sine=1000:r=48000', '-c:a', 'aac', '-ac', '2', '-t', '120'];
  const end = running('ffmpeg', ['-v', 'error', '-re', ...sine, '-f', 'flv', `${klieg.ready.rtmp}/radio`]);
  try {
    await expect.poll(async () => (await klieg.channels()).find(({ name }) => name === 'radio')?.state, { timeout: 30_000 }).toBe('live');
    for (const transport of ['webrtc', 'hls'] as const) {
      await page.goto(`${klieg.http}/watch/radio${transport === 'hls' ? '?transport=hls' : ''}`);
      await expect(page.getByText('This channel sends sound, and no picture at the moment.')).toBeVisible({ timeout: 30_000 });
      await page.getByRole('button', { name: 'Tap for sound' }).click();
      const sound = await listen(page, 1);
      expect(Math.abs(sound.frequency - 1000), `${transport}: ${sound.frequency} Hz`).toBeLessThan(30);
      await expect(page.getByText('WebRTC could not connect')).toBeHidden();
    }
  } finally {
    end();
  }
});
