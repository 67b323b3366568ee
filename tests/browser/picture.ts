/** What a page's player shows and sounds like, measured in the page. */
import { type Page, expect } from '@playwright/test';

/**
 * The number in the counter of the test signal: 40 square cells along the bottom edge, four to find
 * black and white by, 32 bits of the frame number, four to check them (see the program's test signal).
 * Nothing when there is no valid counter.
 */
export async function counter(page: Page): Promise<number | null> {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    if (!video || video.videoWidth === 0) return null;
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) return null;
    context.drawImage(video, 0, 0);
    const cell = canvas.width / 40;
    const luma: number[] = [];
    for (let i = 0; i < 40; i += 1) {
      const size = Math.max(1, Math.floor(cell / 2));
      const { data } = context.getImageData(Math.round((i + 0.25) * cell), Math.round(canvas.height - 0.75 * cell), size, size);
      let sum = 0;
      for (let p = 0; p < data.length; p += 4) sum += 0.2126 * data[p]! + 0.7152 * data[p + 1]! + 0.0722 * data[p + 2]!;
      luma.push(sum / (data.length / 4));
    }
    const halfway = (luma[0]! + luma[1]! + luma[2]! + luma[3]!) / 4;
    const bits = luma.map((value) => (value > halfway ? 1 : 0));
    if (bits.slice(0, 4).join('') !== '1010' || luma[0]! - luma[1]! < 64) return null;
    let number = 0;
    let check = 0;
    for (let group = 0; group < 8; group += 1) {
      const four = Number.parseInt(bits.slice(4 + group * 4, 8 + group * 4).join(''), 2);
      number = number * 16 + four;
      check ^= four;
    }
    return check === Number.parseInt(bits.slice(36).join(''), 2) ? number : null;
  });
}

/** Waits until the counter is readable and has gone on by this many frames. */
export async function advances(page: Page, frames: number): Promise<void> {
  await expect.poll(() => counter(page), { message: 'the counter is read from the picture' }).not.toBeNull();
  const first = (await counter(page)) ?? 0;
  await expect.poll(() => counter(page), { message: `the counter goes on from ${first}` }).toBeGreaterThan(first + frames);
}

/** Waits until the player plays this way. */
export async function plays(page: Page, transport: 'webrtc' | 'hls'): Promise<void> {
  const player = page.locator('.player');
  await expect(player).toHaveAttribute('data-phase', 'playing', { timeout: 45_000 });
  await expect(player).toHaveAttribute('data-transport', transport);
}

export interface Sound {
  /** Median over windows of 43 ms of the largest sample, in dBFS. */
  peak: number;
  /** The strongest frequency, in Hz. */
  frequency: number;
}

/** Listens to the player's stream for some seconds of its own clock. */
export async function listen(page: Page, seconds: number): Promise<Sound> {
  return page.evaluate(async (span) => {
    const video = document.querySelector('video')!;
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const source =
      video.srcObject instanceof MediaStream ? context.createMediaStreamSource(video.srcObject) : context.createMediaElementSource(video);
    const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
    source.connect(analyser);
    const samples = new Float32Array(2048);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const peaks: number[] = [];
    const loudest = new Map<number, number>();
    let began: number | null = null;
    while (began === null || context.currentTime < began + span) {
      await new Promise(requestAnimationFrame);
      analyser.getFloatTimeDomainData(samples);
      const peak = Math.max(...samples.map(Math.abs));
      // The clock begins with the first sound: the path may still be filling.
      if (began === null) {
        if (peak > 1e-4) began = context.currentTime;
        else continue;
      }
      peaks.push(peak);
      analyser.getFloatFrequencyData(bins);
      const bin = bins.indexOf(Math.max(...bins));
      loudest.set(bin, (loudest.get(bin) ?? 0) + 1);
    }
    await context.close();
    peaks.sort((a, b) => a - b);
    const [bin] = [...loudest].sort((a, b) => b[1] - a[1])[0]!;
    return { peak: 20 * Math.log10(peaks[peaks.length >> 1]!), frequency: (bin * 48_000) / 2048 };
  }, seconds);
}
