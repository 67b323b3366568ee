import { type Text, en, t } from '$lib/words';
import type { Quality } from './quality';
import { soundOf } from './sound';

export type Kind = 'camera' | 'screen' | 'file';

/** A picture and its sound, running. */
export interface Capture {
  readonly kind: Kind;
  readonly video: MediaStreamTrack;
  /** Silent when the source has no sound. */
  readonly audio: MediaStreamTrack;
  readonly sounds: boolean;
  /** Whether people expect to see themselves as in a mirror. */
  readonly mirrored: boolean;
  /** What is worth knowing about it, in words. */
  readonly notice: string | null;
  /** Settles in words when it ends by itself: unplugged, no longer shared, played to its end. */
  readonly ended: Promise<string>;
  /** Begins anew, where there is a beginning. */
  restart(): void;
  stop(): void;
}

/** What a person chose. An empty id is the browser's own choice. */
export interface Choice {
  readonly camera: string;
  readonly microphone: string;
  /** Whether a microphone is heard at all. */
  readonly speaks: boolean;
  readonly quality: Quality;
}

/** Why there is no picture, in words. */
export class CaptureError extends Error {}

/** Whether this page may ask for a camera at all. */
export function devicesAllowed(): boolean {
  return window.isSecureContext && navigator.mediaDevices !== undefined;
}

export function screenAllowed(): boolean {
  return devicesAllowed() && 'getDisplayMedia' in navigator.mediaDevices;
}

/** Opens a camera and a microphone. @throws {CaptureError} */
export async function camera(choice: Choice): Promise<Capture> {
  const { width, height, fps } = choice.quality;
  const video: MediaTrackConstraints = {
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: fps },
    ...(choice.camera ? { deviceId: { exact: choice.camera } } : { facingMode: { ideal: 'user' } }),
  };
  const audio = choice.speaks ? microphoneWish(choice) : false;
  let stream: MediaStream;
  let notice: string | null = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video, audio });
  } catch (error) {
    // With one of the two there is still something to send.
    if (!audio || !(await hasCamera())) throw new CaptureError(words(error, 'camera'));
    stream = await navigator.mediaDevices.getUserMedia({ video }).catch((again: unknown) => {
      throw new CaptureError(words(again, 'camera'));
    });
    notice = t('{problem} You are seen, and not heard.', { problem: words(error, 'microphone') });
  }
  const [picture] = stream.getVideoTracks();
  if (!picture) throw new CaptureError(t('The camera gives no picture. Choose another one.'));
  picture.contentHint = 'motion';
  const facing = picture.getSettings().facingMode;
  const mirrored = facing === undefined || facing === 'user';
  return fromTracks('camera', picture, stream.getAudioTracks(), mirrored, notice, t('The camera is gone. Plug it in again, or choose another one.'));
}

/** Opens a screen, a window or a tab. Nothing when the person thought better of it. @throws {CaptureError} */
export async function screen(choice: Choice): Promise<Capture | null> {
  const { width, height, fps } = choice.quality;
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({
      video: { width: { max: width }, height: { max: height }, frameRate: { ideal: fps } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    if (error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError')) return null;
    throw new CaptureError(words(error, 'screen'));
  }
  const [picture] = stream.getVideoTracks();
  if (!picture) throw new CaptureError(t('The screen gives no picture. Share another window.'));
  picture.contentHint = 'detail';
  const heard = stream.getAudioTracks();
  let notice: string | null = null;
  if (choice.speaks) {
    try {
      heard.push(...(await navigator.mediaDevices.getUserMedia({ audio: microphoneWish(choice) })).getAudioTracks());
    } catch (error) {
      notice = t('{problem} The screen is sent without it.', { problem: words(error, 'microphone') });
    }
  }
  if (!notice && heard.length === 0) notice = t('The browser shares no sound with this. Share a tab, or add your microphone.');
  return fromTracks('screen', picture, heard, false, notice, t('The screen is no longer shared.'));
}

/** The devices by name, as far as the browser tells them: after a permission was given. */
export async function devices(): Promise<{ cameras: MediaDeviceInfo[]; microphones: MediaDeviceInfo[] }> {
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const named = (kind: MediaDeviceKind): MediaDeviceInfo[] => all.filter((one) => one.kind === kind && one.deviceId !== '');
  return { cameras: named('videoinput'), microphones: named('audioinput') };
}

async function hasCamera(): Promise<boolean> {
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return all.some((one) => one.kind === 'videoinput');
}

function microphoneWish({ microphone }: Choice): MediaTrackConstraints {
  return microphone ? { deviceId: { exact: microphone } } : {};
}

function fromTracks(kind: Kind, video: MediaStreamTrack, heard: MediaStreamTrack[], mirrored: boolean, notice: string | null, gone: string): Capture {
  const sound = soundOf(heard);
  const ended = new Promise<string>((resolve) => video.addEventListener('ended', () => resolve(gone)));
  const stop = (): void => {
    video.stop();
    sound.close();
  };
  return { kind, video, audio: sound.track, sounds: heard.length > 0, mirrored, notice, ended, restart: () => undefined, stop };
}

type Thing = 'camera' | 'microphone' | 'screen';

const REFUSED: Readonly<Record<Thing, Text>> = {
  camera: en('This page may not use the camera. Allow it beside the address, then try again.'),
  microphone: en('This page may not use the microphone. Allow it beside the address, then try again.'),
  screen: en('This page may not use the screen. Allow it beside the address, then try again.'),
};

const NONE: Readonly<Record<Thing, Text>> = {
  camera: en('No camera was found. Connect one, then try again.'),
  microphone: en('No microphone was found. Connect one, then try again.'),
  screen: en('There is no screen to share.'),
};

const BUSY: Readonly<Record<Thing, Text>> = {
  camera: en('The camera does not start: another program may be using it. Close that, then try again.'),
  microphone: en('The microphone does not start: another program may be using it. Close that, then try again.'),
  screen: en('The screen does not start: another program may be using it. Close that, then try again.'),
};

const FAILED: Readonly<Record<Thing, (why: string) => string>> = {
  camera: (why) => t('The camera does not start ({why}).', { why }),
  microphone: (why) => t('The microphone does not start ({why}).', { why }),
  screen: (why) => t('The screen does not start ({why}).', { why }),
};

/** What a browser's refusal means, and what to do next. */
export function words(error: unknown, thing: Thing): string {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return t(REFUSED[thing]);
    case 'NotFoundError':
    case 'OverconstrainedError':
      return t(NONE[thing]);
    case 'NotReadableError':
    case 'AbortError':
      return t(BUSY[thing]);
    default:
      return FAILED[thing](error instanceof Error ? error.message : String(error));
  }
}
