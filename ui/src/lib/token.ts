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

/**
 * The token in what a person pasted: the whole link, or the token alone.
 *
 * @returns nothing where it can be neither: a link cut short, or other words.
 */
export function tokenIn(pasted: string): string | null {
  const text = pasted.trim();
  const part = /token=([^&\s]+)/.exec(text)?.[1];
  try {
    const token = part === undefined ? text : decodeURIComponent(part);
    // What can stand in a header.
    return /^[!-~]+$/.test(token) && !token.includes('://') ? token : null;
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
