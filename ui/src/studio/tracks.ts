import type { Audio } from '$lib/api';
import type { Entry } from '$lib/kit/MenuList.svelte';
import { list, t } from '$lib/words';

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
  if (last === undefined) return t('In the mix alone');
  if (tracks.length === 1) return t('In the mix, and on sound track {track} of recordings', { track: last });
  return t('In the mix, and on sound tracks {tracks} of recordings', { tracks: list(tracks.map(String)) });
}

/** A menu of all tracks of recordings. */
export function trackEntries(audio: Audio, set: (tracks: number[]) => void): Entry[] {
  const on = audio.tracks ?? [];
  return [
    { label: t('Track 1'), hint: t('the mix, as it is on air'), checked: true, disabled: true },
    ...TRACKS.map((track) => ({
      label: t('Track {track}', { track }),
      ...(track === 2 ? { hint: t('in recordings alone') } : {}),
      checked: on.includes(track),
      run: () => set(toggled(on, track)),
    })),
  ];
}
