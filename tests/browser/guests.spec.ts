/** A guest: invited, waiting, let in, seen and heard in the program, gone, and back. */
import type { Page } from '@playwright/test';
import { clean } from './axe.ts';
import { comeAs, emptyScene, invite, pretend } from './guest.ts';
import { type Klieg, expect, test } from './klieg.ts';
import { plays } from './picture.ts';

test.use({
  permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
  viewport: { width: 1440, height: 900 },
  onAir: false,
});

/** A colour that nothing in the studio has. */
const GREEN = '#10a040';
const AMPLITUDE = 0.1;

/** The colour in the middle of the studio's monitor. */
const monitor = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.program')!;
    const context = canvas.getContext('2d')!;
    return [...context.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data].slice(0, 3);
  });

const isGreen = ([red = 0, green = 0, blue = 0]: number[]): boolean => Math.abs(red - 0x10) < 24 && Math.abs(green - 0xa0) < 24 && Math.abs(blue - 0x40) < 24;

/** The loudest that the strip of a source's meter has shown, in dBFS, once something came at all. */
async function strip(page: Page, klieg: Klieg, source: string): Promise<number> {
  const url = `${klieg.http.replace('http', 'ws')}/api/events?token=${klieg.ready.control_token}`;
  return page.evaluate(
    ([address, id]) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(address!);
        const peaks: number[] = [];
        socket.onmessage = ({ data }) => {
          const event = JSON.parse(String(data)) as { event: string; meters?: { strips: { source: string; peak: [number, number] }[] } };
          const peak = event.meters?.strips.find((one) => one.source === id)?.peak[0] ?? -120;
          if (peak > -60) peaks.push(peak);
          if (peaks.length < 15) return;
          socket.close();
          resolve(peaks.sort((a, b) => a - b)[7]!);
        };
      }),
    [url, source],
  );
}

test('a guest is invited, waits, is let in, seen and heard, leaves and comes back', async ({ page, context, klieg }) => {
  await emptyScene(klieg);
  await page.goto(klieg.studio);
  await expect(page.getByRole('button', { name: 'Go live' })).toBeEnabled();

  await page.getByRole('button', { name: 'Add a source' }).first().click();
  await page.getByRole('menuitem', { name: /^Guest/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Add: guest' });
  await dialog.getByRole('textbox', { name: 'Who is it?' }).fill('Maria');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await expect(dialog.getByRole('img', { name: 'QR code of the link for Maria' })).toBeVisible();
  const link = new URL(await dialog.getByRole('textbox', { name: 'Link for Maria' }).inputValue());
  expect(link.pathname).toBe('/broadcast');
  expect(link.searchParams.get('channel')).toBe('maria');
  // A phone that has never been here is led past its browser's warning.
  expect(link.protocol).toBe('https:');
  const first = dialog.getByRole('group', { name: 'First time on this device?' });
  await expect(first.getByRole('link')).toHaveAttribute('href', `${klieg.http}/trust`);
  await expect(first.getByRole('img', { name: `QR code of ${klieg.http}/trust` })).toBeVisible();
  await clean(page);
  await page.screenshot({ path: test.info().outputPath('invited.png') });
  await page.keyboard.press('Escape');

  const guest = await context.newPage();
  await pretend(guest, { color: GREEN, tone: 440, amplitude: AMPLITUDE, clock: false });
  await comeAs(guest, klieg, 'maria', link.searchParams.get('key') ?? '');
  const screen = guest.locator('.screen');
  await expect(screen).toHaveAttribute('data-phase', 'held', { timeout: 30_000 });
  await expect(guest.getByText('Waiting for the host…')).toBeVisible();

  const room = page.getByRole('region', { name: 'Waiting room' });
  await expect(room.getByRole('img', { name: 'Maria, as their camera sees them now' })).toBeVisible();
  await clean(page);
  await page.screenshot({ path: test.info().outputPath('waiting.png') });
  expect((await klieg.channels()).map((channel) => channel.name)).toEqual(['program']);

  await room.getByRole('button', { name: 'Let Maria in' }).click();
  await expect(room).toBeHidden();
  await expect(screen).toHaveAttribute('data-phase', 'backstage');
  await expect(guest.getByText('The scene shows you. The show is not on air yet.')).toBeVisible();
  await expect.poll(async () => isGreen(await monitor(page)), { message: 'the program shows the guest' }).toBe(true);
  const { collection } = await klieg.snapshot();
  const source = collection.sources.find((one) => one.kind === 'channel');
  expect(source?.name).toBe('Maria');
  const level = await strip(page, klieg, source?.id ?? '');
  expect(Math.abs(level - 20 * Math.log10(AMPLITUDE))).toBeLessThan(2);
  await clean(page);
  await page.screenshot({ path: test.info().outputPath('in.png') });

  // Nobody finds the guest but in the show.
  expect((await klieg.channels()).map((channel) => channel.name)).toEqual(['program']);
  expect((await fetch(`${klieg.http}/api/channels/maria/picture.jpg`)).status).toBe(404);
  await klieg.command({ command: 'go_live' });
  await expect(guest.getByText('You are on air.')).toBeVisible();
  await guest.setViewportSize({ width: 360, height: 740 });
  await clean(guest);
  expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await guest.screenshot({ path: test.info().outputPath('guest.png') });

  await guest.getByRole('button', { name: 'Stop' }).click();
  await guest.getByRole('button', { name: 'Leave' }).click();
  const sources = page.getByRole('region', { name: /^Sources/ });
  await expect(sources.getByText('not connected; comes back by itself')).toBeVisible();
  await expect.poll(async () => isGreen(await monitor(page)), { message: 'the placeholder shows' }).toBe(false);
  await page.screenshot({ path: test.info().outputPath('left.png') });

  await guest.getByRole('button', { name: 'Start the broadcast' }).click();
  await expect(screen).toHaveAttribute('data-phase', 'backstage', { timeout: 30_000 });
  await expect.poll(async () => isGreen(await monitor(page)), { message: 'the guest is back' }).toBe(true);
});

test('a guest who waits can be let in and refused in a narrow studio, in every language', async ({ browser, context, klieg }) => {
  const guest = await context.newPage();
  await pretend(guest, { color: GREEN, tone: 440, amplitude: AMPLITUDE, clock: false });
  await comeAs(guest, klieg, 'maria', await invite(klieg, 'Maria', 'maria'));
  await expect(guest.locator('.screen')).toHaveAttribute('data-phase', 'held', { timeout: 30_000 });
  for (const [locale, admit, refuse] of [['en-GB', 'Let Maria in', 'Refuse Maria'], ['de-DE', 'Maria einlassen', 'Maria ablehnen'], ['es-ES', 'Dejar entrar a Maria', 'Rechazar a Maria'], ['fr-FR', 'Faire entrer Maria', 'Refuser Maria']] as const) {
    const studio = await browser.newPage({ locale, viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    await studio.goto(klieg.studio);
    const card = studio.getByRole('listitem').filter({ has: studio.getByRole('button', { name: refuse }) });
    await expect(card.locator('img')).toBeVisible();
    const frame = (await card.boundingBox())!;
    for (const button of await card.getByRole('button', { name: admit }).or(card.getByRole('button', { name: refuse })).all()) {
      const at = (await button.boundingBox())!;
      expect(at.x, locale).toBeGreaterThanOrEqual(frame.x);
      expect(at.x + at.width, locale).toBeLessThanOrEqual(frame.x + frame.width);
      expect(at.y + at.height, locale).toBeLessThanOrEqual(frame.y + frame.height);
      await expect(button).toBeInViewport({ ratio: 1 });
    }
    await studio.screenshot({ path: test.info().outputPath(`waiting-${locale}.png`) });
    await studio.close();
  }
});

test.describe('on a station that is open', () => {
  test.use({ settings: ['ingest.policy=open'] });

  test('the list shows a picture of a channel, and a scene may show it, too', async ({ page, context, klieg }) => {
    await emptyScene(klieg);
    const publisher = await context.newPage();
    await pretend(publisher, { color: GREEN, tone: 440, amplitude: AMPLITUDE, clock: false });
    await comeAs(publisher, klieg, 'garden', '');
    await expect(publisher.locator('.screen')).toHaveAttribute('data-phase', 'live', { timeout: 30_000 });

    const viewer = await context.newPage();
    await viewer.goto(klieg.http);
    const picture = viewer.getByRole('link', { name: /^LIVE garden/ }).locator('img');
    await expect(picture).toBeVisible();
    const seen = await picture.evaluate((image: HTMLImageElement) => {
      const canvas = new OffscreenCanvas(1, 1);
      const pixel = canvas.getContext('2d')!;
      pixel.drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
      return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
    });
    expect(isGreen(seen), `${seen}`).toBe(true);
    await viewer.screenshot({ path: test.info().outputPath('list.png') });

    await page.goto(klieg.studio);
    await page.getByRole('button', { name: 'Add a source' }).first().click();
    await page.getByRole('menuitem', { name: /^Guest/ }).click();
    await page.getByRole('button', { name: 'Add garden' }).click();
    await expect.poll(async () => isGreen(await monitor(page)), { message: 'the program shows the channel' }).toBe(true);
    const channel = page.getByRole('combobox', { name: 'Channel' });
    await expect(channel).toHaveValue('garden');
    // It goes on being a channel that anyone watches.
    await viewer.goto(`${klieg.http}/watch/garden`);
    await plays(viewer, 'webrtc');
  });
});
