import { describe, expect, it } from 'vitest';
import type { Film, Show } from '$lib/api';
import { chapters, clips, face, facts, goesOnAt, parts, within } from './shows';

const film = (id: number, kind: Film['kind'], began: number, ms?: number): Film => ({
  id,
  kind,
  title: `Film ${id}`,
  file: `${id}.mp4`,
  began,
  away: false,
  ...(ms === undefined ? {} : { duration_ms: ms, bytes: 1 }),
});

const show: Show = {
  id: 'a1',
  channel: 'program',
  title: 'Morning',
  description: '',
  began: 100_000,
  ended: 160_000,
  aired: true,
  interrupted: false,
  peak: 3,
  hidden: false,
  protected: false,
  films: [film(1, 'recording', 100_000, 30_000), film(3, 'clip', 110_000, 5_000), film(2, 'recording', 130_000)],
  markers: [
    { at: 110_000, label: 'Goal' },
    { at: 140_000, label: 'Later' },
  ],
};

describe('a show', () => {
  it('is its finished recordings; clips stand beside', () => {
    expect(parts(show).map((one) => one.id)).toEqual([1]);
    expect(clips(show).map((one) => one.id)).toEqual([3]);
    expect(face(show)?.id).toBe(1);
  });

  it('says how long it was and what is missing', () => {
    expect(facts(show, 0)).toMatch(/ · 1:00 · 3 viewers$/);
    expect(facts({ ...show, films: [], interrupted: true, peak: 0 }, 0)).toMatch(/ · 1:00 · not recorded · cut off$/);
  });

  it('has its marked moments as chapters where they lie in a film', () => {
    const [first] = parts(show);
    if (!first) throw new Error('a film');
    expect(chapters(show, first)).toEqual([{ at: 10, label: 'Goal' }]);
    expect(within(first, 99_999)).toBeNull();
    expect(within(first, 130_000)).toBe(30);
  });

  it('says to the host where it was live', () => {
    expect(facts(show, 0)).not.toContain('also on');
    expect(facts({ ...show, destinations: ['Hall', 'Twitch'] }, 0)).toContain('also on Hall, Twitch');
  });

  it('goes on where one left, but for the very beginning and end', () => {
    expect([3, 60, 111, 130, Number.NaN].map((left) => goesOnAt(left, 120))).toEqual([0, 60, 0, 0, 0]);
  });
});
