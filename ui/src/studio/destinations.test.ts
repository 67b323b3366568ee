import { expect, test } from 'vitest';
import { type Destination, type DestinationState, PLATFORMS } from '$lib/api';
import { budget, carried, limits, own, pictureOf, platformFor, platformOf, said, sizes, wishOf, wrongPicture } from './destinations';

const destination = (state: DestinationState, more: Partial<Destination> = {}): Destination => ({
  id: 'a',
  name: 'Hall',
  target: { protocol: 'rtmp', url: 'rtmp://127.0.0.1/live' },
  has_secret: true,
  enabled: true,
  delay_seconds: 0,
  test: false,
  follow: false,
  advice: [],
  recent: [],
  state,
  ...more,
});

test('each state is said in words', () => {
  const live = { state: 'live', since: 0, bitrate: 4_480_000, bytes: 1, dropped: 0 } as const;
  const table: [DestinationState, Partial<Destination>, boolean, string][] = [
    [{ state: 'off' }, {}, false, 'ready'],
    [{ state: 'off' }, {}, true, 'off'],
    [{ state: 'off' }, { enabled: false }, false, 'off'],
    [{ state: 'delayed', at: 28_000 }, {}, true, 'begins in 18 s'],
    [{ state: 'connecting' }, {}, true, 'connecting…'],
    [live, {}, true, 'live 4.5 Mbps'],
    [{ ...live, round_trip_ms: 32, dropped: 1200 }, {}, true, 'live 4.5 Mbps · 32 ms · 1\u202f200 lost'],
    [live, { until: 15_000 }, false, 'ends in 5 s 4.5 Mbps'],
    [{ state: 'retrying', attempt: 3, at: 18_000, reason: 'gone' }, {}, true, 'retry 3 in 8 s'],
    [{ state: 'retrying', attempt: 3, at: 9_000, reason: 'gone' }, {}, true, 'retry 3…'],
    [{ state: 'refused', reason: 'no', key: true }, {}, true, 'wrong key'],
    [{ state: 'refused', reason: 'no', key: false }, {}, true, 'refused'],
  ];
  for (const [state, more, onAir, words] of table) expect(said(destination(state, more), onAir, 10_000).short).toBe(words);
  expect(said(destination({ state: 'refused', reason: 'no', key: false }), true, 0).long).toBe('no');
  expect(said(destination(live), true, 0).long).toBeNull();
  const narrow = { ...live, carries: 1_240_000 };
  expect(said(destination(narrow), true, 0)).toMatchObject({
    dot: 'look',
    long: 'The way there carries 1.2 Mbps now: it gets fewer pictures until it carries more.',
  });
  expect(said(destination({ ...narrow, lowers: true }), true, 0).long).toBe(
    'The way there carries 1.2 Mbps now: the picture has less for everybody until it carries more.',
  );
  expect(said(destination({ ...narrow, lowers: true }, { rendition: { height: 360, bitrate: 800_000 } }), true, 0).long).toBe(
    'The way there carries 1.2 Mbps now: its own picture has less until it carries more.',
  );
});

test('a picture of its own has a size of the canvas and what is usual for it', () => {
  const canvas = { width: 1280, height: 720, fps: 30 };
  expect(sizes(canvas, null)).toEqual([
    { lines: 720, width: 1280, height: 720 },
    { lines: 540, width: 960, height: 540 },
    { lines: 480, width: 854, height: 480 },
    { lines: 360, width: 640, height: 360 },
    { lines: 240, width: 426, height: 240 },
  ]);
  // A larger one of before stays what was asked for.
  expect(sizes(canvas, 1080)[0]).toEqual({ lines: 1080, width: 1280, height: 720 });
  expect(sizes({ width: 1080, height: 1920, fps: 30 }, null)[1]).toEqual({ lines: 1280, width: 720, height: 1280 });

  const none = pictureOf(null);
  expect(wishOf({ ...none, follow: true }, 'whip')).toEqual({ follow: true });
  expect(wishOf({ ...none, follow: true }, 'rtmp')).toEqual({ follow: false });
  const small = own(none, 360, canvas);
  expect(wishOf({ ...small, follow: true }, 'whip')).toEqual({ rendition: { height: 360, bitrate: 800_000 }, follow: false });
  // The rate follows the size until somebody writes one.
  expect(own(small, 480, canvas).megabits).toBe(1.2);
  expect(own({ ...small, megabits: 0.9 }, 480, canvas).megabits).toBe(0.9);
  expect(wrongPicture({ ...small, megabits: 0 })).toContain('0.1 to 50');
  expect(wrongPicture({ ...none, megabits: 0 })).toBeNull();
  expect(pictureOf(destination({ state: 'off' }, { rendition: { height: 360, bitrate: 900_000 } }))).toEqual({ height: 360, megabits: 0.9, follow: false });
});

test('a platform is known by its name, its server or its protocol', () => {
  expect(platformOf('twitch')?.name).toBe('Twitch');
  expect(platformOf('nowhere')).toBeUndefined();
  expect(platformFor({ protocol: 'rtmp', url: 'rtmp://live-fra.twitch.tv/app' })?.id).toBe('twitch');
  expect(platformFor({ protocol: 'rtmp', url: 'rtmp://elsewhere/app' })?.id).toBe('rtmp');
  expect(platformFor({ protocol: 'whip', url: 'https://elsewhere/whip' })?.id).toBe('whip');
});

test('what a platform takes', () => {
  expect(limits(platformOf('twitch')!.limits)).toBe('picture up to 6 Mbps, 1080p60, sound up to 320 kbps, a keyframe every 2 s');
  expect(limits(platformOf('rtmp')!.limits)).toBe('');
  expect(PLATFORMS.length).toBeGreaterThan(5);
});

test('the budget in words', () => {
  const uplink = { chosen: 2, needed: 5_518_800, fit: 'unknown' } as const;
  expect(budget({ ...uplink, chosen: 0 })).toBeNull();
  expect(budget(uplink)).toBe('2 chosen, 5.5 Mbps; what your uplink carries is not known');
  expect(budget({ ...uplink, set: 20_000_000, choked: 1 })).toBe('2 chosen, 5.5 Mbps of 20 Mbps uplink');
  expect(budget({ ...uplink, choked: 4_000_000, carried: 1 })).toBe('2 chosen, 5.5 Mbps; the uplink gave way at 4 Mbps');
  expect(budget({ ...uplink, carried: 4_000_000 })).toBe('2 chosen, 5.5 Mbps; the uplink has carried 4 Mbps');
  expect(carried('Hall', [0, 4_000_000, 3_000_000])).toBe('Hall: 3.0 Mbps now, within the minute from 0.0 Mbps to 4.0 Mbps.');
});
