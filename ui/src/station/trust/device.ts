/** A kind of device that can be taught to trust the station. */
export type Device = 'ios' | 'android' | 'windows' | 'macos' | 'linux';

/** What a browser says of the device it runs on. */
export interface About {
  userAgent: string;
  /** Fingers that its screen tells apart: an iPad calls itself a Mac, and a Mac has none. */
  maxTouchPoints: number;
}

export function deviceOf({ userAgent, maxTouchPoints }: About): Device {
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'ios';
  if (/Android/.test(userAgent)) return 'android';
  if (/Macintosh/.test(userAgent)) return maxTouchPoints > 1 ? 'ios' : 'macos';
  if (/Windows/.test(userAgent)) return 'windows';
  return 'linux';
}
