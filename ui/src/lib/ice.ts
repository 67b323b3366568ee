/** How long the station has to tell of its servers; an offer goes without them then. */
const ASK_MS = 1500;

let asked: Promise<RTCIceServer[]> | null = null;

/** STUN and TURN servers that the station tells of (RFC 9725, section 4.6). They are asked for once a page. */
export function iceServers(): Promise<RTCIceServer[]> {
  asked ??= ask().catch(() => {
    asked = null;
    return [];
  });
  return asked;
}

async function ask(): Promise<RTCIceServer[]> {
  const response = await fetch('/program/whep', { method: 'OPTIONS', signal: AbortSignal.timeout(ASK_MS) });
  return serversOf(response.headers.get('Link') ?? '');
}

/** The servers in the values of `Link` headers: `<turn:host>; rel="ice-server"; username="a"; credential="b"`. */
export function serversOf(links: string): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const [, urls, rest] of links.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+="(?:[^"\\]|\\.)*")*)/g)) {
    if (!urls || rest === undefined) continue;
    const named = new Map<string, string>();
    for (const [, name, value] of rest.matchAll(/;\s*([\w-]+)="((?:[^"\\]|\\.)*)"/g)) {
      if (name && value !== undefined) named.set(name.toLowerCase(), value.replace(/\\(.)/g, '$1'));
    }
    if (named.get('rel') !== 'ice-server') continue;
    const server: RTCIceServer = { urls };
    const username = named.get('username');
    const credential = named.get('credential');
    if (username !== undefined) server.username = username;
    if (credential !== undefined) server.credential = credential;
    servers.push(server);
  }
  return servers;
}
