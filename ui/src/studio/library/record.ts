import type { Recording } from '$lib/api';
import { t } from '$lib/words';
import { PROGRAM, type Studio } from '../studio.svelte';

/** What is recorded of the program. */
export const recording = (studio: Studio): Recording | undefined => studio.snapshot?.recordings.find((one) => one.channel === PROGRAM);

/** Records the program, or stops. */
export async function record(studio: Studio): Promise<void> {
  const before = recording(studio);
  if (!before) {
    await studio.command({ command: 'record' });
    return;
  }
  if (await studio.command({ command: 'stop_recording' })) studio.toasts.say(t('Recorded: {file}. It is in the library.', { file: fileOf(before.file) }));
}

export async function mark(studio: Studio): Promise<void> {
  if (await studio.command({ command: 'mark' })) studio.toasts.say(t('This moment is marked.'));
}

export async function replay(studio: Studio): Promise<void> {
  if (await studio.command({ command: 'save_replay' })) studio.toasts.say(t('The replay goes into the library.'));
}

/** Plays the last seconds on the program; the replay leaves by itself. */
export async function playReplay(studio: Studio): Promise<void> {
  if (await studio.command({ command: 'play_replay' })) studio.toasts.say(t('The replay goes on air.'));
}

/** A path's last part, on any system. */
export const fileOf = (path: string): string => path.split(/[/\\]/).at(-1) ?? path;
