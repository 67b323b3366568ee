import type { Playback } from '$lib/api';

/** How far something is, so many milliseconds after its state was told. */
export function positionAt(playback: Playback, after: number): number {
  const moved = playback.playing ? Math.max(0, after) * playback.speed : 0;
  const position = playback.position_ms + moved;
  return playback.duration_ms === undefined ? position : Math.min(position, playback.duration_ms);
}

/** A length of time: `4:05`, `1:04:05`. */
export function length(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
