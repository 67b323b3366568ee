import { asProblem, enter } from '$lib/api';

/** What each tab keeps its links under: the name of their channel follows, and none for a link to any of them. */
const MODERATE = 'klieg.moderate.';
const WATCH = 'klieg.watch.';

/** What the tab keeps, where it keeps nothing: as long as the page. */
const page = new Map<string, string>();

/**
 * What a page about a channel begins with: the right that a link brought, its own before one to any
 * channel, or what is wrong with the link.
 */
export async function arrive(channel: string): Promise<{ key: string | null; problem: string | null }> {
  const watch = takeKeys(channel);
  const tries = [
    [recall(MODERATE + channel) ?? watch, MODERATE + channel],
    [recall(MODERATE), MODERATE],
    [recall(WATCH), WATCH],
  ] as const;
  let problem: string | null = null;
  for (const [secret, place] of tries) {
    if (secret === null) continue;
    try {
      await enter(channel, { key: secret });
      return { key: secret, problem: null };
    } catch (thrown) {
      const refused = asProblem(thrown);
      if (refused.code !== 'unauthorized') return { key: secret, problem: refused.message };
      problem ??= refused.message;
      // It opens nothing any more: a link to any channel is refused by none before it is taken back.
      forget(place);
    }
  }
  return { key: null, problem };
}

/**
 * Takes the secrets out of the address at once, so that a shared screen or a copied address does not
 * show them, and keeps what is for more than this page. Without a channel they are for any.
 *
 * @returns what opens the channel for this page alone.
 */
export function takeKeys(channel = ''): string | null {
  const query = new URLSearchParams(location.search);
  const watch = query.get('key');
  const moderate = new URLSearchParams(location.hash.slice(1)).get('moderate');
  if (watch !== null || moderate !== null) {
    query.delete('key');
    const rest = query.toString();
    history.replaceState(null, '', location.pathname + (rest === '' ? '' : `?${rest}`));
  }
  if (moderate !== null) keep(MODERATE + channel, moderate);
  if (watch !== null && channel === '') keep(WATCH, watch);
  return watch;
}

function keep(place: string, secret: string): void {
  page.set(place, secret);
  try {
    sessionStorage.setItem(place, secret);
  } catch {
    // No storage: it lasts as long as the page.
  }
}

function recall(place: string): string | null {
  try {
    return page.get(place) ?? sessionStorage.getItem(place);
  } catch {
    return null;
  }
}

function forget(place: string): void {
  page.delete(place);
  try {
    sessionStorage.removeItem(place);
  } catch {
    // As above.
  }
}
