import type { Channel, OwnBroadcast, Trust } from './bindings';
import { problemFrom } from './problem';

/** Every channel of the station. */
export async function channels(signal?: AbortSignal): Promise<Channel[]> {
  const response = await fetch('/api/channels', { signal: signal ?? null, cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as Channel[];
}

/** One channel; nothing when the station does not know it. */
export async function channel(name: string, signal?: AbortSignal): Promise<Channel | null> {
  const response = await fetch(`/api/channels/${encodeURIComponent(name)}`, { signal: signal ?? null, cache: 'no-store' });
  if (response.status === 404) return null;
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as Channel;
}

/**
 * How a broadcast of this page's own stands; nothing when there is none that is known. With a key the
 * station says more; without, what it says to anyone.
 */
export async function ownBroadcast(name: string, key: string | null, signal?: AbortSignal): Promise<OwnBroadcast | null> {
  if (key) {
    const headers = { Authorization: `Bearer ${key}` };
    const response = await fetch(`/api/publishers/${encodeURIComponent(name)}`, { headers, signal: signal ?? null, cache: 'no-store' });
    if (response.ok) return (await response.json()) as OwnBroadcast;
  }
  const found = await channel(name, signal);
  return found?.state === 'live' ? { guest: false, standing: 'live', shown: false, on_air: false } : null;
}

/** What a device needs to trust the station over HTTPS; of this page's own station, or of the one at an address. */
export async function trust(http = ''): Promise<Trust> {
  const response = await fetch(`${http}/api/trust`, { cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as Trust;
}
