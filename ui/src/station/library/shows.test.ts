import { describe, expect, it } from 'vitest';
import type { Film, Message, Show } from '$lib/api';
import { chapterAt, chapters, clips, face, faster, facts, goesOnAt, heardBy, opened, parts, within } from './shows';

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
  pictured: false,
  films: [film(1, 'recording', 100_000, 30_000), film(3, 'clip', 110_000, 5_000), film(2, 'recording', 130_000)],
  markers: [
    { at: 110_000, label: 'Goal' },
    { at: 140_000, label: 'Later' },
  ],
};

describe('the player of a film', () => {
  it('knows which chapter a place belongs to', () => {
    const all = [
      { at: 3, label: 'First' },
      { at: 8, label: 'Second' },
    ];
    expect([0, 2.9, 3, 7.9, 8, 99].map((at) => chapterAt(all, at))).toEqual([-1, -1, 0, 0, 1, 1]);
    expect(chapterAt([], 5)).toBe(-1);
  });

  it('plays faster and slower within its speeds', () => {
    const speeds = [0.5, 1, 2];
    expect([0.5, 1, 2].map((now) => faster(speeds, now, true))).toEqual([1, 2, 2]);
    expect([0.5, 1, 2].map((now) => faster(speeds, now, false))).toEqual([0.5, 0.5, 1]);
  });
});

describe('a show', () => {
  it('is its finished recordings; clips stand beside', () => {
    expect(parts(show).map((one) => one.id)).toEqual([1]);
    expect(clips(show).map((one) => one.id)).toEqual([3]);
    expect(face(show)?.id).toBe(1);
  });

  it('is not known by a clip that is deleted', () => {
    const kept: Show = { ...show, films: [{ ...film(3, 'clip', 110_000, 5_000), deleted: 1 }, film(4, 'clip', 120_000, 5_000)] };
    expect(clips(kept).map((one) => one.id)).toEqual([4]);
    expect(face(kept)?.id).toBe(4);
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

  it('has its moments and its chat in time behind where the recording stood still', () => {
    // 10 s in it stands still for 20 s, and another 5 s in for 4 s.
    const paused: Film = {
      ...film(4, 'recording', 100_000, 30_000),
      pauses: [
        { at: 110_000, length_ms: 20_000 },
        { at: 135_000, length_ms: 4_000 },
      ],
    };
    const moments = [99_000, 109_000, 110_000, 120_000, 130_000, 132_000, 137_000, 140_000, 154_000, 155_000];
    // What happens in a pause lies where the film goes on.
    expect(moments.map((at) => within(paused, at))).toEqual([null, 9, 10, 10, 10, 12, 15, 16, 30, null]);
    const said = moments.map((at, id): Message => ({ id, name: 'x', role: 'viewer', text: '', at }));
    const heard = (at: number): number[] => heardBy(paused, said, at).map((message) => message.at);
    expect(heard(9.9)).toEqual([99_000, 109_000]);
    expect(heard(12)).toEqual([99_000, 109_000, 110_000, 120_000, 130_000, 132_000]);
  });

  it('says to the host where it was live', () => {
    expect(facts(show, 0)).not.toContain('also on');
    expect(facts({ ...show, destinations: ['Hall', 'Twitch'] }, 0)).toContain('also on Hall, Twitch');
  });

  it('goes on where one left, but for the very beginning and end', () => {
    expect([3, 60, 111, 130, Number.NaN].map((left) => goesOnAt(left, 120))).toEqual([0, 60, 0, 0, 0]);
  });

  it('opens with the film that is asked for, else with the one that was left last', () => {
    const all = [film(1, 'recording', 0, 1), film(2, 'recording', 1, 1), film(3, 'clip', 0, 1)];
    const of = (asked: number, left: number): number | undefined => opened(all, asked, left)?.id;
    expect(of(3, 2)).toBe(3);
    // An address without a film says 0; a film that was left may have been deleted since.
    expect([of(0, 2), of(9, 2), of(0, 0), of(0, 9), of(0, Number.NaN)]).toEqual([2, 2, 1, 1, 1]);
    expect(opened([], 1, 1)).toBeNull();
  });
});
