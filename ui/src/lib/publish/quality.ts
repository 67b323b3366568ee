/** What is sent at most. The picture is never made larger than its source. */
export interface Quality {
  readonly id: '360p' | '720p' | '1080p';
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Bits per second that suit it. */
  readonly bitrate: number;
}

export const qualities: readonly Quality[] = [
  { id: '360p', width: 640, height: 360, fps: 30, bitrate: 800_000 },
  { id: '720p', width: 1280, height: 720, fps: 30, bitrate: 2_500_000 },
  { id: '1080p', width: 1920, height: 1080, fps: 30, bitrate: 4_500_000 },
];

export const BITRATE_MIN = 150_000;
export const BITRATE_MAX = 20_000_000;

const USUAL = '720p';

export function qualityOf(id: string | null): Quality {
  const found = qualities.find((one) => one.id === id) ?? qualities.find((one) => one.id === USUAL);
  if (!found) throw new Error(`no quality ${USUAL}`);
  return found;
}

/** By how much a picture of this size is scaled down before it is encoded: never below 1. */
export function scaleFor(quality: Quality, width: number, height: number): number {
  if (width <= 0 || height <= 0) return 1;
  // A phone held upright sends an upright picture of the same size.
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  return Math.max(1, long / quality.width, short / quality.height);
}
