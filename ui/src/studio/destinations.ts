/** Destinations in words. Everything here is pure. */
import { type Canvas, type Destination, type DestinationTarget, type NewDestination, PLATFORMS, type Platform, type PlatformLimits, type Uplink } from '$lib/api';
import { megabits, thousands } from '$lib/format';
import { number, plural, t } from '$lib/words';

/** A state in words and a shape. */
export interface Said {
  /** The class of its dot. */
  readonly dot: '' | 'look' | 'on' | 'bad';
  readonly short: string;
  /** Why, where that is to be said. */
  readonly long: string | null;
}

const seconds = (at: number, now: number): number => Math.max(0, Math.ceil((at - now) / 1000));

/** How a destination fares at `now`, in ms since 1970. */
export function said(destination: Destination, onAir: boolean, now: number): Said {
  const { state, enabled, until } = destination;
  switch (state.state) {
    case 'off':
      return { dot: '', short: enabled && !onAir ? t('ready') : t('off'), long: null };
    case 'delayed':
      return { dot: 'look', short: t('begins in {seconds} s', { seconds: seconds(state.at, now) }), long: null };
    case 'connecting':
      return { dot: 'look', short: t('connecting…'), long: null };
    case 'live': {
      const begin = until === undefined ? t('live') : t('ends in {seconds} s', { seconds: seconds(until, now) });
      const trip = state.round_trip_ms === undefined ? [] : [`${thousands(state.round_trip_ms)} ms`];
      const lost = state.dropped > 0 ? [t('{count} lost', { count: thousands(state.dropped) })] : [];
      const short = [`${begin} ${megabits(state.bitrate)}`, ...trip, ...lost].join(' · ');
      if (state.carries === undefined) return { dot: 'on', short, long: null };
      const values = { rate: rate(state.carries) };
      const long = !state.lowers
        ? t('The way there carries {rate} now: it gets fewer pictures until it carries more.', values)
        : destination.rendition === undefined
          ? t('The way there carries {rate} now: the picture has less for everybody until it carries more.', values)
          : t('The way there carries {rate} now: its own picture has less until it carries more.', values);
      return { dot: 'look', short, long };
    }
    case 'retrying': {
      const left = seconds(state.at, now);
      return { dot: 'look', short: left > 0 ? t('retry {attempt} in {seconds} s', { attempt: state.attempt, seconds: left }) : t('retry {attempt}…', { attempt: state.attempt }), long: state.reason };
    }
    case 'refused':
      return { dot: 'bad', short: state.key ? t('wrong key') : t('refused'), long: state.reason };
  }
}

export const platformOf = (id: string | undefined): Platform | undefined => PLATFORMS.find((one) => one.id === id);

/** What a destination of before is on, when it does not say so. */
export const platformFor = (target: DestinationTarget): Platform | undefined =>
  PLATFORMS.find((one) => one.servers.some((server) => server.url === target.url)) ?? platformOf(target.protocol);

/** What a platform takes: `up to 6 Mbps, a keyframe every 2 s`; nothing where no limit is known. */
export function limits({ video_bitrate, audio_bitrate, keyframe_seconds, height, fps }: PlatformLimits): string {
  const parts = [
    video_bitrate === null ? null : t('picture up to {rate}', { rate: rate(video_bitrate) }),
    height === null ? null : `${height}p${fps ?? ''}`,
    audio_bitrate === null ? null : t('sound up to {kbps} kbps', { kbps: Math.round(audio_bitrate / 1000) }),
    keyframe_seconds === null ? null : t('a keyframe every {seconds} s', { seconds: keyframe_seconds }),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

const rate = (bits: number): string => `${number(Number((bits / 1e6).toFixed(1)))} Mbps`;

/** What goes out when all that are chosen are live, against what is known of the uplink; nothing without any. */
export function budget(uplink: Uplink): string | null {
  if (uplink.chosen === 0) return null;
  const needs = t('{count} chosen, {rate}', { count: uplink.chosen, rate: rate(uplink.needed) });
  if (uplink.set !== undefined) return t('{needs} of {rate} uplink', { needs, rate: rate(uplink.set) });
  if (uplink.choked !== undefined) return t('{needs}; the uplink gave way at {rate}', { needs, rate: rate(uplink.choked) });
  if (uplink.carried !== undefined) return t('{needs}; the uplink has carried {rate}', { needs, rate: rate(uplink.carried) });
  return t('{needs}; what your uplink carries is not known', { needs });
}

/** What an encoder of its own could not take, in words. */
export const skipped = (pictures: number): string =>
  plural(
    pictures,
    "Its own picture is short of {count} picture: the processor is too busy. Make it smaller, or let it have the program's.",
    "Its own picture is short of {count} pictures: the processor is too busy. Make it smaller, or let it have the program's.",
  );

/** What was carried within the minute, in words. */
export function carried(name: string, recent: readonly number[]): string {
  const now = recent.at(-1) ?? 0;
  return t('{name}: {now} now, within the minute from {low} to {high}.', { name, now: megabits(now), low: megabits(Math.min(...recent)), high: megabits(Math.max(...recent)) });
}

/** Which picture a destination is to get. */
export interface PictureWish {
  /** Lines of its own; the program's picture when null. */
  readonly height: number | null;
  /** What its own has, in Mbps. */
  megabits: number;
  /** The program's has less when the way there does. */
  follow: boolean;
}

/** The short sides that are offered, each with what it usually has, in Mbps. */
const SIDES = [
  [2160, 16],
  [1440, 9],
  [1080, 4.5],
  [720, 2.5],
  [540, 1.5],
  [480, 1.2],
  [360, 0.8],
  [240, 0.4],
] as const;

/** A size that is offered. */
export interface Size {
  /** What is asked for; the picture is never larger than the canvas. */
  readonly lines: number;
  readonly width: number;
  readonly height: number;
}

/** The size of a picture of so many lines in the shape of the canvas. */
const sized = ({ width, height }: Canvas, lines: number): Size => ({
  lines,
  width: lines >= height ? width : 2 * Math.ceil(Math.floor((width * lines) / height) / 2),
  height: Math.min(lines, height),
});

/** The sizes that a picture can have, the largest first; the one that is chosen among them. */
export function sizes(canvas: Canvas, chosen: number | null): Size[] {
  const short = Math.min(canvas.width, canvas.height);
  const lines = SIDES.filter(([side]) => side < short).map(([side]) => 2 * Math.round((canvas.height * side) / short / 2));
  const all = new Set([canvas.height, ...lines, ...(chosen === null ? [] : [chosen])]);
  return [...all].sort((a, b) => b - a).map((one) => sized(canvas, one));
}

/** A picture of its own of so many lines. The bitrate follows, as far as it was the usual one. */
export function own(wish: PictureWish, height: number, canvas: Canvas): PictureWish {
  const usual = (lines: number): number => {
    const side = Math.round((lines * Math.min(canvas.width, canvas.height)) / canvas.height);
    return SIDES.find(([one]) => one <= side)?.[1] ?? 0.3;
  };
  const written = wish.height !== null && wish.megabits !== usual(wish.height);
  return { ...wish, height, megabits: written ? wish.megabits : usual(height) };
}

/** What a destination gets. */
export const pictureOf = (destination: Destination | null): PictureWish => ({
  height: destination?.rendition?.height ?? null,
  megabits: (destination?.rendition?.bitrate ?? 2_500_000) / 1e6,
  follow: destination?.follow ?? false,
});

/** What is wrong with a wish, in words. */
export const wrongPicture = ({ height, megabits: rate }: PictureWish): string | null =>
  height !== null && !(rate >= 0.1 && rate <= 50) ? t('Its own picture has 0.1 to 50 Mbps.') : null;

/** The same as a destination is told. */
export const wishOf = (wish: PictureWish, protocol: DestinationTarget['protocol']): Pick<NewDestination, 'rendition' | 'follow'> =>
  wish.height === null
    ? { follow: wish.follow && protocol === 'whip' }
    : { rendition: { height: wish.height, bitrate: Math.round(wish.megabits * 1e6) }, follow: false };
