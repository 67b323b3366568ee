import { type Place, placeOf } from './place';

export { PROGRAM, pastPath, showPath, watchPath } from './place';

class Router {
  place = $state.raw<Place>(placeOf(location.pathname, location.search));

  constructor() {
    addEventListener('popstate', () => this.#look());
    document.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = (event.target as Element).closest<HTMLAnchorElement>('a[href]');
      if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
      const { page } = placeOf(link.pathname, link.search);
      // The doctor's page runs under a policy of its own, which it is only given when it is fetched.
      if (page === 'nowhere' || page === 'doctor') return;
      event.preventDefault();
      history.pushState(null, '', link.href);
      this.#look();
      scrollTo(0, 0);
    });
  }

  #look(): void {
    this.place = placeOf(location.pathname, location.search);
  }
}

export const router = new Router();
