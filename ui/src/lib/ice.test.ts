import { afterEach, describe, expect, it, vi } from 'vitest';
import { serversOf } from './ice';

describe('servers that help to a path', () => {
  it('are read from the links of the station', () => {
    const links =
      '<stun:10.0.0.1:3478>; rel="ice-server", <turn:10.0.0.1:3478?transport=udp>; rel="ice-server"; ' +
      'username="a \\"b\\", c"; credential="d\\\\e"; credential-type="password", <https://x>; rel="next"';
    expect(serversOf(links)).toEqual([
      { urls: 'stun:10.0.0.1:3478' },
      { urls: 'turn:10.0.0.1:3478?transport=udp', username: 'a "b", c', credential: 'd\\e' },
    ]);
    for (const none of ['', 'nonsense', '<stun:x>', '<stun:x>; rel=ice']) expect(serversOf(none)).toEqual([]);
  });
});

describe('the station', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('is asked once, and again only when it did not answer', async () => {
    const answers = [() => Promise.reject(new Error('gone')), async () => new Response(null, { headers: { Link: '<stun:x>; rel="ice-server"' } })];
    const fetch = vi.fn(() => answers.shift()?.() ?? Promise.reject(new Error('once too often')));
    vi.stubGlobal('fetch', fetch);
    const { iceServers } = await import('./ice');
    expect(await iceServers()).toEqual([]);
    expect(await iceServers()).toEqual([{ urls: 'stun:x' }]);
    expect(await iceServers()).toEqual([{ urls: 'stun:x' }]);
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(fetch).toHaveBeenLastCalledWith('/program/whep', expect.objectContaining({ method: 'OPTIONS' }));
  });
});
