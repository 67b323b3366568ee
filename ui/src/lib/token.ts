const TOKEN = 'klieg.control.token';

/**
 * The token out of the control link (`/studio#token=…`). It moves out of the address at once, so
 * that a shared screen does not show it, and lasts as long as the tab.
 */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    keepToken(given);
    history.replaceState(null, '', location.pathname + location.search);
    return given;
  }
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

export function keepToken(token: string): void {
  try {
    sessionStorage.setItem(TOKEN, token);
  } catch {
    // No storage: the token lasts as long as the page.
  }
}
