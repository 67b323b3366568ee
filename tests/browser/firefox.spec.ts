/** Another browser than all the others: Firefox as Debian ships it, which has no H.264 in WebRTC by itself. */
import { writeFile } from 'node:fs/promises';
import { Firefox, firefox } from './firefox.ts';
import { expect, test } from './klieg.ts';
import { readCounter } from './picture.ts';

test('Firefox watches: by WebRTC where it can, over HLS where it cannot, and says why', async ({ klieg }, info) => {
  test.skip(!firefox, 'Firefox is not installed (cargo xtask setup installs it on Debian)');
  await klieg.testSignal();
  const browser = await Firefox.start(firefox!);
  try {
    await browser.goto(`${klieg.http}/watch/program`);
    const phase = (): Promise<string | undefined> => browser.evaluate(() => document.querySelector<HTMLElement>('.player')?.dataset['phase']);
    await expect.poll(phase, { timeout: 60_000 }).toBe('playing');
    const has = await browser.evaluate(() => RTCRtpReceiver.getCapabilities('video')!.codecs.some((codec) => codec.mimeType === 'video/H264'));
    const transport = await browser.evaluate(() => document.querySelector<HTMLElement>('.player')!.dataset['transport']);
    expect(transport).toBe(has ? 'webrtc' : 'hls');
    const notice = await browser.evaluate(() => document.querySelector('.notice')?.textContent ?? '');
    if (has) expect(notice).toBe('');
    else expect(notice).toContain('no H.264');
    const counter = (): Promise<number | null> => browser.evaluate(readCounter);
    await expect.poll(counter).not.toBeNull();
    const first = (await counter()) ?? 0;
    await expect.poll(counter, { timeout: 30_000 }).toBeGreaterThan(first + 60);
    const file = info.outputPath('firefox.png');
    await writeFile(file, await browser.screenshot());
    await info.attach('watching', { path: file, contentType: 'image/png' });
  } finally {
    await browser.stop();
  }
});

test.describe('on a station that is open', () => {
  test.use({ settings: ['ingest.policy=open'], onAir: false });

  test('Firefox publishes where it has H.264, and says in words why not where it has none', async ({ klieg }, info) => {
    test.skip(!firefox, 'Firefox is not installed (cargo xtask setup installs it on Debian)');
    const browser = await Firefox.start(firefox!);
    try {
      await browser.goto(`${klieg.http}/broadcast?channel=fox`);
      const turned = (): Promise<boolean> =>
        browser.evaluate(() => {
          const button = [...document.querySelectorAll('button')].find((one) => one.textContent?.includes('Turn on camera and microphone'));
          button?.click();
          return button !== undefined;
        });
      await expect.poll(turned, { timeout: 30_000, message: 'it asks before it turns anything on' }).toBe(true);
      const sees = (): Promise<boolean> => browser.evaluate(() => (document.querySelector<HTMLVideoElement>('.preview video')?.videoWidth ?? 0) > 0);
      await expect.poll(sees, { timeout: 60_000, message: 'its camera is previewed' }).toBe(true);
      const has = await browser.evaluate(() => RTCRtpSender.getCapabilities('video')!.codecs.some((codec) => codec.mimeType === 'video/H264'));
      await browser.evaluate(() => [...document.querySelectorAll('button')].find((button) => button.textContent?.includes('Start the broadcast'))!.click());
      const live = async (): Promise<string[]> => (await klieg.channels()).filter((channel) => channel.state === 'live').map((channel) => channel.name);
      const said = (): Promise<string> => browser.evaluate(() => [...document.querySelectorAll('[role=alert]')].map((one) => one.textContent).join(' '));
      if (has) {
        await expect.poll(live, { timeout: 60_000 }).toEqual(['fox']);
      } else {
        await expect.poll(said, { timeout: 60_000 }).toMatch(/This browser has no H\.264 in WebRTC.*(Chrome|Edge)/s);
        expect(await live()).toEqual([]);
        // Whoever cannot go on air still has their picture, and may choose another browser in peace.
        expect(await sees()).toBe(true);
      }
      const file = info.outputPath('firefox-publishes.png');
      await writeFile(file, await browser.screenshot());
      await info.attach('publishing', { path: file, contentType: 'image/png' });
    } finally {
      await browser.stop();
    }
  });
});
