/** What a publisher chose, kept in this browser. */
export interface Memory {
  name: string;
  camera: string;
  microphone: string;
  /** Whether a microphone is heard. */
  speaks: boolean;
  quality: string;
  /** Bits per second; nothing for what suits the quality. */
  bitrate: number | null;
  /** Whether a file begins anew at its end. */
  looped: boolean;
}

const PLACE = 'klieg.broadcast';
const KEY = 'klieg.broadcast.key';
/** The key of a link, which the page does not show. */
const LINK = 'klieg.broadcast.link';

const fresh: Memory = { name: '', camera: '', microphone: '', speaks: true, quality: '720p', bitrate: null, looped: true };

export function recall(): Memory {
  try {
    return read(localStorage.getItem(PLACE));
  } catch {
    return { ...fresh };
  }
}

export function remember(memory: Memory): void {
  try {
    localStorage.setItem(PLACE, JSON.stringify(memory));
  } catch {
    // A private window: it lasts as long as the page.
  }
}

/** The key to publish with, and the one that a link brought. They last as long as their tab. */
export interface Keys {
  key: string;
  link: string | null;
}

/** The key of the link that led here, or of before. It leaves the address at once, so that a shared screen does not show it. */
export function takeKey(): Keys {
  const query = new URLSearchParams(location.search);
  const given = query.get('key');
  if (given !== null) {
    query.delete('key');
    const rest = query.toString().replace(/=(?=&|$)/g, '');
    history.replaceState(null, '', location.pathname + (rest === '' ? '' : `?${rest}`) + location.hash);
  }
  try {
    if (given) sessionStorage.setItem(LINK, given);
    const link = sessionStorage.getItem(LINK);
    return { key: link ?? sessionStorage.getItem(KEY) ?? '', link };
  } catch {
    return { key: given ?? '', link: given };
  }
}

export function rememberKey({ key, link }: Keys): void {
  try {
    // Another than the link's was typed: it is the one from now on.
    if (key !== link) sessionStorage.removeItem(LINK);
    sessionStorage.setItem(KEY, key);
  } catch {
    // As above.
  }
}

/** What was kept, as far as it is what it should be. */
export function read(text: string | null): Memory {
  const known = { ...fresh };
  let found: unknown;
  try {
    found = JSON.parse(text ?? 'null');
  } catch {
    return known;
  }
  if (typeof found !== 'object' || found === null) return known;
  for (const [name, value] of Object.entries(found)) {
    if (!(name in known)) continue;
    const like = typeof fresh[name as keyof Memory];
    if (name === 'bitrate' ? typeof value === 'number' && value > 0 : typeof value === like) Object.assign(known, { [name]: value });
  }
  return known;
}
