import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerWith, fragmentOf, restart } from './restart';

const OFFER = 'v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=ice-ufrag:new\r\na=ice-pwd:newpassword\r\na=mid:0\r\nm=audio 9 X 1\r\na=ice-ufrag:new\r\na=mid:1\r\n';
const ANSWER = 'v=0\r\nm=video 9 X 102\r\na=ice-ufrag:old\r\na=ice-pwd:oldpassword\r\na=candidate:1\r\na=candidate:2\r\na=mid:0\r\nm=audio 9 X 1\r\na=ice-ufrag:old\r\n';
const FRAGMENT = 'm=video 9 X 102\r\na=mid:0\r\na=ice-ufrag:theirs\r\na=ice-pwd:theirpassword\r\na=candidate:3\r\na=end-of-candidates\r\n';

describe('a path that is looked for anew', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is named in a fragment, and answered by one', () => {
    expect(fragmentOf(OFFER)).toBe('a=ice-ufrag:new\r\na=ice-pwd:newpassword\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\n');
    expect(answerWith(ANSWER, FRAGMENT)).toBe(
      'v=0\r\nm=video 9 X 102\r\na=ice-ufrag:theirs\r\na=ice-pwd:theirpassword\r\na=candidate:3\r\na=mid:0\r\nm=audio 9 X 1\r\na=ice-ufrag:theirs\r\n',
    );
  });

  it('is asked for at the address of the session, for whichever ICE session that has', async () => {
    const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response(FRAGMENT));
    vi.stubGlobal('fetch', fetch);
    const connection = {
      remoteDescription: { sdp: ANSWER },
      createOffer: vi.fn(async () => ({ type: 'offer', sdp: OFFER })),
      setLocalDescription: vi.fn(async () => undefined),
      setRemoteDescription: vi.fn(async () => undefined),
    };
    await restart(connection as unknown as RTCPeerConnection, '/a/whip/s', { Authorization: 'Bearer k' });
    expect(connection.createOffer).toHaveBeenCalledWith({ iceRestart: true });
    const [url, init] = fetch.mock.calls[0]!;
    expect([url, init.method, init.body]).toEqual(['/a/whip/s', 'PATCH', fragmentOf(OFFER)]);
    expect(init.headers).toMatchObject({ 'If-Match': '*', Authorization: 'Bearer k' });
    expect(connection.setRemoteDescription).toHaveBeenCalledWith({ type: 'answer', sdp: answerWith(ANSWER, FRAGMENT) });
    fetch.mockResolvedValueOnce(new Response(null, { status: 404 }));
    await expect(restart(connection as unknown as RTCPeerConnection, '/a/whip/s', {})).rejects.toThrow('404');
  });
});
