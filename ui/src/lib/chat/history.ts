import type { Message } from '$lib/api';

/** Messages a page keeps on screen. */
export const KEPT = 500;

/** Old and new messages as one list, each once, oldest first, at most {@link KEPT}. */
export function merge(old: readonly Message[], more: readonly Message[]): readonly Message[] {
  const last = old.at(-1);
  const [only] = more;
  // The usual case: one more at the end.
  if (more.length === 1 && only && (!last || only.id > last.id)) return [...old, only].slice(-KEPT);
  const byId = new Map(old.map((message) => [message.id, message]));
  for (const message of more) byId.set(message.id, message);
  return [...byId.values()].sort((a, b) => a.id - b.id).slice(-KEPT);
}
