/** What was measured, and what it means. Everything here is pure. */
import type { DoctorCheck, DoctorFacts, Verdict } from '$lib/api';
import { bitrate } from '$lib/format';
import { en, number, plural, t } from '$lib/words';

/** The page as it stands. */
export interface Place {
  readonly https: boolean;
  readonly host: string;
  /** Whether a browser gives this page camera and microphone. */
  readonly secure: boolean;
}

/** How media over UDP went. */
export type Media =
  | { readonly outcome: 'connected'; readonly ms: number; readonly roundTrip: number | null; readonly relayed: boolean }
  | { readonly outcome: 'no WebRTC' }
  | { readonly outcome: 'refused'; readonly words: string }
  | { readonly outcome: 'no connection' };

/** What this browser can show. */
export interface Shows {
  /** H.264 over WebRTC, by profile. */
  readonly webrtc: boolean;
  readonly profiles: readonly string[];
  readonly opus: boolean;
  /** H.264 and AAC in HLS: by Media Source Extensions, or by itself. */
  readonly hls: boolean;
}

/** What this browser can publish with. */
export interface Sends {
  readonly h264: boolean;
  readonly recorder: boolean;
}

export type Permission = 'granted' | 'denied' | 'prompt' | 'unknown';

export interface Devices {
  readonly camera: Permission;
  readonly microphone: Permission;
  /** How many there are; nothing when the browser does not say. */
  readonly cameras: number | null;
  readonly microphones: number | null;
}

/** The tests, in the order in which they run. */
export const TESTS = {
  http: en('Reaching the station'),
  websocket: en('Chat and live updates (WebSocket)'),
  udp: en('Live media (UDP)'),
  tls: en('Secure connection (HTTPS)'),
  watch: en('Showing picture and sound'),
  publish: en('Sending picture and sound'),
  devices: en('Camera and microphone'),
  download: en('Speed to this device'),
  upload: en('Speed from this device'),
  clock: en('Clock'),
} as const;

export type Test = keyof typeof TESTS;

function check(id: Test, verdict: Verdict, result: string, advice?: string): DoctorCheck {
  return { id, title: t(TESTS[id]), verdict, result, ...(advice ? { advice } : {}) };
}

/** Round trips in ms; nothing when nothing came back. */
export function http(trips: readonly number[] | null): DoctorCheck {
  if (!trips || trips.length === 0) {
    return check('http', 'bad', t('The station does not answer.'), t('Check that this device is on the same network as the studio, and that Klieg is running there.'));
  }
  const usual = median(trips);
  const result = t('It answers within {usual}.', { usual: ms(usual) });
  if (usual <= 100) return check('http', 'good', result);
  return check('http', 'note', result, t('That is slow for a local network. Go nearer to the access point, use the 5 GHz network, or a cable.'));
}

export function websocket(trip: number | null): DoctorCheck {
  if (trip !== null) return check('websocket', 'good', t('Messages come back within {trip}.', { trip: ms(trip) }));
  return check(
    'websocket',
    'bad',
    t('No WebSocket came about: chat and live updates fall back to asking again and again.'),
    t('A proxy or a security program on the way holds WebSockets back. Let it pass them for this address, or open the station over HTTPS.'),
  );
}

export function udp(media: Media, facts: DoctorFacts, { host }: Place): DoctorCheck {
  const port = facts.media_port;
  switch (media.outcome) {
    case 'connected': {
      const trip = media.roundTrip === null ? null : ms(media.roundTrip);
      if (media.relayed) {
        const advice = t('Open UDP port {port} on the studio’s machine, so that media need not take the way around.', { port });
        return check('udp', 'note', trip === null ? t('Media comes through a relay (TURN).') : t('Media comes through a relay (TURN), {trip} there and back.', { trip }), advice);
      }
      const time = ms(media.ms);
      const result =
        trip === null
          ? t('Media reaches port {port} and comes back: connected in {time}.', { port, time })
          : t('Media reaches port {port} and comes back: connected in {time}, {trip} there and back.', { port, time, trip });
      return check('udp', 'good', result);
    }
    case 'no WebRTC':
      return check('udp', 'bad', t('This browser has no WebRTC.'), t('Use a current Chrome, Edge, Firefox or Safari. Watching works over HLS, some seconds behind.'));
    case 'refused':
      return check('udp', 'unknown', t('The station did not take the test: {words}', { words: media.words }), t('Wait a minute, then run the doctor again.'));
    case 'no connection':
      return check(
        'udp',
        'bad',
        t('Nothing comes back from UDP port {port} of {host}.', { port, host }),
        t('Open UDP port {port} in the firewall of the studio’s machine (Linux: sudo ufw allow {port}/udp; Windows: let Klieg through in Windows Defender Firewall), and see that the Wi-Fi does not keep its devices apart (guest networks do), and that no VPN is on. Until then this device watches over HLS, some seconds behind, and publishes over a WebSocket.', { port }),
      );
  }
}

/** `reached`: whether the station's other door, over HTTPS, answered a page that came over HTTP. */
export function tls(place: Place, facts: DoctorFacts, reached: boolean | null): DoctorCheck {
  if (place.https) {
    return check('tls', 'good', t('This page came over HTTPS, and this device trusts the station.'));
  }
  if (facts.https_port === undefined) {
    const advice = t('Turn HTTPS on in the settings of the station (server.https), so that phones and other devices can broadcast.');
    return place.secure
      ? check('tls', 'good', t('The station runs without HTTPS; on its own machine a browser needs none.'))
      : check('tls', 'note', t('The station runs without HTTPS: watching works, broadcasting from this device does not.'), advice);
  }
  const other = `https://${place.host}:${facts.https_port}`;
  if (reached) {
    return check('tls', 'good', t('This device trusts the station: {other} answers.', { other }));
  }
  if (place.secure) {
    return check('tls', 'good', t('On the studio’s own machine a browser needs no HTTPS.'));
  }
  return check(
    'tls',
    'note',
    t('This device does not trust the station’s certificate, or cannot reach {other}. Watching works all the same.', { other }),
    t('To broadcast from this device, install the station’s certificate: the page /trust shows how. If that is done already, open TCP port {port} in the firewall of the studio’s machine.', { port: facts.https_port }),
  );
}

export function watch(shows: Shows): DoctorCheck {
  if (shows.webrtc && shows.opus) {
    const profiles = shows.profiles.length > 0 ? ` (${shows.profiles.join(', ')})` : '';
    const result = shows.hls
      ? t('H.264{profiles} and Opus, live; H.264 and AAC over HLS.', { profiles })
      : t('H.264{profiles} and Opus, live; no HLS.', { profiles });
    if (shows.hls) return check('watch', 'good', result);
    return check('watch', 'note', result, t('If live media is blocked, this browser has nothing to fall back to. Use a current Chrome, Edge, Firefox or Safari.'));
  }
  if (shows.hls) {
    return check('watch', 'note', t('No H.264 over WebRTC: channels play over HLS, some seconds behind.'), t('Use a browser with H.264 (Chrome, Edge, Safari; in Firefox, let it fetch the OpenH264 plug-in) to be closer to live.'));
  }
  return check('watch', 'bad', t('This browser plays neither H.264 over WebRTC nor HLS.'), t('Use a current Chrome, Edge, Firefox or Safari: this build of the browser comes without these codecs.'));
}

export function publish(sends: Sends): DoctorCheck {
  if (sends.h264) return check('publish', 'good', t('This browser encodes H.264 for WebRTC.'));
  if (sends.recorder) {
    return check('publish', 'note', t('No H.264 over WebRTC; broadcasting works over a WebSocket, a little later.'), t('Use Chrome, Edge or Safari to broadcast with the least delay.'));
  }
  return check('publish', 'note', t('This browser cannot encode H.264: it watches, and does not broadcast.'), t('Use Chrome, Edge or Safari to broadcast, or OBS.'));
}

export function devices(found: Devices, place: Place): DoctorCheck {
  if (!place.secure) {
    return check('devices', 'note', t('A browser gives this page no camera and microphone, because it came over plain HTTP.'), t('Only needed to broadcast: trust the station (the page /trust shows how), then open it over HTTPS.'));
  }
  const [camera, microphone] = [found.camera === 'denied', found.microphone === 'denied'];
  if (camera || microphone) {
    const result =
      camera && microphone
        ? t('This browser does not allow the camera and the microphone.')
        : camera
          ? t('This browser does not allow the camera.')
          : t('This browser does not allow the microphone.');
    return check('devices', 'note', result, t('Only needed to broadcast: click the sign beside the address, allow camera and microphone, and load the page again.'));
  }
  const there = `${cameras(found.cameras)}, ${microphones(found.microphones)}`;
  const asked = found.camera === 'granted' || found.microphone === 'granted' ? t('allowed') : t('the browser will ask');
  if (found.cameras === 0 || found.microphones === 0) {
    return check('devices', 'note', t('Found: {there}.', { there }), t('Only needed to broadcast: connect one, or allow the browser to use it in the settings of the system.'));
  }
  return check('devices', 'good', t('Found: {there}; {asked}.', { there, asked }));
}

function cameras(n: number | null): string {
  if (n === null) return t('cameras unknown');
  return n === 0 ? t('no cameras') : plural(n, '{count} camera', '{count} cameras');
}

function microphones(n: number | null): string {
  if (n === null) return t('microphones unknown');
  return n === 0 ? t('no microphones') : plural(n, '{count} microphone', '{count} microphones');
}

/** `bps`: bits per second; nothing when it could not be measured, with the reason. */
export function download(bps: number | null, why: string, facts: DoctorFacts): DoctorCheck {
  if (bps === null) return check('download', 'unknown', t('Not measured: {why}', { why }));
  const result = t('{rate}; a channel here needs about {needed}.', { rate: bitrate(bps), needed: bitrate(facts.bitrate) });
  if (bps >= 2 * facts.bitrate) return check('download', 'good', result);
  const advice = t('Go nearer to the access point, use the 5 GHz network or a cable, or let the host lower the bitrate (encoder.bitrate).');
  return check('download', bps >= facts.bitrate ? 'note' : 'bad', result, advice);
}

/** What a usual broadcast from a browser takes. */
const PUBLISHED = 2_700_000;

export function upload(bps: number | null, why: string): DoctorCheck {
  if (bps === null) return check('upload', 'unknown', t('Not measured: {why}', { why }));
  const result = t('{rate}; broadcasting at full quality takes about {needed}.', { rate: bitrate(bps), needed: bitrate(PUBLISHED) });
  if (bps >= 1.5 * PUBLISHED) return check('upload', 'good', result);
  return check('upload', 'note', result, t('Only needed to broadcast: choose a lower quality, or go nearer to the access point.'));
}

const said = (offset: number, values: { time: string; error: string }): string =>
  offset >= 0 ? t('{time} ahead of the station (± {error}).', values) : t('{time} behind the station (± {error}).', values);

/** `offset`: how far this device's clock is ahead of the station's, in ms; `error` how sure that is. */
export function clock(offset: number | null, error: number): DoctorCheck {
  if (offset === null) return check('clock', 'unknown', t('Not measured: the station did not tell its time.'));
  const away = Math.max(0, Math.abs(offset) - error);
  const words = said(offset, { time: ms(Math.abs(offset)), error: ms(error) });
  if (away < 2000) return check('clock', 'good', words);
  const advice = t('Let this device set its clock by itself. Certificates and links that end by themselves go by it.');
  return check('clock', away < 300_000 ? 'note' : 'bad', words, advice);
}

/** All of it in one sentence. */
export function summary(checks: readonly DoctorCheck[]): string {
  const bad = checks.filter((one) => one.verdict === 'bad');
  const has = (id: Test): boolean => bad.some((one) => one.id === id);
  if (has('http')) return t('This device does not reach the station.');
  if (has('udp') && has('watch')) return t('Nothing can be watched from this device as it is.');
  if (has('watch')) return t('This browser cannot play what the station sends.');
  if (has('udp')) return t('Live media does not come through: this device watches over HLS, some seconds behind.');
  if (bad.length > 0) return t('Something needs to change: {tests}.', { tests: bad.map((one) => one.title).join(', ') });
  const notes = checks.filter((one) => one.verdict === 'note').length;
  if (notes > 0) return plural(notes, 'Watching works. One thing is worth knowing.', 'Watching works. {count} things are worth knowing.');
  return t('Everything works: this device can watch and broadcast.');
}

/** A report as text, to be sent to somebody. */
export function asText(device: string, sentence: string, checks: readonly DoctorCheck[], at: Date): string {
  const mark: Record<Verdict, string> = { good: t('ok'), note: t('note'), bad: t('PROBLEM'), unknown: '?' };
  const lines = checks.flatMap((one) => [`[${mark[one.verdict]}] ${one.title}: ${one.result}`, ...(one.advice ? [`    ${one.advice}`] : [])]);
  return [t('Klieg connection doctor, {time}', { time: at.toISOString() }), device, sentence, '', ...lines].join('\n');
}

/** The H.264 profiles in what a browser receives, the simplest first. */
export function profilesOf(lines: readonly (string | undefined)[]): string[] {
  const names: readonly [string, RegExp][] = [
    ['baseline', /profile-level-id=42/i],
    ['main', /profile-level-id=4d/i],
    ['high', /profile-level-id=64/i],
  ];
  return names.filter(([, pattern]) => lines.some((line) => pattern.test(line ?? ''))).map(([name]) => name);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function ms(value: number): string {
  if (value >= 120_000) return `${Math.round(value / 60_000)} min`;
  if (value >= 10_000) return `${Math.round(value / 1000)} s`;
  return value < 10 ? `${number(value, 1)} ms` : `${Math.round(value)} ms`;
}
