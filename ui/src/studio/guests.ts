import type { AccessLink, Canvas, Collection, Edit, Link, Publisher, Rect, Scene, Snapshot } from '$lib/api';
import { freeName, newId } from './document';
import { freshItem } from './fresh';

/** The channel that the studio itself makes; no scene may show it. */
const PROGRAM = 'program';

const NAME_MAX = 64;

/** The links that guests were given, the newest first. */
export const guestLinks = (snapshot: Snapshot | null): readonly AccessLink[] =>
  (snapshot?.access ?? []).filter((link) => link.kind === 'guest').toReversed();

/** Where a device learns to trust the station before it opens a link over HTTPS: over plain HTTP, at the link's own host. */
export function trustPage(address: string, links: readonly Link[]): string | null {
  const made = URL.canParse(address) ? new URL(address) : null;
  const plain = (links.find((one) => one.https === made?.origin) ?? links[0])?.http;
  if (made?.protocol !== 'https:' || plain === undefined) return null;
  const page = new URL('/trust', plain);
  page.hostname = made.hostname;
  return page.href;
}

/** A channel's name for a guest, after what people call them: letters, digits and hyphens, and nobody else's. */
export function channelFor(name: string, taken: readonly string[]): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, NAME_MAX - 4);
  const base = plain === '' ? 'guest' : plain;
  const all = new Set([...taken, PROGRAM]);
  if (!all.has(base)) return base;
  for (let n = 2; ; n += 1) {
    const next = `${base}-${n}`;
    if (!all.has(next)) return next;
  }
}

/** Every name of a channel that somebody has, may use, or is expected under. */
export function takenChannels(snapshot: Snapshot | null): string[] {
  if (!snapshot) return [];
  const links = snapshot.access.flatMap((link) => link.channel ?? []);
  const sources = snapshot.collection.sources.flatMap((source) => (source.kind === 'channel' ? source.settings.channel : []));
  return [...snapshot.publishers.map((one) => one.channel), ...links, ...sources];
}

/** What a source may be set to: who is here, then who was invited, then what it is set to already. */
export function channelsOf(snapshot: Snapshot | null, chosen: string): { channel: string; here: boolean }[] {
  const here = (snapshot?.publishers ?? []).filter((one) => !one.held).map((one) => one.channel);
  const invited = guestLinks(snapshot).flatMap((link) => link.channel ?? []);
  const all = new Set([...here, ...invited, ...(chosen === '' ? [] : [chosen])]);
  return [...all].map((channel) => ({ channel, here: here.includes(channel) }));
}

/** What people call a publisher: a guest as they were invited, anyone else by their channel. */
export const nameOf = (one: Publisher): string => (one.guest ? (one.by ?? one.channel) : one.channel);

/**
 * Where a guest comes in: over the whole canvas when nothing else is seen, else in a box at the lower
 * edge, beside the guests that are there already.
 */
export function guestPlace(canvas: Canvas, doc: Collection, scene: Scene): Rect {
  const kindOf = (source: string): string | undefined => doc.sources.find((one) => one.id === source)?.kind;
  const seen = scene.items.filter((item) => item.visible && kindOf(item.source) !== 'microphone');
  const { width, height } = canvas;
  if (seen.length === 0) return { x: 0, y: 0, width, height };
  const guests = seen.filter((item) => kindOf(item.source) === 'channel').length;
  const [w, h] = [Math.round(width / 4), Math.round(height / 4)];
  const gap = Math.round(width / 40);
  const [column, row] = [guests % 3, Math.floor(guests / 3) % 3];
  return { x: width - (column + 1) * (w + gap), y: height - (row + 1) * (h + gap), width: w, height: h };
}

/**
 * What brings a channel into a scene: nothing when it is there, else an item of its source, else a new
 * source. And the item that shows it.
 */
export function bringIn(doc: Collection, scene: Scene, channel: string, name: string): { edit: Edit | null; item: string } {
  const source = doc.sources.find((one) => one.kind === 'channel' && one.settings.channel === channel);
  const there = source && scene.items.find((item) => item.source === source.id);
  if (there) return { edit: null, item: there.id };
  const rect = guestPlace(doc.canvas, doc, scene);
  if (source) {
    const item = freshItem(newId('item'), source.id, rect);
    return { edit: { edit: 'add_item', scene: scene.id, item }, item: item.id };
  }
  const id = newId('source');
  const item = freshItem(newId('item'), id, rect);
  const called = freeName(name, doc.sources.map((one) => one.name));
  const audio = { gain_db: 0, muted: false, pan: 0 };
  return {
    edit: { edit: 'add_source', scene: scene.id, source: { id, name: called, audio, kind: 'channel', settings: { channel } }, item },
    item: item.id,
  };
}
