import { clamp } from '$lib/format';

/** Where the volume is kept that was chosen last, for every player of the station. */
const VOLUME = 'klieg.volume';

/** The volume that was chosen last, from 0 to 1. */
export function storedVolume(): number {
  try {
    const stored = Number(localStorage.getItem(VOLUME) ?? 1);
    return Number.isFinite(stored) ? clamp(stored, 0, 1) : 1;
  } catch {
    return 1;
  }
}

export function keepVolume(volume: number): void {
  try {
    localStorage.setItem(VOLUME, String(volume));
  } catch {
    // A private window: it lasts as long as the page.
  }
}
