import type { Collection } from '$lib/api';
import { hasPicture } from '../document.ts';
import { bounds, union } from '../geometry.ts';
import { apply, shows } from './affine.ts';

/** A group as large as what is in it, and the items that show it likewise, so that nothing is seen to move. */
export function fitGroup(doc: Collection, id: string): Collection {
  const group = doc.scenes.find((scene) => scene.id === id);
  if (!group?.group) return doc;
  const before = group.group;
  const seen = group.items.filter((item) => {
    const source = doc.sources.find((one) => one.id === item.source);
    return source && hasPicture(source.kind);
  });
  const all = union(seen.map(bounds));
  if (!all) return doc;
  const [x, y] = [Math.floor(all.x), Math.floor(all.y)];
  const width = Math.max(1, Math.ceil(all.x + all.width) - x);
  const height = Math.max(1, Math.ceil(all.y + all.height) - y);
  if (x === 0 && y === 0 && width === before.width && height === before.height) return doc;
  const shown = new Set(doc.sources.filter((one) => one.kind === 'scene' && one.settings.scene === id).map((one) => one.id));
  const showing = doc.scenes.flatMap((scene) => scene.items).filter((item) => shown.has(item.source));
  // Somebody chose what is to be seen of it.
  if (showing.some(({ crop }) => crop.left + crop.right + crop.top + crop.bottom > 0)) return doc;
  const scenes = doc.scenes.map((scene) => ({
    ...scene,
    ...(scene.id === id ? { group: { width, height } } : {}),
    items: scene.items.map((item) => {
      if (scene.id === id) return { ...item, rect: { ...item.rect, x: item.rect.x - x, y: item.rect.y - y } };
      if (!shown.has(item.source)) return item;
      const to = shows(item, before);
      const centre = apply(to, { x: x + width / 2, y: y + height / 2 });
      const wide = Math.max(1, width * Math.hypot(to[0], to[1]));
      const high = Math.max(1, height * Math.hypot(to[2], to[3]));
      return { ...item, fit: 'stretch' as const, rect: { x: centre.x - wide / 2, y: centre.y - high / 2, width: wide, height: high } };
    }),
  }));
  return { ...doc, scenes };
}
