import type { Film, Marker, Message, Show } from '$lib/api';
import { duration } from '$lib/format';
import { moment, plural, t } from '$lib/words';

/** The recordings of a show, which are played one after the other, without its clips. */
export const parts = (show: Show): Film[] => show.films.filter((film) => film.kind === 'recording' && film.duration_ms !== undefined);

export const clips = (show: Show): Film[] => show.films.filter((film) => film.kind === 'clip' && film.duration_ms !== undefined && film.deleted === undefined);

/** The film that a show is known by. */
export const face = (show: Show): Film | undefined => parts(show).find((film) => (film.duration_ms ?? 0) > 0) ?? clips(show)[0];

/** How long it was, in milliseconds. */
export const length = (show: Show, now: number): number => (show.ended ?? now) - show.began;

/** What stands below a title. */
export function facts(show: Show, now: number): string {
  const when = moment(show.began, { dateStyle: 'medium', timeStyle: 'short' });
  const all = [
    when,
    show.ended === undefined ? t('going on') : duration(length(show, now)),
    show.peak > 0 ? plural(show.peak, '{count} viewer', '{count} viewers') : null,
    parts(show).length === 0 ? t('not recorded') : null,
    show.interrupted ? t('cut off') : null,
    // The host alone is told.
    (show.destinations ?? []).length > 0 ? t('also on {names}', { names: (show.destinations ?? []).join(', ') }) : null,
  ];
  return all.filter((fact) => fact !== null).join(' · ');
}

/** How far into a film a moment comes, in seconds, less than 0 before it. What its recording stood still is not in it. */
export function into(film: Film, at: number): number {
  const lost = (film.pauses ?? []).map((pause) => Math.min(Math.max(at - pause.at, 0), pause.length_ms));
  return (at - film.began - lost.reduce((sum, ms) => sum + ms, 0)) / 1000;
}

/** Where in a film a marked moment lies, in seconds; nothing outside of it. */
export function within(film: Film, at: number): number | null {
  const seconds = into(film, at);
  return seconds >= 0 && seconds * 1000 <= (film.duration_ms ?? 0) ? seconds : null;
}

/** A marked moment of a film. */
export interface Chapter {
  /** In seconds. */
  at: number;
  label: string;
}

/** The chapters of a film. */
export function chapters(show: Show, film: Film): Chapter[] {
  const placed = show.markers.map((marker: Marker) => ({ at: within(film, marker.at), label: marker.label }));
  return placed.filter((one): one is Chapter => one.at !== null);
}

/** Which chapter a place in a film belongs to, from 0; -1 before the first. */
export const chapterAt = (all: readonly Chapter[], at: number): number => all.findLastIndex((one) => one.at <= at + 0.05);

/** The next of these speeds, or the one before; the last and the first stay. */
export function faster(speeds: readonly number[], now: number, up: boolean): number {
  const next = speeds.indexOf(now) + (up ? 1 : -1);
  return speeds[next] ?? now;
}

/** What was said up to a place in a film, in seconds. */
export const heardBy = (film: Film, chat: readonly Message[], at: number): Message[] => chat.filter((message) => into(film, message.at) <= at);

/** Where one goes on in a film of so many seconds, that was left at some: not at its very beginning or end. */
export const goesOnAt = (left: number, total: number): number => (left > 5 && left < total - 10 ? left : 0);

/** The film of a show that is opened, by number: the one that is asked for, else the one that was left last, else the first. */
export const opened = (all: readonly Film[], asked: number, left: number): Film | null =>
  all.find((film) => film.id === asked) ?? all.find((film) => film.id === left) ?? all[0] ?? null;
