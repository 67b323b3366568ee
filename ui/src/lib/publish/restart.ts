/** The type of fragments of SDP (RFC 8840). */
const FRAGMENT = 'application/trickle-ice-sdpfrag';

/**
 * Looks for a path anew, as after a change of network, while the session and its channel go on (RFC 9725,
 * section 4.3.2). What fails leaves the connection as it is: the caller sees whether it comes back.
 */
export async function restart(connection: RTCPeerConnection, resource: string, headers: Record<string, string>): Promise<void> {
  const answered = connection.remoteDescription?.sdp;
  if (!answered) return;
  const offer = await connection.createOffer({ iceRestart: true });
  await connection.setLocalDescription(offer);
  const response = await fetch(resource, {
    method: 'PATCH',
    headers: { 'Content-Type': FRAGMENT, 'If-Match': '*', ...headers },
    body: fragmentOf(offer.sdp ?? ''),
    signal: AbortSignal.timeout(3000),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  await connection.setRemoteDescription({ type: 'answer', sdp: answerWith(answered, await response.text()) });
}

const lines = (sdp: string): string[] => sdp.split(/\r?\n/).filter((line) => line);

/** What an offer says of its path, for its first section. The station learns our addresses by our checks. */
export function fragmentOf(sdp: string): string {
  const all = lines(sdp);
  const first = (start: string): string[] => all.filter((line) => line.startsWith(start)).slice(0, 1);
  const said = [...first('a=ice-ufrag:'), ...first('a=ice-pwd:'), ...first('m='), ...first('a=mid:')];
  return said.map((line) => `${line}\r\n`).join('');
}

/** An earlier answer with the path that a fragment names in place of its own. */
export function answerWith(answer: string, fragment: string): string {
  const said = lines(fragment);
  const named = (start: string, old: string): string => said.find((line) => line.startsWith(start)) ?? old;
  const candidates = said.filter((line) => line.startsWith('a=candidate:'));
  let placed = false;
  const renewed = lines(answer).flatMap((line) => {
    if (line.startsWith('a=ice-ufrag:')) return [named('a=ice-ufrag:', line)];
    if (line.startsWith('a=ice-pwd:')) return [named('a=ice-pwd:', line)];
    if (!line.startsWith('a=candidate:')) return [line];
    // Where the first of the old ones stands: in the section that carries them.
    if (placed) return [];
    placed = true;
    return candidates;
  });
  return renewed.map((line) => `${line}\r\n`).join('');
}
