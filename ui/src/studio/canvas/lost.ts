import type { FilterKind, Item, Scene, Source } from '$lib/api';
import { FILTERS } from '$lib/api';
import { described, t, within } from '$lib/words';

/** Filters of colours alone go on to each item when a group is taken apart. */
const GO_ON: readonly FilterKind['kind'][] = ['chroma_key', 'luma_key', 'color_correction', 'lut'];

/** What belongs to a group as a whole, and is gone once it is taken apart: "crop", "blur". */
export function lost(shell: Item, source: Source | undefined, group: Scene): string[] {
  const { left, top, right, bottom } = shell.crop;
  const filters = [...(group.filters ?? []), ...(source?.filters ?? []), ...(shell.filters ?? [])];
  const names = filters.filter((one) => one.enabled && !GO_ON.includes(one.kind)).map((one) => FILTERS.find((known) => known.kind === one.kind)?.name ?? one.kind);
  const words = [left + top + right + bottom > 0 ? t('crop') : '', (shell.blend ?? 'normal') === 'normal' ? '' : t('blend mode'), ...names.map((name) => within(described(name)))];
  return [...new Set(words.filter((word) => word !== ''))];
}
