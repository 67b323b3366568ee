import { type Place, placeOf } from './place';

export { PROGRAM, pastPath, showPath, watchPath } from './place';

class Router {
  place = $state.raw<Place>(placeOf(location.pathname, location.search));
  /** The page that somebody came to, by its title: read out, as a browser does of a page that it loads. */
  said = $state('');
  #moved = false;

  constructor() {
    addEventListener('popstate', () => this.#look());
    document.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = (event.target as Element).closest<HTMLAnchorElement>('a[href]');
      if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
      // A place on this page is the browser's to go to, with the focus.
      if (link.hash !== '' && link.pathname === location.pathname && link.search === location.search) return;
      const { page } = placeOf(link.pathname, link.search);
      // The doctor's page runs under a policy of its own, which it is only given when it is fetched.
      if (page === 'nowhere' || page === 'doctor') return;
      event.preventDefault();
      history.pushState(null, '', link.href);
      this.#look();
      scrollTo(0, 0);
    });
  }

  /** A page is there: who came to it within the station goes on from its beginning, not from where a link was. */
  arrived(): void {
    if (!this.#moved) return;
    const main = document.getElementById('main');
    if (!main?.contains(document.activeElement)) main?.focus({ preventScroll: true });
    this.tell();
  }

  /** The title has become that of the page. */
  tell(): void {
    if (this.#moved) this.said = document.title;
  }

  #look(): void {
    this.#moved = true;
    this.place = placeOf(location.pathname, location.search);
  }
}

export const router = new Router();
