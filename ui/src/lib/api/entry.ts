import type { Entry } from './bindings';
import { problemFrom } from './problem';

/**
 * Exchanges a passphrase, or the secret of a link, for the right to a private channel. The browser keeps
 * it as a cookie; the token is for what carries no cookies.
 */
export async function enter(channel: string, by: { passphrase: string } | { key: string }): Promise<Entry> {
  const response = await fetch(`/api/channels/${encodeURIComponent(channel)}/entry`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(by),
    cache: 'no-store',
  });
  if (!response.ok) throw await problemFrom(response);
  return (await response.json()) as Entry;
}
