import { t } from '$lib/words';
import { CaptureError, type Capture } from './capture';
import { context } from './sound';

/** How long a file may take to show its first picture, in ms. */
const PATIENCE_MS = 10_000;

type Capturing = HTMLVideoElement & { captureStream?: () => MediaStream; mozCaptureStream?: () => MediaStream };

/** Plays a video file, looped if wished, heard by nobody here. @throws {CaptureError} */
export async function file(chosen: File, looped: boolean): Promise<Capture> {
  const element = document.createElement('video') as Capturing;
  const url = URL.createObjectURL(chosen);
  element.src = url;
  element.loop = looped;
  element.playsInline = true;
  // Through the graph alone: the loudspeaker gets nothing, the broadcast all of it.
  const sound = context().createMediaElementSource(element);
  const destination = context().createMediaStreamDestination();
  sound.connect(destination);
  const release = (): void => {
    element.pause();
    element.removeAttribute('src');
    element.load();
    sound.disconnect();
    URL.revokeObjectURL(url);
  };
  try {
    await ready(element);
    await element.play();
  } catch {
    release();
    throw new CaptureError(t('This browser cannot play “{name}”. An MP4 with H.264 and AAC plays everywhere.', { name: chosen.name }));
  }
  if (element.videoWidth === 0) {
    release();
    throw new CaptureError(t('There is no picture in “{name}”. Choose a video file.', { name: chosen.name }));
  }
  const picture = pictureOf(element);
  const [audio] = destination.stream.getAudioTracks();
  if (!picture || !audio) {
    release();
    throw new CaptureError(t('This browser cannot send the picture of a file. Please use a current Chrome, Edge or Firefox.'));
  }
  const { track: video } = picture;
  video.contentHint = 'motion';
  const ended = new Promise<string>((resolve) => {
    element.addEventListener('ended', () => resolve(t('“{name}” has played to its end.', { name: chosen.name })));
    element.addEventListener('error', () => resolve(t('“{name}” cannot be played any further.', { name: chosen.name })));
  });
  return {
    kind: 'file',
    video,
    audio,
    sounds: true,
    mirrored: false,
    notice: null,
    ended,
    restart: () => {
      element.currentTime = 0;
      void element.play().catch(() => undefined);
    },
    stop: () => {
      picture.close();
      video.stop();
      audio.stop();
      release();
    },
  };
}

function ready(element: HTMLVideoElement): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no picture in time')), PATIENCE_MS);
    element.addEventListener('canplay', () => (clearTimeout(timer), resolve()), { once: true });
    element.addEventListener('error', () => (clearTimeout(timer), reject(new Error('not playable'))), { once: true });
  });
}

/** The picture of an element: as the browser gives it, or drawn where it gives none (Safari). */
function pictureOf(element: Capturing): { track: MediaStreamTrack; close: () => void } | null {
  const own = element.captureStream?.() ?? element.mozCaptureStream?.();
  const [track] = own?.getVideoTracks() ?? [];
  if (track) return { track, close: () => undefined };
  const canvas = document.createElement('canvas');
  canvas.width = element.videoWidth;
  canvas.height = element.videoHeight;
  const brush = canvas.getContext('2d');
  const [drawn] = brush ? canvas.captureStream(30).getVideoTracks() : [];
  if (!brush || !drawn) return null;
  const timer = setInterval(() => brush.drawImage(element, 0, 0), 1000 / 30);
  return { track: drawn, close: () => clearInterval(timer) };
}
