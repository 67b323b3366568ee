import type { Meter, Meters } from '$lib/api';

export type Level = Pick<Meter, 'peak' | 'rms'>;

export const SILENCE: Level = { peak: [-120, -120], rms: [-120, -120] };

/** The key of the master's meter. */
export const MASTER = '';

/**
 * Levels on their way to the meters. They come many times a second and change no layout: whoever
 * draws one listens here, and nothing else of the interface is touched.
 */
export class MeterFeed {
  readonly #listeners = new Map<string, Set<(level: Level) => void>>();

  take(meters: Meters): void {
    const told = new Set<string>();
    for (const strip of meters.strips) {
      if (strip.source === null) continue;
      told.add(strip.source);
      this.#tell(strip.source, strip);
    }
    if (meters.master) {
      told.add(MASTER);
      this.#tell(MASTER, meters.master);
    }
    for (const key of this.#listeners.keys()) if (!told.has(key)) this.#tell(key, SILENCE);
  }

  /** Nothing comes any more. */
  silence(): void {
    for (const key of this.#listeners.keys()) this.#tell(key, SILENCE);
  }

  listen(key: string, listener: (level: Level) => void): () => void {
    const set = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, set);
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0) this.#listeners.delete(key);
    };
  }

  #tell(key: string, level: Level): void {
    for (const listener of this.#listeners.get(key) ?? []) listener(level);
  }
}

/** Lowest level a meter shows. */
export const FLOOR = -60;

/** Where a level stands on a meter, 0 at {@link FLOOR} to 1 at 0 dBFS. */
export function meterPosition(db: number): number {
  return Math.min(1, Math.max(0, (db - FLOOR) / -FLOOR));
}

/** What a meter shows: peaks fall slowly, the highest one stays for a moment. */
export class Ballistics {
  peak: [number, number] = [-120, -120];
  rms: [number, number] = [-120, -120];
  hold: [number, number] = [-120, -120];
  #held: [number, number] = [0, 0];
  #at = 0;

  /** A level arrives at `now` (ms). */
  take(level: Level, now: number): void {
    const seconds = this.#at === 0 ? 0 : Math.min(1, (now - this.#at) / 1000);
    this.#at = now;
    for (const side of [0, 1] as const) {
      // 20 dB a second, as broadcast peak meters fall.
      this.peak[side] = Math.max(level.peak[side], this.peak[side] - 20 * seconds);
      this.rms[side] = Math.max(level.rms[side], this.rms[side] - 40 * seconds);
      if (level.peak[side] >= this.hold[side] || now - this.#held[side] > 1500) {
        this.hold[side] = level.peak[side];
        this.#held[side] = now;
      }
    }
  }

  /** Whether there is still something to see. */
  get quiet(): boolean {
    return this.peak[0] <= FLOOR && this.peak[1] <= FLOOR && this.hold[0] <= FLOOR && this.hold[1] <= FLOOR;
  }
}
