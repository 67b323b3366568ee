/** A second publisher with the key of a channel that is live, and those who watch meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Page } from '@playwright/test';
import { type Klieg, expect, test } from './klieg.ts';
import { has } from './peers.ts';
import { moves, plays } from './picture.ts';

/** The secret of a link to publish on `stage`. */
async function key(klieg: Klieg): Promise<string> {
  await klieg.command({ command: 'create_link', link: { kind: 'publish', name: 'Camera', channel: 'stage' } });
  return (await klieg.snapshot()).access.find((link) => link.channel === 'stage')?.secret ?? '';
}

/** FFmpeg with a colour of its own, below which something moves. */
function publisher(klieg: Klieg, key: string, color: 'red' | 'blue'): ChildProcess {
  return spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=s=320x180:r=30,drawbox=h=ih/2:c=${color}:t=fill`, '-f', 'lavfi', '-i', 'sine=1000:r=48000'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-g', '30', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'aac', '-ac', '2', '-t', '300', '-f', 'flv', `${klieg.ready.rtmp}/stage?key=${key}`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
}

/** What it said before it left by itself. */
async function left(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  if (child.exitCode === null) await once(child, 'close');
  expect(child.exitCode, said).not.toBe(0);
  return said;
}

const since = async (klieg: Klieg): Promise<number | undefined> =>
  (await klieg.channels()).find(({ name, state, tracks }) => name === 'stage' && state === 'live' && tracks.length > 1)?.since ?? undefined;

async function watch(page: Page, klieg: Klieg, transport: 'webrtc' | 'hls'): Promise<void> {
  await page.goto(`${klieg.http}/watch/stage${transport === 'hls' ? '?transport=hls' : ''}`);
  await plays(page, transport);
}

/** The page shows the publisher of this colour, moving. */
async function shows(page: Page, color: 'red' | 'blue'): Promise<void> {
  const seen = (): Promise<string> =>
    page.evaluate(() => {
      const video = document.querySelector('video')!;
      const context = new OffscreenCanvas(1, 1).getContext('2d')!;
      context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 4, 0, 0, 1, 1);
      const [red = 0, , blue = 0] = context.getImageData(0, 0, 1, 1).data;
      if (Math.max(red, blue) < 100) return 'dark';
      return red > blue ? 'red' : 'blue';
    });
  await expect.poll(seen, { timeout: 60_000 }).toBe(color);
  await moves(page, 5);
  expect(await seen()).toBe(color);
}

for (const transport of ['webrtc', 'hls'] as const) {
  test.describe(`watched over ${transport}`, () => {
    test.skip(!has.ffmpeg, 'FFmpeg is not installed');

    test.describe('take-over on', () => {
      test.use({ onAir: false, settings: ['ingest.take_over=true'] });

      test('the second takes the channel over, and the page goes on with it by itself', async ({ page, klieg }) => {
        const secret = await key(klieg);
        const first = publisher(klieg, secret, 'red');
        const gone = left(first);
        await expect.poll(() => since(klieg), { timeout: 60_000 }).toBeTruthy();
        await watch(page, klieg, transport);
        await shows(page, 'red');
        const began = await since(klieg);
        const second = publisher(klieg, secret, 'blue');
        try {
          await gone;
          await expect.poll(() => since(klieg), { timeout: 60_000 }).toBeGreaterThan(began ?? Infinity);
          await plays(page, transport);
          await shows(page, 'blue');
        } finally {
          first.kill('SIGKILL');
          second.kill('SIGKILL');
        }
      });
    });

    test.describe('take-over off', () => {
      test.use({ onAir: false });

      test('the second is refused in words, and nobody sees anything of it', async ({ page, klieg }) => {
        const secret = await key(klieg);
        const first = publisher(klieg, secret, 'red');
        try {
          await expect.poll(() => since(klieg), { timeout: 60_000 }).toBeTruthy();
          await watch(page, klieg, transport);
          await shows(page, 'red');
          const began = await since(klieg);
          expect(await left(publisher(klieg, secret, 'blue'))).toContain('ingest.take_over');
          expect(first.exitCode).toBeNull();
          expect(await since(klieg)).toBe(began);
          await expect(page.locator('.player')).toHaveAttribute('data-phase', 'playing');
          await shows(page, 'red');
        } finally {
          first.kill('SIGKILL');
        }
      });
    });
  });
}
