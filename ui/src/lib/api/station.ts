import type { Channel, Trust } from './bindings';
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

/** What a device needs to trust the station over HTTPS. */
export async function trust(): Promise<Trust> {
  const response = await fetch('/api/trust', { cache: 'no-store' });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as Trust;
}
