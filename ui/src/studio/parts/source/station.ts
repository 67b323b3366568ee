import { problemFrom } from '$lib/api';
import type { DeviceKind } from '$lib/api';
import type { Link } from '../../link/link';

let known: Promise<readonly string[]> | null = null;

/** Font families of the studio's machine; asked for once. */
export function fonts(link: Link): Promise<readonly string[]> {
  known ??= ask(link, '/api/fonts').then(async (response) => (await response.json()) as string[]);
  // Whoever asks after a failure asks anew.
  known.catch(() => (known = null));
  return known;
}

/** A picture of a device, taken now: an address that the caller revokes. */
export async function still(link: Link, kind: DeviceKind, device: string): Promise<string> {
  const query = new URLSearchParams({ kind, device });
  const response = await ask(link, `/api/devices/picture.jpg?${query}`);
  return URL.createObjectURL(await response.blob());
}

async function ask(link: Link, path: string): Promise<Response> {
  const { http, token } = await link.endpoints();
  const response = await fetch(new URL(path, http), { cache: 'no-store', headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw await problemFrom(response);
  return response;
}
