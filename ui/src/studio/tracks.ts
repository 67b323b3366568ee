import type { Audio } from '$lib/api';
import type { Entry } from '$lib/kit/MenuList.svelte';

/** Sound tracks of recordings beside the mix, which is the first. */
export const TRACKS = [2, 3, 4, 5, 6] as const;

/** The tracks that a source is on after one was chosen or left. */
export function toggled(tracks: readonly number[], track: number): number[] {
  const rest = tracks.filter((one) => one !== track);
  return rest.length < tracks.length ? rest : [...rest, track].sort((a, b) => a - b);
}

/** What a source is on, in words. */
export function spoken(tracks: readonly number[]): string {
  const last = tracks.at(-1);
  if (last === undefined) return 'In the mix alone';
  if (tracks.length === 1) return `In the mix, and on sound track ${last} of recordings`;
  return `In the mix, and on sound tracks ${tracks.slice(0, -1).join(', ')} and ${last} of recordings`;
}

/** A menu of all tracks of recordings. */
export function trackEntries(audio: Audio, set: (tracks: number[]) => void): Entry[] {
  const on = audio.tracks ?? [];
  return [
    { label: 'Track 1', hint: 'the mix, as it is on air', checked: true, disabled: true },
    ...TRACKS.map((track) => ({
      label: `Track ${track}`,
      ...(track === 2 ? { hint: 'in recordings alone' } : {}),
      checked: on.includes(track),
      run: () => set(toggled(on, track)),
    })),
  ];
}
