import type { Room, Upload } from '$lib/api';
import { bytes, clock, megabits } from '$lib/format';
import { t } from '$lib/words';

/** How far an upload is: `42 %`. */
export function far(upload: Upload): string {
  const percent = upload.bytes === 0 ? 0 : Math.floor((upload.sent / upload.bytes) * 100);
  return `${Math.min(100, percent)} %`;
}

/** An upload in words. */
export function said(upload: Upload): string {
  const state = upload.state;
  switch (state.state) {
    case 'waiting':
      return state.reason;
    case 'sending':
      return `${t('{percent} of {size}', { percent: far(upload), size: bytes(upload.bytes) })} · ${megabits(state.bitrate)}`;
    case 'checking':
      return t('Is it the same there? It is being compared');
    case 'paused':
      return t('Paused at {percent}', { percent: far(upload) });
    case 'retrying':
      return `${state.reason} ${t('Tried again at {time}', { time: clock(state.at) })}`;
    case 'failed':
      return state.reason;
  }
}

/** The room that the library takes, in words and as a part of what it may. */
export function room(of: Room): { words: string; part: number | null; tight: boolean } {
  if (of.quota === undefined) {
    const free = of.free === undefined ? '' : ` · ${t('{size} of the disk free', { size: bytes(of.free) })}`;
    return { words: t('{size} taken', { size: bytes(of.used) }) + free, part: null, tight: false };
  }
  const part = Math.min(1, of.used / Math.max(1, of.quota));
  return { words: t('{size} of {quota} taken', { size: bytes(of.used), quota: bytes(of.quota) }), part, tight: part >= 0.9 };
}
