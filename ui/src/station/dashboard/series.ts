/** From the station's figures to what is drawn. Everything here is pure. */
import type { Dashboard, DashboardChannel } from '$lib/api';
import { bitrate } from '$lib/format';
import { POINTS, type Values } from '$lib/plot';
import { number, plural, t } from '$lib/words';

export { ceiling, line, reach, type Values } from '$lib/plot';

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly values: Values;
}

/** One plot. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly series: readonly Series[];
  /** A value as people read it. */
  readonly words: (value: number) => string;
  /** The same beside the scale, where it is another. */
  readonly scale?: (value: number) => string;
  /** What the scale reaches at least. */
  readonly least: number;
}

/** Lines in a plot: more cannot be told apart. */
const LINES = 6;

type Lists = Omit<Dashboard, 'every_ms' | 'at' | 'channels'>;

/** What was known, and what came since. */
export function joined(known: Dashboard | null, news: Dashboard): Dashboard {
  if (!known || known.at.length === 0) return news;
  const last = known.at.at(-1) ?? 0;
  // A station that was restarted, or a clock that was set back: it begins anew.
  if (news.at.length > 0 && (news.at[0] ?? 0) <= last) return news;
  const both = <T>(a: readonly T[], b: readonly T[]): T[] => [...a, ...b].slice(-POINTS);
  const list = <K extends keyof Lists>(key: K): Lists[K] => both<number | null>(known[key], news[key]) as Lists[K];
  const names = [...new Set([...known.channels, ...news.channels].map((one) => one.name))].toSorted();
  const nobody = (length: number): null[] => new Array<null>(length).fill(null);
  const channels = names.map((name): DashboardChannel => {
    const old = known.channels.find((one) => one.name === name);
    const now = news.channels.find((one) => one.name === name);
    const viewers = both(old?.viewers ?? nobody(known.at.length), now?.viewers ?? nobody(news.at.length));
    return { name, viewers, live: news.at.length > 0 ? (now?.live ?? false) : (old?.live ?? false) };
  });
  return {
    every_ms: news.every_ms,
    at: both(known.at, news.at),
    cpu: list('cpu'),
    memory: list('memory'),
    bitrate_in: list('bitrate_in'),
    bitrate_out: list('bitrate_out'),
    fps: list('fps'),
    skipped: list('skipped'),
    lost: list('lost'),
    latency: list('latency'),
    channels: channels.filter((one) => one.viewers.some((n) => n !== null)),
  };
}

/** The plots, in their order. */
export function figures(data: Dashboard): Figure[] {
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const rate = (value: number): string => (value < 10 ? number(value, 1) : String(Math.round(value)));
  return [
    { id: 'viewers', title: t('Viewers'), series: viewers(data), words: (n) => plural(n, '{count} viewer', '{count} viewers'), scale: String, least: 4 },
    {
      id: 'bitrate',
      title: t('Media'),
      series: [
        { name: t('Sent to viewers'), values: data.bitrate_out },
        { name: t('Written to channels'), values: data.bitrate_in },
      ],
      words: bitrate,
      least: 1_000_000,
    },
    { id: 'cpu', title: t('CPU (100 % is one core)'), series: [{ name: 'Klieg', values: data.cpu }], words: percent, least: 0.5 },
    { id: 'memory', title: t('Memory'), series: [{ name: t('Resident'), values: data.memory }], words: (n) => `${Math.round(n / 1e6)} MB`, least: 100_000_000 },
    {
      id: 'pictures',
      title: t('Pictures a second'),
      series: [
        { name: t('Composed'), values: data.fps },
        { name: t('Skipped or late'), values: data.skipped },
      ],
      words: rate,
      least: 30,
    },
    { id: 'latency', title: t('From tick to hub'), series: [{ name: t('Median'), values: data.latency }], words: (n) => `${rate(n)} ms`, least: 20 },
    { id: 'lost', title: t('Packets lost a second'), series: [{ name: t('Lost'), values: data.lost }], words: rate, least: 5 },
  ];
}

/** The channels with most viewers each by itself, the rest together. */
function viewers(data: Dashboard): Series[] {
  const most = (one: DashboardChannel): number => Math.max(0, ...one.viewers.map((n) => n ?? 0));
  const ranked = data.channels.toSorted((a, b) => Number(b.live) - Number(a.live) || most(b) - most(a));
  const alone = ranked.length > LINES ? ranked.slice(0, LINES - 1) : ranked;
  const rest = ranked.slice(alone.length);
  const series: Series[] = alone.map(({ name, viewers: values }) => ({ name, values }));
  if (rest.length > 0) {
    const values = data.at.map((_, i) => {
      const here = rest.map((one) => one.viewers[i] ?? null);
      return here.every((n) => n === null) ? null : here.reduce<number>((sum, n) => sum + (n ?? 0), 0);
    });
    series.push({ name: plural(rest.length, '{count} other', '{count} others'), values });
  }
  return series;
}

/** The newest value; nothing when it is missing. */
export const latest = (values: Values): number | null => values.at(-1) ?? null;

/** What a series has been, in words. */
export function told({ name, values }: Series, words: Figure['words']): string {
  const known = values.filter((value) => value !== null);
  const now = latest(values);
  if (known.length === 0) return t('{name}: nothing yet.', { name });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return t('{name}: {now}, within the hour from {low} to {high}.', { name, now: now === null ? t('nothing now') : words(now), low: words(low), high: words(high) });
}

/** The moments of a table: the newest, and one each five minutes before it, the newest first. */
export function rows(at: readonly number[], everyMs: number): number[] {
  const step = Math.max(1, Math.round(300_000 / Math.max(1, everyMs)));
  const found: number[] = [];
  for (let i = at.length - 1; i >= 0; i -= step) found.push(i);
  return found;
}
