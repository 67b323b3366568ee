import { TRANSITIONS, type Scene, type Transition } from '$lib/api';
import type { Entry } from '$lib/kit/MenuList.svelte';
import { described, t } from '$lib/words';
import { defaults, describedOf, type Settings } from '../filters.svelte';
import { keymap } from '../keymap.svelte';
import type { Studio } from '../studio.svelte';

/** A transition as it comes; how long stays as it was, but for videos, which bring their own length. */
export function freshTransition(kind: string, was: Transition): Transition {
  const described = describedOf(kind, TRANSITIONS);
  const settings: Settings = described ? defaults(described) : {};
  const duration_ms = kind === 'stinger' && was.kind !== 'stinger' ? 1500 : was.duration_ms;
  return { kind, settings, duration_ms } as unknown as Transition;
}

/** What comes to the program is taken there: by its transition, or at once. */
export function takeMenu(studio: Studio): Entry[] {
  const mode = studio.studioMode;
  const disabled = mode === null || mode.preview === studio.collection?.current;
  const prepared = studio.collection?.scenes.find((one) => one.id === mode?.preview);
  return [
    { label: t('Take|transition'), key: keymap.of('take') || undefined, disabled, run: () => void studio.command({ command: 'take' }) },
    { label: t('Cut|transition'), key: keymap.of('take-at-once') || undefined, disabled, run: () => void studio.command({ command: 'hold', far: 1 }) },
    ...(prepared ? [aboutScene(studio, prepared, t('Transition and filters of “{name}”', { name: prepared.name }))] : []),
    { label: t('Leave studio mode'), key: keymap.of('studio-mode') || undefined, apart: true, run: () => void studio.command({ command: 'studio_mode', on: false }) },
  ];
}

/** All that can be done to a scene in the multiview. */
export function viewMenu(studio: Studio, scene: Scene): Entry[] {
  const mode = studio.studioMode;
  const onProgram = scene.id === studio.collection?.current;
  return [
    { label: t('Prepare on the preview'), disabled: scene.id === mode?.preview, run: () => studio.show(scene.id) },
    { label: t('Switch the program to it'), disabled: onProgram, run: () => void studio.edit({ edit: 'switch_scene', id: scene.id }) },
    { ...aboutScene(studio, scene, t('Transition and filters')), apart: true },
  ];
}

/** What stands in the properties while nothing is chosen. */
function aboutScene(studio: Studio, scene: Scene, label: string): Entry {
  const run = (): void => {
    studio.selection = [];
    studio.editing = scene.id;
  };
  return { label, run };
}

/** The kinds of transition, and studio mode. */
export function transitionMenu(studio: Studio, now: Transition, set: (transition: Transition) => void): Entry[] {
  const on = studio.studioMode !== null;
  return [
    ...TRANSITIONS.map(({ kind, name, hint }) => ({ label: described(name), hint: described(hint), checked: kind === now.kind, run: () => set(freshTransition(kind, now)) })),
    { label: t('Studio mode'), key: keymap.of('studio-mode') || undefined, checked: on, apart: true, run: () => void studio.command({ command: 'studio_mode', on: !on }) },
  ];
}
