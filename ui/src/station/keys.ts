import { asProblem, enter } from '$lib/api';

/** What a link carried beyond the place it leads to. */
interface Keys {
  /** A link to watch. */
  readonly watch: string | null;
  /** A link to moderate. It lasts as long as the tab. */
  readonly moderate: string | null;
}

const KEPT = 'klieg.moderate.';

/** What a page about a channel begins with: the right that the link brought, or what is wrong with the link. */
export async function arrive(channel: string): Promise<{ key: string | null; problem: string | null }> {
  const { watch, moderate } = takeKeys(channel);
  const secret = moderate ?? watch;
  if (secret === null) return { key: null, problem: null };
  try {
    await enter(channel, { key: secret });
    return { key: secret, problem: null };
  } catch (thrown) {
    const refused = asProblem(thrown);
    if (refused.code !== 'unauthorized') return { key: secret, problem: refused.message };
    forgetModerate(channel);
    return { key: null, problem: refused.message };
  }
}

/** Takes the secrets out of the address at once, so that a shared screen or a copied address does not show them. */
function takeKeys(channel: string): Keys {
  const query = new URLSearchParams(location.search);
  const hash = new URLSearchParams(location.hash.slice(1));
  const watch = query.get('key');
  const given = hash.get('moderate');
  if (watch !== null || given !== null) {
    query.delete('key');
    const rest = query.toString();
    history.replaceState(null, '', location.pathname + (rest === '' ? '' : `?${rest}`));
  }
  if (given !== null) keep(channel, given);
  return { watch, moderate: given ?? recall(channel) };
}

/** Forgets a link to moderate that opens nothing any more. */
function forgetModerate(channel: string): void {
  try {
    sessionStorage.removeItem(KEPT + channel);
  } catch {
    // No storage: nothing was kept.
  }
}

function keep(channel: string, secret: string): void {
  try {
    sessionStorage.setItem(KEPT + channel, secret);
  } catch {
    // No storage: it lasts as long as the page.
  }
}

function recall(channel: string): string | null {
  try {
    return sessionStorage.getItem(KEPT + channel);
  } catch {
    return null;
  }
}
