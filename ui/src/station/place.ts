/** Where a page of the station is. */
export type Place =
  | { page: 'home' }
  | { page: 'watch'; channel: string }
  | { page: 'broadcast' }
  | { page: 'trust' }
  | { page: 'doctor' }
  | { page: 'dashboard' }
  | { page: 'library'; channel: string | null }
  | { page: 'show'; id: string }
  | { page: 'nowhere'; path: string };

/** The channel that the studio's own program goes out on. */
export const PROGRAM = 'program';

/** The place of an address; `/?broadcaster=true` and `/?viewer=true` are what older links say. */
export function placeOf(path: string, search = ''): Place {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length === 0) return new URLSearchParams(search).get('broadcaster') === 'true' ? { page: 'broadcast' } : { page: 'home' };
  if (parts[0] === 'broadcast' && parts.length === 1) {
    return new URLSearchParams(search).get('viewer') === 'true' ? { page: 'home' } : { page: 'broadcast' };
  }
  if (parts[0] === 'watch' && parts.length <= 2) {
    const channel = parts[1] ?? PROGRAM;
    return /^[\w-]{1,64}$/.test(channel) ? { page: 'watch', channel } : { page: 'nowhere', path };
  }
  if (parts[0] === 'trust' && parts.length === 1) return { page: 'trust' };
  if (parts[0] === 'doctor' && parts.length === 1) return { page: 'doctor' };
  if (parts[0] === 'dashboard' && parts.length === 1) return { page: 'dashboard' };
  if (parts[0] === 'library' && parts.length === 1) return { page: 'library', channel: null };
  if (parts[0] === 'library' && parts.length === 2 && /^[0-9a-f]+$/.test(parts[1] ?? '')) return { page: 'show', id: parts[1] ?? '' };
  if (parts[0] === 'u' && parts.length === 2) {
    try {
      return { page: 'library', channel: decodeURIComponent(parts[1] ?? '') };
    } catch {
      return { page: 'nowhere', path };
    }
  }
  return { page: 'nowhere', path };
}

export const showPath = (id: string): string => `/library/${id}`;
export const pastPath = (channel: string): string => `/u/${encodeURIComponent(channel)}`;
export const watchPath = (channel: string): string => `/watch/${encodeURIComponent(channel)}`;
