import type { ChatRoom, Message, Moderation, RoomRules } from '$lib/api';
import { t } from '$lib/words';

/** What everybody may know of a room's rules. */
export type PublicRules = Pick<RoomRules, 'slow_seconds' | 'links'>;

/** Why and until when somebody may not write. */
export interface Stopped {
  until: number | null;
  message: string;
}

/** A room as it is before anybody set a rule. */
export const unruled = (channel: string): ChatRoom => ({ channel, rules: { slow_seconds: 0, links: true, words: [] }, bans: [] });

/** What is left when messages were taken away: all of them when it is not said which. */
export function without(messages: readonly Message[], gone: readonly number[] | null | undefined): readonly Message[] {
  if (!gone) return [];
  const ids = new Set(gone);
  return messages.filter((message) => !ids.has(message.id));
}

/** The acts on a message, by what they are called. */
export function actsOn(message: Message): { label: string; act: Moderation; apart?: boolean }[] {
  const remove = { label: t('Delete message'), act: { act: 'delete', message: message.id } as const };
  if (message.role !== 'viewer') return [remove];
  const out = (label: string, seconds: number): { label: string; act: Moderation } => ({
    label,
    act: { act: 'time_out', message: message.id, seconds },
  });
  return [
    remove,
    { ...out(t('Time out for 1 minute'), 60), apart: true },
    out(t('Time out for 10 minutes'), 600),
    out(t('Time out for 1 hour'), 3600),
    { label: t('Ban'), act: { act: 'ban', message: message.id, purge: false }, apart: true },
    { label: t('Ban, and delete all they wrote'), act: { act: 'ban', message: message.id, purge: true } },
  ];
}

/** The words of a list, one on a line, each once. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.split('\n').map((word) => word.trim()).filter((word) => word !== ''))];
}

/** Slow mode as people say it. */
export function slowly(seconds: number): string {
  if (seconds < 60) return t('{seconds} s', { seconds });
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? t('{minutes} min', { minutes }) : t('{minutes} min {seconds} s', { minutes, seconds: seconds % 60 });
}
