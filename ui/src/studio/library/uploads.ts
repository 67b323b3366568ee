import type { Room, Upload } from '$lib/api';
import { bytes, clock, megabits } from '$lib/format';

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
      return `${far(upload)} of ${bytes(upload.bytes)} · ${megabits(state.bitrate)}`;
    case 'checking':
      return 'Is it the same there? It is being compared';
    case 'paused':
      return `Paused at ${far(upload)}`;
    case 'retrying':
      return `${state.reason} Tried again at ${clock(state.at)}`;
    case 'failed':
      return state.reason;
  }
}

/** The room that the library takes, in words and as a part of what it may. */
export function room(of: Room): { words: string; part: number | null; tight: boolean } {
  if (of.quota === undefined) {
    const free = of.free === undefined ? '' : ` · ${bytes(of.free)} of the disk free`;
    return { words: `${bytes(of.used)} taken${free}`, part: null, tight: false };
  }
  const part = Math.min(1, of.used / Math.max(1, of.quota));
  return { words: `${bytes(of.used)} of ${bytes(of.quota)} taken`, part, tight: part >= 0.9 };
}
