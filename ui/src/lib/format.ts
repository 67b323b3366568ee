/** Figures as people read them. Everything here is pure. */
import { moment, number, t } from '$lib/words';

/** `4:07`, `1:00:09`; with `hours`, always `00:04:07`. */
export function duration(ms: number, hours = false): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(total / 3600);
  const m = Math.floor((total % 3600) / 60);
  const s = total % 60;
  const two = (n: number): string => String(n).padStart(2, '0');
  if (hours) return `${two(h)}:${two(m)}:${two(s)}`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long something has been going on, in words: `less than a minute`, `42 min`, `2 h 5 min`. */
export function span(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return t('less than a minute');
  if (minutes < 60) return t('{minutes} min', { minutes });
  const h = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return rest === 0 ? t('{h} h', { h }) : t('{h} h {rest} min', { h, rest });
}

/** `kbps` up to 10 Mbps, then `Mbps`: `2 500 kbps`, `12.4 Mbps`. */
export function bitrate(bps: number): string {
  const kbps = Math.round(Math.max(0, bps) / 1000);
  if (kbps >= 10_000) return `${number(bps / 1e6, 1)} Mbps`;
  return `${thousands(kbps)} kbps`;
}

/** Where there is little room: `2.6 Mbps`. */
export function megabits(bps: number): string {
  return `${number(Math.max(0, bps) / 1e6, 1)} Mbps`;
}

/** `1 MB` at least, from a billion bytes on `2.5 GB`. */
export function bytes(n: number): string {
  return n < 1e9 ? `${Math.max(1, Math.round(n / 1e6))} MB` : `${number(n / 1e9, 1)} GB`;
}

/** Groups of three, a thin gap between: `12 345`. */
export function thousands(n: number): string {
  return number(Math.round(n));
}

/** A level: `0.0`, `+3.5`, `−12.0`, `−∞` from −60 down. */
export function decibel(db: number): string {
  if (db <= -60) return '−∞';
  const text = number(Math.abs(db), 1);
  if (Math.abs(db) < 0.05) return text;
  return `${db > 0 ? '+' : '−'}${text}`;
}

/** How far behind: `92 ms`, `3.4 s`. */
export function behind(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${number(ms / 1000, 1)} s`;
}

/** The time of day of a moment, as this reader's clock shows it: `19:02`. */
export function clock(at: number): string {
  return moment(at, { hour: '2-digit', minute: '2-digit' });
}

/** A number as it stands in a field: at most two places, a plain minus. */
export function plain(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** What a person typed as a number, taking `,` and `−`; nothing when it is none. */
export function parseNumber(text: string): number | null {
  const clean = text.trim().replace(',', '.').replace('−', '-').replace(/[^\d.+-]+$/, '');
  if (clean === '') return null;
  const value = Number(clean);
  return Number.isFinite(value) ? value : null;
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
