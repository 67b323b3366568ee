import type { Audio, Item, Scene, Snapshot, Source, SourceKind, Stats } from '../src/lib/api/bindings';
import { fresh, freshItem, place, plainPlaying, plainText } from '../src/studio/fresh.ts';

const canvas = { width: 1280, height: 720, fps: 30 };

function source(id: string, name: string, kind: SourceKind, audio: Partial<Audio> = {}): Source {
  return { id, name, audio: { gain_db: 0, muted: false, pan: 0, ...audio }, ...kind };
}

function item(name: string, of: Source, change: Partial<Item> = {}): Item {
  return { ...freshItem(name, of.id, place(of.kind, canvas)), ...change };
}

/** A show in the middle of its broadcast. */
export function show(): Snapshot {
  const loop = source('loop', 'Background loop', { kind: 'media', settings: { path: 'media/loop.mp4', looped: true, playing: plainPlaying } }, { gain_db: -24, muted: true });
  const camera = source('camera', 'Camera, FaceTime HD', { kind: 'camera', settings: { device: '0', width: 1280, height: 720, fps: 30 } });
  const microphone = source('mic', 'Microphone', { kind: 'microphone', settings: { device: '' } }, { gain_db: -3.5 });
  const logo = source('logo', 'Station mark', { kind: 'image', settings: { path: 'media/mark.png' } });
  const third = source('third', 'Lower third', {
    kind: 'text',
    settings: { text: 'Sunday Show\nlive from the studio', style: { ...plainText, background: '#0f1012cc', padding: 20 }, file: null, crawl: null },
  });
  const signal = source('signal', 'Test signal', fresh('test_signal'));
  const screen = source('screen', 'Screen', { kind: 'screen', settings: { device: '1', area: null, pointer: true } });
  const scenes: Scene[] = [
    {
      id: 's1',
      name: 'Host, lower third',
      items: [
        item('i1', loop),
        item('i2', camera, { rect: { x: 140, y: 90, width: 640, height: 360 } }),
        item('i3', microphone),
        item('i4', logo, { rect: { x: 1080, y: 40, width: 160, height: 90 }, locked: true, opacity: 0.9 }),
        item('i5', third),
      ],
    },
    { id: 's2', name: 'Interview', items: [item('i1', camera), item('i2', microphone)] },
    { id: 's3', name: 'Screen + camera', items: [item('i1', screen), item('i2', camera, { visible: false }), item('i3', microphone)] },
    { id: 's4', name: 'Test signal', items: [item('i1', signal)] },
    { id: 's5', name: 'Be right back', items: [] },
  ];
  const running = (id: string, detail: string): Snapshot['sources'][number] => ({ id, state: 'running', message: null, detail, size: null, has_token: false });
  return {
    version: '0.1.0',
    collection: {
      version: 1,
      name: 'Sunday Show',
      canvas,
      sources: [loop, camera, microphone, logo, third, signal, screen],
      scenes,
      current: 's1',
      master_gain_db: 0,
    },
    undo: { undo: null, redo: null, past: [], future: [] },
    title: 'Sunday Show',
    on_air: { since: Date.now() - 2_537_000 },
    sources: [
      running('loop', '1280×720, 25 fps, 48 kHz stereo'),
      running('camera', '1280×720 NV12, 30 fps'),
      running('mic', '48 kHz mono'),
      running('logo', '512×288'),
      running('third', ''),
      { id: 'screen', state: 'lost', message: 'There is no display to capture. Connect one; the source comes back by itself.', detail: null, size: null, has_token: false },
    ],
    collections: [{ name: 'Sunday Show', path: '/home/ana/show/collection.json', open: true }],
    devices: {
      cameras: [
        { id: '0', name: 'FaceTime HD Camera' },
        { id: '1', name: 'Elgato Cam Link 4K' },
      ],
      microphones: [{ id: 'm', name: 'Yeti Stereo Microphone' }],
      screens: [],
      windows: [{ id: 'Firefox|News', name: 'Firefox: News' }],
    },
    destinations: [
      {
        ...destination('1', 'Twitch', 'rtmp://live-fra.twitch.tv/app', {
          state: 'live',
          since: Date.now() - 2_500_000,
          bitrate: 2_640_000,
          bytes: 825_000_000,
          dropped: 12,
          round_trip_ms: 32,
        }),
        platform: 'twitch',
        test: true,
        delay_seconds: 20,
        recent: Array.from({ length: 60 }, (_, i) => (i > 30 && i < 36 ? 900_000 : 2_500_000 + 200_000 * Math.sin(i))),
      },
      destination('2', 'YouTube', 'rtmp://a.rtmp.youtube.com/live2', {
        state: 'retrying',
        attempt: 3,
        at: Date.now() + 600_000,
        reason: 'The connection to a.rtmp.youtube.com was lost.',
      }),
      { ...destination('3', 'MediaMTX', 'https://media.example/live/whip', { state: 'off' }), enabled: false },
      destination('4', 'Church site', 'rtmp://stream.example/live', { state: 'refused', reason: 'The server refused the stream key. Copy it again from the platform.', key: true }),
    ],
    uplink: {
      chosen: 3,
      needed: 8_278_200,
      set: 10_000_000,
      fit: 'tight',
      warning: 'The 3 destinations that are chosen need 8.3 Mbps, and your uplink is set to 10 Mbps: little is left for all else, and a moment of trouble will be seen.',
    },
    key_store: { place: 'keychain' },
    links: [
      { label: 'Wi-Fi (wlan0)', url: 'http://192.168.1.20:8080/watch/program', http: 'http://192.168.1.20:8080', https: 'https://192.168.1.20:8443', qr: squares() },
      { label: 'This machine', url: 'http://127.0.0.1:8080/watch/program', http: 'http://127.0.0.1:8080', qr: squares() },
    ],
    access: [],
    private: ['ana'],
    rooms: [],
    publishers: [],
    stats: stats(0, true),
    settings: [],
    recordings: [],
    cuts: [],
    room: { used: 0 },
    uploads: [],
    storage: { has_keys: false },
    rewinds: [],
    keys: { own: {}, anywhere: {}, singles: true },
    filter_presets: [],
    first_start: false,
    masks: [{ name: 'Clouds', path: '/home/me/masks/Clouds.png' }],
    problems: [],
  };
}

function destination(id: string, name: string, url: string, state: Snapshot['destinations'][number]['state']): Snapshot['destinations'][number] {
  const target = url.startsWith('rtmp') ? ({ protocol: 'rtmp', url } as const) : ({ protocol: 'whip', url } as const);
  return { id, name, target, has_secret: true, enabled: true, delay_seconds: 0, test: false, follow: false, advice: [], recent: [], state };
}

export function stats(n: number, live: boolean): Stats {
  return {
    viewers: live ? { whep: 21, hls: 3 } : { whep: 0, hls: 0 },
    frames: 76_000 + n * 30,
    lagged: 0,
    skipped: 0,
    render_ms: 8.1 + Math.sin(n),
    encode_ms: 4.2 + Math.cos(n) / 2,
    latency_ms: 23 + Math.sin(n),
    bitrate: live ? 2_500_000 + 80_000 * Math.sin(n) : 0,
    cpu: 54 + 3 * Math.sin(n),
    encoder: 'openh264',
    adapter: 'llvmpipe (software)',
    canvas: '1280×720 · 30 fps',
  };
}

/** Something that looks like a QR code from afar. */
function squares(): string {
  let path = '';
  for (let y = 0; y < 25; y += 1) {
    for (let x = 0; x < 25; x += 1) if ((x * 7 + y * 13 + x * y) % 5 < 2) path += `M${x + 2} ${y + 2}h1v1h-1z`;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"><rect width="29" height="29" fill="#fff"/><path d="${path}"/></svg>`;
}
