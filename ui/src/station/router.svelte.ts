/** Where a page of the station is. */
export type Place = { page: 'home' } | { page: 'watch'; channel: string } | { page: 'nowhere'; path: string };

/** The channel that the studio's own program goes out on. */
export const PROGRAM = 'program';

export function placeOf(path: string): Place {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length === 0) return { page: 'home' };
  if (parts[0] === 'watch' && parts.length <= 2) {
    try {
      return { page: 'watch', channel: decodeURIComponent(parts[1] ?? PROGRAM) };
    } catch {
      return { page: 'nowhere', path };
    }
  }
  return { page: 'nowhere', path };
}

export const watchPath = (channel: string): string => `/watch/${encodeURIComponent(channel)}`;

class Router {
  place = $state.raw<Place>(placeOf(location.pathname));

  constructor() {
    addEventListener('popstate', () => this.#look());
    document.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = (event.target as Element).closest<HTMLAnchorElement>('a[href]');
      if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
      if (placeOf(link.pathname).page === 'nowhere') return;
      event.preventDefault();
      history.pushState(null, '', link.href);
      this.#look();
      scrollTo(0, 0);
    });
  }

  #look(): void {
    this.place = placeOf(location.pathname);
  }
}

export const router = new Router();
