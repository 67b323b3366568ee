/** Monitors that are filled with the program, the preview or all scenes, where the studio stands in a window. */

import { asProblem } from '$lib/api';
import type { Entry } from '$lib/kit/MenuList.svelte';
import { type Text, en, t } from '$lib/words';
import { keymap } from './keymap.svelte';
import type { Link, Screen } from './link/link';
import type { View } from './preview';
import type { Studio } from './studio.svelte';

export const VIEWS: Readonly<Record<View, Text>> = { program: en('Program'), preview: en('Preview'), scenes: en('Multiview') };

class Projectors {
  /** None in a page: it has no say over monitors. */
  screens = $state.raw<readonly Screen[]>([]);

  async look(link: Link): Promise<void> {
    // Without an answer there is nothing to offer.
    this.screens = await link.screens().catch(() => []);
  }
}

const projectors = new Projectors();

/** Keeps what is known of the monitors: they are looked at whenever the window has the keyboard again. */
export function lookAtScreens(link: Link): void {
  $effect(() => {
    const look = (): void => void projectors.look(link);
    look();
    addEventListener('focus', look);
    return () => removeEventListener('focus', look);
  });
}

/** The monitors, for one view; a monitor that shows it already is given back. */
function screens(studio: Studio, view: View): Entry[] {
  return projectors.screens.map((screen, index) => {
    const on = screen.shows === view;
    const about = [`${screen.width} × ${screen.height}`, screen.here ? t('the studio is on it') : '', screen.shows && !on ? t('shows: {view}', { view: t(VIEWS[screen.shows]) }) : ''];
    return {
      label: screen.name,
      hint: about.filter((part) => part !== '').join(', '),
      checked: on,
      run: () => void project(studio, index, on ? null : view),
    };
  });
}

async function project(studio: Studio, screen: number, view: View | null): Promise<void> {
  try {
    await studio.link.project(screen, view);
  } catch (thrown) {
    studio.toasts.problem(asProblem(thrown));
  }
  await projectors.look(studio.link);
}

/** One view on a monitor of one's choice, as the end of its menu. Nothing in a page. */
export function fullScreen(studio: Studio, view: View): Entry[] {
  if (projectors.screens.length === 0) return [];
  return [{ label: t('Full screen'), apart: true, entries: screens(studio, view) }];
}

/** Any view on any monitor, as the end of a menu. Nothing in a page. */
export function fullScreens(studio: Studio): Entry[] {
  const entries = anyScreen(studio);
  return entries.length === 0 ? [] : [{ label: t('Full screen'), key: keymap.of('full-screen') || undefined, apart: true, entries }];
}

/** What a key opens: any view on any monitor. Nothing in a page. */
export function anyScreen(studio: Studio): Entry[] {
  if (projectors.screens.length === 0) return [];
  const off = studio.studioMode === null;
  const views: readonly View[] = ['program', 'preview', 'scenes'];
  return views.map((view) => ({
    label: t(VIEWS[view]),
    hint: view === 'preview' && off ? t('In studio mode') : '',
    disabled: view === 'preview' && off,
    entries: screens(studio, view),
  }));
}
