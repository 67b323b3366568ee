/** Lines of the log, as the panel shows them. Everything here is pure. */
import type { LogLevel, LogLine } from '$lib/api';
import { moment as told } from '$lib/words';

export const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

/** Lines that the panel remembers. */
const KEEP = 2000;

/** The lines known so far and those that came, without any twice. */
export function added(known: readonly LogLine[], news: readonly LogLine[]): readonly LogLine[] {
  const last = known.at(-1)?.id ?? -1;
  // Numbers begin anew when Klieg was restarted: so does the panel.
  if (news.length > 0 && known.length > 0 && (news.at(-1)?.id ?? 0) < last) return news;
  return [...known, ...news.filter((line) => line.id > last)].slice(-KEEP);
}

/** Lines of at least a level in which all words stand. */
export function chosen(lines: readonly LogLine[], level: LogLevel, search: string): readonly LogLine[] {
  const most = LEVELS.indexOf(level);
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return lines.filter((line) => {
    if (LEVELS.indexOf(line.level) > most) return false;
    const text = `${line.target} ${line.text}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function asText(lines: readonly LogLine[]): string {
  return lines.map((line) => `${new Date(line.at).toISOString()} ${line.level.toUpperCase().padStart(5)} ${line.target}: ${line.text}`).join('\n');
}

/** The time of day to the second: `19:02:07`. */
export function moment(at: number): string {
  return told(at, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
}

/** Day and time: `21 Nov, 19:02:07`. */
export function day(at: number): string {
  return `${told(at, { day: 'numeric', month: 'short' })}, ${moment(at)}`;
}
