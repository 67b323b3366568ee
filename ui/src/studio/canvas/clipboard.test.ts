import { describe, expect, it } from 'vitest';
import type { Collection, Item, Source } from '$lib/api';
import { applyEdit } from '../document';
import { copied, pasted } from './clipboard';

const item = (id: string, source: string): Item => ({
  id,
  source,
  rect: { x: 0, y: 0, width: 100, height: 100 },
  fit: 'contain',
  crop: { left: 0, top: 0, right: 0, bottom: 0 },
  rotation: 0,
  opacity: 1,
  visible: true,
  locked: false,
  flip_h: false,
  flip_v: false,
});
const audio = { gain_db: 0, muted: false, pan: 0 };
const red: Source = { id: 'red', name: 'Red', audio, kind: 'color', settings: { color: '#ff0000' } };
const group: Source = { id: 'g', name: 'Group', audio, kind: 'scene', settings: { scene: 'group' } };
const doc: Collection = {
  version: 1,
  name: 'Test',
  canvas: { width: 1280, height: 720, fps: 30 },
  sources: [red, group],
  scenes: [
    { id: 'a', name: 'A', items: [item('1', 'red'), item('2', 'g')] },
    { id: 'b', name: 'B', items: [] },
    { id: 'group', name: 'Group', items: [item('1', 'red')], group: { width: 100, height: 100 } },
  ],
  current: 'a',
  master_gain_db: 0,
};
const [a, b] = doc.scenes as [Collection['scenes'][0], Collection['scenes'][0]];

describe('copy and paste', () => {
  it('shows the same source in another scene', () => {
    const fragment = pasted(copied(doc, a, ['1']), doc, b, false);
    const after = applyEdit(doc, { edit: 'paste', scene: 'b', fragment });
    expect(after.sources).toEqual(doc.sources);
    expect(after.scenes[1]?.items).toMatchObject([{ source: 'red', rect: { x: 0 } }]);
    expect(after.scenes[1]?.items[0]?.id).not.toBe('1');
  });

  it('makes copies of the sources when asked, and stands aside of what it would cover', () => {
    const fragment = pasted(copied(doc, a, ['1']), doc, a, true);
    const after = applyEdit(doc, { edit: 'paste', scene: 'a', fragment });
    expect(after.sources.map((one) => one.name)).toEqual(['Red', 'Group', 'Red 2']);
    expect(after.scenes[0]?.items.at(-1)?.rect.x).toBe(24);
  });

  it('copies a group with what is in it', () => {
    const fragment = pasted(copied(doc, a, ['2']), doc, b, false);
    const after = applyEdit(doc, { edit: 'paste', scene: 'b', fragment });
    const groups = after.scenes.filter((scene) => scene.group);
    expect(groups.length).toBe(2);
    expect(groups[1]?.items).toMatchObject([{ source: 'red' }]);
    expect(after.sources.map((one) => one.name)).toEqual(['Red', 'Group', 'Group 2']);
  });

  it('brings back what was cut, and what another collection lacks', () => {
    const clip = copied(doc, a, ['1', '2']);
    const empty: Collection = { ...doc, sources: [], scenes: [{ ...b }], current: 'b' };
    const after = applyEdit(empty, { edit: 'paste', scene: 'b', fragment: pasted(clip, empty, b, false) });
    expect(after.scenes[0]?.items.length).toBe(2);
    expect(after.sources.map((one) => one.name).sort()).toEqual(['Group', 'Red']);
  });
});
