import type { Collection, Edit } from '$lib/api';
import { applyEdit } from './document';

/**
 * Edits that are on their way: sent, and perhaps not in the last snapshot yet. Shown on top of it,
 * so that the interface answers at once and nothing jumps back in between.
 */
export class Pending {
  #waiting: { readonly edit: Edit }[] = [];

  /** The document with everything that is on its way. */
  over(doc: Collection): Collection {
    return this.#waiting.reduce((now, { edit }) => applyEdit(now, edit), doc);
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** An edit leaves. The returned function forgets it: it was refused, or a snapshot holds it. */
  sent(edit: Edit): () => void {
    const one = { edit };
    // The newest of its kind covers the older ones, as long as nothing else came in between.
    const last = this.#waiting.at(-1);
    if (last && sameTarget(last.edit, edit)) this.#waiting.pop();
    this.#waiting.push(one);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== one);
    };
  }

  /** The document went another way: nothing of this is to be seen any more. */
  clear(): void {
    this.#waiting = [];
  }
}

function sameTarget(a: Edit, b: Edit): boolean {
  if (a.edit === 'set_audio' && b.edit === 'set_audio') return a.id === b.id;
  if (a.edit === 'set_source' && b.edit === 'set_source') return a.id === b.id;
  if (a.edit === 'set_master_gain' && b.edit === 'set_master_gain') return true;
  if (a.edit === 'set_transition' && b.edit === 'set_transition') return true;
  if (a.edit === 'set_scene_transition' && b.edit === 'set_scene_transition') return a.id === b.id;
  if (a.edit === 'set_filter' && b.edit === 'set_filter') {
    return a.id === b.id && JSON.stringify(a.owner) === JSON.stringify(b.owner);
  }
  if (a.edit === 'set_item' && b.edit === 'set_item') {
    const fields = (patch: object): string => Object.keys(patch).sort().join();
    return a.scene === b.scene && a.id === b.id && fields(a.patch) === fields(b.patch);
  }
  if (a.edit === 'many' && b.edit === 'many') {
    const of = b.edits;
    return a.edits.length === of.length && a.edits.every((one, index) => sameTarget(one, of[index] as Edit));
  }
  return false;
}
