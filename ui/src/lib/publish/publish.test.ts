import { describe, expect, it } from 'vitest';
import { faultFrom } from './fault';
import { type Sample, figures, sample } from './figures';
import { likeName, nameProblem } from './name';
import { qualityOf, scaleFor } from './quality';
import { beginAt, h264First, sendStereo } from './sdp';
import { fall, peakOf } from './sound';

describe('names of channels', () => {
  it.each(['a', 'Garden_2', 'a-b', 'x'.repeat(64)])('%s can be one', (name) => expect(nameProblem(name)).toBeNull());

  it.each([
    ['', /Give your channel a name/],
    ['program', /studio’s own/],
    ['x'.repeat(65), /at most 64 characters; this one has 65/],
    ['Ana’s phone', /“Anas-phone” would do/],
    ['Café/1', /“Cafe-1” would do/],
    ['日本', /digits, - and _\.$/],
  ])('%s cannot, and the words say why', (name, words) => expect(nameProblem(name)).toMatch(words));

  it('what is near is a name', () => {
    for (const text of ['  Zoë & Max! ', 'é'.repeat(200), '-a-']) expect(nameProblem(likeName(text))).toBeNull();
  });
});

describe('what is sent', () => {
  it('is never larger than its source, and no larger than wished for', () => {
    const q = qualityOf('720p');
    const cases: [number, number, number][] = [
      [1280, 720, 1],
      [640, 480, 1],
      [1920, 1080, 1.5],
      [1080, 1920, 1.5],
      [3440, 1440, 2.6875],
      [0, 0, 1],
    ];
    for (const [width, height, scale] of cases) expect(scaleFor(q, width, height), `${width}×${height}`).toBe(scale);
  });

  it('is 720p when nothing or nonsense was chosen', () => {
    expect(qualityOf(null).id).toBe('720p');
    expect(qualityOf('9000p').id).toBe('720p');
    expect(qualityOf('360p').bitrate).toBe(800_000);
  });

  it('is H.264, constrained baseline first', () => {
    const line = (profile: string, mode = 1): string => `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`;
    const codecs = [
      { mimeType: 'video/VP8' },
      { mimeType: 'video/rtx' },
      { mimeType: 'video/H264', sdpFmtpLine: line('640c1f') },
      { mimeType: 'video/H264', sdpFmtpLine: line('42e01f', 0) },
      { mimeType: 'video/H264', sdpFmtpLine: line('42001f') },
      { mimeType: 'video/H264', sdpFmtpLine: line('42E01F') },
    ];
    expect(h264First(codecs).map((codec) => codec.sdpFmtpLine?.slice(-23) ?? codec.mimeType)).toEqual([
      'profile-level-id=42E01F',
      'profile-level-id=42001f',
      'profile-level-id=640c1f',
      'profile-level-id=42e01f',
      'video/rtx',
    ]);
    expect(h264First([{ mimeType: 'video/VP8' }, { mimeType: 'video/rtx' }])).toEqual([]);
  });

  it('begins near its bitrate, in stereo', () => {
    const answer = [
      'a=rtpmap:102 H264/90000',
      'a=fmtp:102 packetization-mode=1;profile-level-id=42e01f',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 minptime=10',
      '',
    ].join('\r\n');
    const asked = sendStereo(beginAt(answer, 1_500_000));
    expect(asked).toContain('profile-level-id=42e01f;x-google-start-bitrate=1500\r\n');
    expect(asked).toContain('a=fmtp:111 minptime=10;stereo=1\r\n');
    expect(sendStereo(asked)).toBe(asked);
    expect(beginAt('v=0\r\n', 1)).toBe('v=0\r\n');
  });
});

describe('refusals', () => {
  const told = (status: number, body: string, headers?: Record<string, string>): Promise<{ why: string; message: string; retryAfter: number | null }> =>
    faultFrom(new Response(body, { status, headers }));

  it.each([
    [401, 'key'],
    [403, 'key'],
    [409, 'taken'],
    [404, 'refused'],
    [415, 'refused'],
    [429, 'busy'],
    [503, 'busy'],
  ])('%i is %s, in the words of the station', async (status, why) => {
    expect(await told(status, JSON.stringify({ code: 'x', message: 'These words.' }))).toMatchObject({ why, message: 'These words.' });
  });

  it('tells that the host ended it from a key that does not open the channel', async () => {
    const problem = { code: 'unauthorized', message: 'The host ended this broadcast. Ask them before you begin again.' };
    expect(await told(403, JSON.stringify({ ...problem, subject: 'ended' }))).toMatchObject({ why: 'ended', message: 'The host ended this broadcast.' });
    expect(await told(403, JSON.stringify({ ...problem, subject: 'key' }))).toMatchObject({ why: 'key', message: problem.message });
    for (const text of ['null', 'no JSON', '']) expect((await told(403, text)).why).toBe('key');
    expect((await told(503, JSON.stringify({ ...problem, subject: 'ended' }))).why).toBe('busy');
  });

  it('without words have some of ours', async () => {
    expect((await told(401, '')).message).toMatch(/with a key/);
    expect((await told(404, 'There is nothing at this address.\n')).message).toMatch(/takes no publishers this way/);
    expect((await told(500, '<html>')).message).toMatch(/500/);
    expect((await told(400, 'no video in the offer')).message).toBe('no video in the offer');
  });

  it('say when to come again', async () => {
    expect((await told(503, '', { 'Retry-After': '3' })).retryAfter).toBe(3000);
    expect((await told(503, '')).retryAfter).toBeNull();
  });
});

describe('figures', () => {
  const at = (n: number): Sample => ({
    at: n * 1000,
    bytes: n * 250_000,
    frames: n * 30,
    width: 1280,
    height: 720,
    fps: 0,
    rtt: 0.004,
    loss: 0.01,
    limited: 'none',
    codec: 'H264',
  });

  it('come from two samples', () => {
    expect(figures(at(1), at(2))).toMatchObject({ bitrate: 2_000_000, fps: 30, rtt: 4, loss: 0.01, limited: null });
    expect(figures(null, at(2))).toMatchObject({ bitrate: 0, fps: 0 });
    expect(figures(at(1), { ...at(2), limited: 'cpu' }).limited).toBe('cpu');
  });

  it('read the report of a browser', () => {
    const entries: Record<string, unknown>[] = [
      { id: 'V', type: 'outbound-rtp', kind: 'video', framesEncoded: 3, bytesSent: 100, codecId: 'C', timestamp: 5, frameWidth: 640 },
      { id: 'A', type: 'outbound-rtp', kind: 'audio', bytesSent: 20 },
      { id: 'R', type: 'remote-inbound-rtp', kind: 'video', fractionLost: 0.25 },
      { id: 'P', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.002 },
      { id: 'C', type: 'codec', mimeType: 'video/H264' },
    ];
    const report = new Map(entries.map((e) => [e['id'], e])) as unknown as RTCStatsReport;
    expect(sample(report)).toMatchObject({ bytes: 120, frames: 3, width: 640, rtt: 0.002, loss: 0.25, codec: 'H264' });
    expect(sample(new Map() as unknown as RTCStatsReport)).toBeNull();
  });
});

it('the meter rises at once and falls slowly', () => {
  expect(peakOf(new Float32Array([0, -0.5, 0.25]))).toBeCloseTo(-6.02, 1);
  expect(peakOf(new Float32Array(4))).toBe(-60);
  expect(fall(-40, -6)).toBe(-6);
  expect(fall(-6, -40)).toBeCloseTo(-7.2);
  expect(fall(-60, -60)).toBe(-60);
});
