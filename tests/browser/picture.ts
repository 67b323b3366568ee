/** What a page's player shows and sounds like, measured in the page. */
import { type Page, expect } from '@playwright/test';

/**
 * The number in the counter of the test signal: 40 square cells along the bottom edge, four to find
 * black and white by, 32 bits of the frame number, four to check them (see the program's test signal).
 * Nothing when there is no valid counter. Runs in the page, and knows nothing outside of itself.
 */
export function readCounter(): number | null {
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
}

/** The same, read from a page. */
export async function counter(page: Page): Promise<number | null> {
  return page.evaluate(readCounter);
}

/** Waits until the counter is readable and has gone on by this many frames. */
export async function advances(page: Page, frames: number): Promise<void> {
  await expect.poll(() => counter(page), { message: 'the counter is read from the picture' }).not.toBeNull();
  const first = (await counter(page)) ?? 0;
  await expect.poll(() => counter(page), { message: `the counter goes on from ${first}` }).toBeGreaterThan(first + frames);
}

/** Keeps the page's peer connections where a test finds them. */
export async function keepPeers(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const kept: RTCPeerConnection[] = [];
    Object.assign(window, { peers: kept });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        kept.push(this);
      }
    };
  });
}

/**
 * Waits until a page that watches over WebRTC plays sound and picture together, within so many milliseconds five times
 * in a row, and gives how far the sound was behind the picture on the way there. A browser moves the two towards each other
 * slowly. The figures are the sender's times, as its reports tell them, of what leaves for screen and speaker
 * (`estimatedPlayoutTimestamp`, WebRTC Statistics, section 8.3). Needs {@link keepPeers}.
 */
export async function playsTogether(page: Page, within: number): Promise<number[]> {
  const behind: number[] = [];
  const look = (): Promise<number | null> =>
    page.evaluate(async () => {
      const { peers } = window as unknown as { peers: RTCPeerConnection[] };
      const played: Record<string, number | undefined> = {};
      for (const entry of (await peers.at(-1)!.getStats()).values()) {
        if (entry.type === 'inbound-rtp') played[entry.kind] = entry.estimatedPlayoutTimestamp;
      }
      const { video, audio } = played;
      // Before both have been reported on there is nothing to say.
      return video && audio ? video - audio : null;
    });
  const inARow = async (): Promise<boolean> => {
    const now = await look();
    if (now === null) return false;
    behind.push(Math.round(now));
    return behind.length >= 5 && behind.slice(-5).every((ms) => Math.abs(ms) < within);
  };
  await expect.poll(inARow, { message: 'sound and picture are played together', intervals: [250], timeout: 60_000 }).toBe(true);
  return behind;
}

/** How many different pictures a player shows, looked at until there are this many. */
export async function moves(page: Page, pictures: number): Promise<void> {
  const seen = new Set<string>();
  await expect
    .poll(
      async () => {
        seen.add(
          await page.evaluate(() => {
            const video = document.querySelector('video')!;
            const canvas = new OffscreenCanvas(32, 18);
            const context = canvas.getContext('2d', { willReadFrequently: true })!;
            context.drawImage(video, 0, 0, 32, 18);
            return [...context.getImageData(0, 0, 32, 18).data].map((value) => value >> 5).join();
          }),
        );
        return seen.size;
      },
      { message: 'the picture moves', intervals: [150] },
    )
    .toBeGreaterThanOrEqual(pictures);
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

/** Listens to the player for some seconds of its own clock, in which it may be loading. */
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
    // A file or playlist that is still loading stands still: silence counts while its clock goes.
    const clock = (): number => (video.srcObject === null ? video.currentTime : context.currentTime);
    let before = clock();
    while (began === null || clock() < began + span) {
      await new Promise(requestAnimationFrame);
      const now = clock();
      if (now === before) continue;
      before = now;
      analyser.getFloatTimeDomainData(samples);
      const peak = Math.max(...samples.map(Math.abs));
      // The clock begins with the first sound: the path may still be filling.
      if (began === null) {
        if (peak > 1e-4) began = now;
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

/**
 * How far sound and picture of the player are apart, in milliseconds: for every second of its source one figure,
 * above zero where the sound comes late. At the start of each second the box at the upper right turns from black
 * to white, and the sound becomes much louder or falls silent. Pictures count by when they are displayed, sound
 * by when it leaves the machine. Needs a page without a content security policy: a worklet listens.
 */
export async function apart(page: Page, seconds: number): Promise<number[]> {
  return page.evaluate(async (wanted) => {
    const video = document.querySelector('video')!;
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const listener = `registerProcessor('listener', class extends AudioWorkletProcessor {
      process([[samples]]) {
        let peak = 0;
        for (const sample of samples ?? []) peak = Math.max(peak, Math.abs(sample));
        this.port.postMessage([currentTime, peak]);
        return true;
      }
    })`;
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([listener], { type: 'text/javascript' })));
    const source =
      video.srcObject instanceof MediaStream ? context.createMediaStreamSource(video.srcObject) : context.createMediaElementSource(video);
    const worklet = new AudioWorkletNode(context, 'listener');
    source.connect(worklet);

    /** Moments in milliseconds of `performance`, and what was seen and heard at them. */
    const [seen, heard]: [[number, number][], [number, number][]] = [[], []];
    worklet.port.onmessage = ({ data: [at, peak] }: MessageEvent<[number, number]>) => {
      const { contextTime, performanceTime } = context.getOutputTimestamp();
      heard.push([performanceTime! + 1000 * (at - contextTime!), peak]);
    };
    const small = new OffscreenCanvas(4, 4).getContext('2d', { willReadFrequently: true })!;
    const look: VideoFrameRequestCallback = (_now, { expectedDisplayTime, width, height }) => {
      small.drawImage(video, (width * 13.5) / 16, (height * 1.5) / 16, width / 16, height / 16, 0, 0, 4, 4);
      const { data } = small.getImageData(0, 0, 4, 4);
      seen.push([expectedDisplayTime, data.reduce((sum, value, at) => sum + (at % 4 === 3 ? 0 : value), 0) / 48]);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);

    /** When something that lasts 80 to 130 milliseconds began. */
    const begins = (all: [number, number][], is: (value: number) => boolean): number[] => {
      const found: number[] = [];
      let since: number | null = null;
      for (const [at, value] of all) {
        if (is(value)) since ??= at;
        else {
          if (since !== null && at - since > 50 && at - since < 250) found.push(since);
          since = null;
        }
      }
      return found;
    };
    const figures = (): number[] => {
      const level = heard.map(([, peak]) => peak).sort((a, b) => a - b)[heard.length >> 1] ?? 0;
      const flashes = begins(seen, (luma) => luma > 128);
      // A wave of 440 Hz has its crest in every block of 128 samples, or nearly.
      const beeps = begins(heard, (peak) => level > 0.01 && (peak < level / 3 || peak > level * 2));
      return flashes.flatMap((flash) => {
        const differences = beeps.map((beep) => beep - flash).sort((a, b) => Math.abs(a) - Math.abs(b));
        return differences.length > 0 && Math.abs(differences[0]!) < 500 ? [differences[0]!] : [];
      });
    };
    const begun = video.currentTime;
    while (figures().length < wanted && video.currentTime - begun < wanted * 4) await new Promise((done) => setTimeout(done, 250));
    await context.close();
    return figures();
  }, seconds);
}
