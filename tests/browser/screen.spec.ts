/** A screen on air from a page; Chromium shares one of its own, and asks nobody. */
import { expect, test } from './klieg.ts';
import { moves, plays } from './picture.ts';
import { chromium, flags } from './playwright.config.ts';

test.use({
  launchOptions: {
    executablePath: chromium,
    args: [...flags, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=display-media-type=monitor'],
  },
  permissions: ['camera', 'microphone'],
  settings: ['ingest.policy=open'],
  onAir: false,
});

test('a screen is shared and watched, and the page says so when the browser stops sharing it', async ({ page, context, klieg }) => {
  await page.addInitScript(() => {
    const ask = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getDisplayMedia = async (options) => {
      const shared = await ask(options);
      Object.assign(window, { shared });
      return shared;
    };
  });
  await page.goto(`${klieg.http}/broadcast?channel=slides`);
  await page.getByText('Screen', { exact: true }).click();
  await page.getByRole('button', { name: 'Choose what to share' }).click();
  await expect(page.locator('.preview video')).toBeVisible();
  await page.getByRole('button', { name: 'Start the broadcast' }).click();
  await expect(page.locator('.screen')).toHaveAttribute('data-phase', 'live', { timeout: 30_000 });
  const kind = await page.evaluate(() => (window as unknown as { shared: MediaStream }).shared.getVideoTracks()[0]!.getSettings().displaySurface);
  expect(kind).toBe('monitor');

  const viewer = await context.newPage();
  await viewer.goto(`${klieg.http}/watch/slides`);
  await plays(viewer, 'webrtc');
  await moves(viewer, 3);

  await page.evaluate(() => {
    const [picture] = (window as unknown as { shared: MediaStream }).shared.getVideoTracks();
    picture!.stop();
    // What the bar of the browser does; stop() alone tells nobody.
    picture!.dispatchEvent(new Event('ended'));
  });
  await expect(page.getByRole('status').filter({ hasText: 'The screen is no longer shared. Viewers see its last picture.' })).toBeVisible();
  // The broadcast is the person's to end.
  await plays(viewer, 'webrtc');
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'End the broadcast' }).click();
  await expect(viewer.locator('.player')).toHaveAttribute('data-phase', 'waiting');
});
