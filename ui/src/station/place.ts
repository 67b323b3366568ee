/** Where a page of the station is. */
export type Place =
  | { page: 'home' }
  | { page: 'watch'; channel: string }
  | { page: 'broadcast' }
  | { page: 'trust' }
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
    try {
      return { page: 'watch', channel: decodeURIComponent(parts[1] ?? PROGRAM) };
    } catch {
      return { page: 'nowhere', path };
    }
  }
  if (parts[0] === 'trust' && parts.length === 1) return { page: 'trust' };
  return { page: 'nowhere', path };
}

export const watchPath = (channel: string): string => `/watch/${encodeURIComponent(channel)}`;
