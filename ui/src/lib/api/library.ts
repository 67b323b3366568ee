import type { Message, Show } from './bindings';
import type { Door } from './operate';
import { problemFrom } from './problem';

/** The station that this page came from, as anyone sees it. */
export const HERE: Door = { http: '', token: null };

async function get<T>(door: Door, path: string, signal?: AbortSignal): Promise<T> {
  const headers: HeadersInit = door.token ? { Authorization: `Bearer ${door.token}` } : {};
  const response = await fetch(`${door.http}${path}`, { headers, signal: signal ?? null, cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as T;
}

/** Shows that are over or going on, the newest first. */
export function shows(door: Door, channel: string | null, before: number | null, signal?: AbortSignal): Promise<Show[]> {
  const query = new URLSearchParams({ limit: '50' });
  if (channel !== null) query.set('channel', channel);
  if (before !== null) query.set('before', String(before));
  return get(door, `/api/library?${query}`, signal);
}

export const show = (door: Door, id: string, signal?: AbortSignal): Promise<Show> => get(door, `/api/library/${id}`, signal);

export const said = (door: Door, id: string, signal?: AbortSignal): Promise<Message[]> => get(door, `/api/library/${id}/chat`, signal);

/** Where a film is played from. */
export const filmPath = (id: number): string => `/media/${id}.mp4`;

/** A picture of a film at a moment; without one, what it is known by. */
export const stillPath = (id: number, atMs?: number): string => `/media/${id}.jpg${atMs === undefined ? '' : `?at=${Math.round(atMs)}`}`;

/** The picture of a show that is kept beside its films. */
export const showPicturePath = (id: string): string => `/api/library/${id}/picture.jpg`;

/** A picture as an address of this page's own: for those that only the host may see. */
async function own(door: Door, path: string): Promise<string | null> {
  const headers: HeadersInit = door.token ? { Authorization: `Bearer ${door.token}` } : {};
  const response = await fetch(`${door.http}${path}`, { headers }).catch(() => null);
  return response?.ok ? URL.createObjectURL(await response.blob()) : null;
}

export const still = (door: Door, id: number): Promise<string | null> => own(door, stillPath(id));

export const showPicture = (door: Door, id: string): Promise<string | null> => own(door, showPicturePath(id));

/** A picture of what is kept behind a channel's live picture, by when it was shown, in milliseconds since 1970 UTC. */
export const stillBehind = (door: Door, channel: string, at: number): Promise<string | null> =>
  own(door, `/api/channels/${encodeURIComponent(channel)}/behind.jpg?at=${at}`);
