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

/** A key lasts as long as its tab. */
export function recallKey(): string {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

export function rememberKey(key: string): void {
  try {
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
