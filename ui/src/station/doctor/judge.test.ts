import { describe, expect, test } from 'vitest';
import type { DoctorCheck, DoctorFacts, Verdict } from '$lib/api';
import { t } from '$lib/words';
import { deviceName } from './device';
import * as judge from './judge';

const facts: DoctorFacts = { version: '0', now: 0, media_port: 9189, http_port: 8080, https_port: 9443, bitrate: 2_600_000 };
const plain: judge.Place = { https: false, host: '192.168.1.20', secure: false };
const local: judge.Place = { https: false, host: '127.0.0.1', secure: true };

const verdicts: readonly [string, DoctorCheck, Verdict, RegExp][] = [
  ['no answer', judge.http(null), 'bad', /same network/],
  ['quick', judge.http([1, 2, 300]), 'good', /within 2\.0 ms/],
  ['slow', judge.http([150, 180, 190]), 'note', /5 GHz/],
  ['no WebSocket', judge.websocket(null), 'bad', /proxy/],
  ['media comes', judge.udp({ outcome: 'connected', ms: 60, roundTrip: 3, relayed: false }, facts, plain), 'good', /port 9189.*60 ms, 3\.0 ms/],
  ['media by a relay', judge.udp({ outcome: 'connected', ms: 60, roundTrip: null, relayed: true }, facts, plain), 'note', /UDP port 9189/],
  ['media blocked', judge.udp({ outcome: 'no connection' }, facts, plain), 'bad', /ufw allow 9189\/udp/],
  ['no WebRTC', judge.udp({ outcome: 'no WebRTC' }, facts, plain), 'bad', /HLS/],
  ['too often', judge.udp({ outcome: 'refused', words: 'Wait.' }, facts, plain), 'unknown', /Wait\./],
  ['trusted', judge.tls(plain, facts, true), 'good', /https:\/\/192\.168\.1\.20:9443 answers/],
  ['not trusted', judge.tls(plain, facts, false), 'note', /\/trust.*TCP port 9443/],
  ['its own machine', judge.tls(local, facts, false), 'good', /needs no HTTPS/],
  ['over HTTPS', judge.tls({ ...plain, https: true }, facts, null), 'good', /trusts/],
  ['HTTPS is off', judge.tls(plain, { ...facts, https_port: undefined }, null), 'note', /server\.https/],
  ['all codecs', judge.watch({ webrtc: true, profiles: ['baseline', 'high'], opus: true, hls: true }), 'good', /baseline, high/],
  ['HLS alone', judge.watch({ webrtc: false, profiles: [], opus: true, hls: true }), 'note', /OpenH264/],
  ['no codecs', judge.watch({ webrtc: false, profiles: [], opus: true, hls: false }), 'bad', /without these codecs/],
  ['publishes', judge.publish({ h264: true, recorder: false }), 'good', /H\.264/],
  ['publishes by WebSocket', judge.publish({ h264: false, recorder: true }), 'note', /WebSocket/],
  ['camera over HTTP', judge.devices({ camera: 'prompt', microphone: 'prompt', cameras: 1, microphones: 1 }, plain), 'note', /\/trust/],
  ['camera denied', judge.devices({ camera: 'denied', microphone: 'prompt', cameras: 1, microphones: 1 }, local), 'note', /not allow the camera\. ?/],
  ['no camera', judge.devices({ camera: 'prompt', microphone: 'prompt', cameras: 0, microphones: 1 }, local), 'note', /no cameras, 1 microphone/],
  ['camera', judge.devices({ camera: 'granted', microphone: 'granted', cameras: 1, microphones: 2 }, local), 'good', /1 camera, 2 microphones; allowed/],
  ['fast', judge.download(50_000_000, '', facts), 'good', /50\.0 Mbps/],
  ['barely', judge.download(3_000_000, '', facts), 'note', /encoder\.bitrate/],
  ['too slow', judge.download(1_000_000, '', facts), 'bad', /about 2\u202f600 kbps/],
  ['not measured', judge.download(null, 'Wait.', facts), 'unknown', /Wait/],
  ['slow upwards', judge.upload(1_000_000, ''), 'note', /lower quality/],
  ['in time', judge.clock(-300, 20), 'good', /300 ms behind/],
  ['out of time', judge.clock(90_000, 20), 'note', /90 s ahead/],
  ['another day', judge.clock(86_400_000, 20), 'bad', /1440 min ahead/],
];

test.each(verdicts)('%s', (_, check, verdict, words) => {
  expect(check.verdict).toBe(verdict);
  expect(`${check.result} ${check.advice ?? ''}`).toMatch(words);
  // The station takes no longer ones.
  expect(check.result.length).toBeLessThanOrEqual(400);
  expect(check.advice?.length ?? 0).toBeLessThanOrEqual(700);
  if (verdict === 'bad') expect(check.advice).toBeTruthy();
});

describe('the summary says what matters', () => {
  const found = (bad: readonly judge.Test[], note: readonly judge.Test[] = []): DoctorCheck[] =>
    (Object.keys(judge.TESTS) as judge.Test[]).map((id) => {
      const verdict = bad.includes(id) ? 'bad' : note.includes(id) ? 'note' : 'good';
      return { id, title: t(judge.TESTS[id]), verdict, result: '' };
    });
  test.each([
    [found([]), 'Everything works: this device can watch and broadcast.'],
    [found([], ['tls']), 'Watching works. One thing is worth knowing.'],
    [found(['udp'], ['tls']), 'Live media does not come through: this device watches over HLS, some seconds behind.'],
    [found(['udp', 'watch']), 'Nothing can be watched from this device as it is.'],
    [found(['download']), 'Something needs to change: Speed to this device.'],
  ])('%#', (checks, sentence) => expect(judge.summary(checks)).toBe(sentence));
});

test('a report as text', () => {
  const text = judge.asText('Chrome 1 on Linux', 'Fine.', [judge.http([1]), judge.websocket(null)], new Date(0));
  expect(text).toContain('Klieg connection doctor, 1970-01-01T00:00:00.000Z\nChrome 1 on Linux\nFine.\n\n[ok] Reaching the station: It answers');
  expect(text).toContain('[PROBLEM] Chat and live updates (WebSocket)');
});

test('profiles are told by what a browser offers', () => {
  const lines = ['profile-level-id=42e01f;packetization-mode=1', 'profile-level-id=64001f', undefined];
  expect(judge.profilesOf(lines)).toEqual(['baseline', 'high']);
});

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36', 'Chrome 130 on Linux'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1', 'Safari 17 on iPhone'],
  ['Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36', 'Samsung Internet 25 on Android'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox 128 on Windows'],
  ['something else', 'A browser on an unknown system'],
])('%s', (agent, name) => expect(deviceName(agent)).toBe(name));
