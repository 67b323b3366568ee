import { describe, expect, it } from 'vitest';
import type { Collection, Filter, FilterOwner, Item, Source } from '$lib/api';
import { applyEdit, freeName, newId, strips } from './document';
import { filtersOf } from './filtering';

const item = (id: string, source: string, visible = true): Item => ({
  id,
  source,
  rect: { x: 0, y: 0, width: 1280, height: 720 },
  fit: 'contain',
  crop: { left: 0, top: 0, right: 0, bottom: 0 },
  rotation: 0,
  opacity: 1,
  visible,
  locked: false,
  flip_h: false,
  flip_v: false,
});
const audio = { gain_db: 0, muted: false, pan: 0 };
const microphone: Source = { id: 'mic', name: 'Mic', audio, kind: 'microphone', settings: { device: '' } };
const colour: Source = { id: 'red', name: 'Red', audio, kind: 'color', settings: { color: '#ff0000' } };

const doc: Collection = {
  version: 1,
  name: 'Test',
  canvas: { width: 1280, height: 720, fps: 30 },
  sources: [microphone, colour],
  scenes: [
    { id: 'a', name: 'A', items: [item('1', 'red'), item('2', 'mic'), item('3', 'mic', false)] },
    { id: 'b', name: 'B', items: [item('1', 'red')] },
  ],
  current: 'a',
  master_gain_db: 0,
};
const scenes = (d: Collection): string[] => d.scenes.map((s) => s.id);

describe('edits', () => {
  it('scenes are added once, copied, moved and removed', () => {
    const added = applyEdit(doc, { edit: 'add_scene', id: 'c', name: 'C' });
    expect(scenes(added)).toEqual(['a', 'b', 'c']);
    expect(applyEdit(added, { edit: 'add_scene', id: 'c', name: 'C' })).toBe(added);
    const copied = applyEdit(doc, { edit: 'duplicate_scene', id: 'a', copy: 'c', name: 'A 2' });
    expect(scenes(copied)).toEqual(['a', 'c', 'b']);
    expect(copied.scenes[1]?.items.length).toBe(3);
    expect(scenes(applyEdit(added, { edit: 'move_scene', id: 'a', index: 9 }))).toEqual(['b', 'c', 'a']);
    const removed = applyEdit(doc, { edit: 'remove_scene', id: 'a' });
    expect(removed.current).toBe('b');
    expect(removed.sources.map((s) => s.id)).toEqual(['red']);
    expect(applyEdit(removed, { edit: 'remove_scene', id: 'b' })).toBe(removed);
  });

  it('filters come, change, move and go, on items, sources and scenes', () => {
    const blur = (id: string): Filter => ({ id, name: '', enabled: true, kind: 'blur', settings: { radius: 8 } });
    const owners: FilterOwner[] = [
      { of: 'item', scene: 'a', id: '1' },
      { of: 'source', id: 'red' },
      { of: 'scene', id: 'b' },
    ];
    for (const owner of owners) {
      let now = applyEdit(doc, { edit: 'add_filter', owner, filter: blur('x') });
      now = applyEdit(now, { edit: 'paste_filters', owner, filters: [blur('y'), blur('x')] });
      now = applyEdit(now, { edit: 'move_filter', owner, id: 'y', index: 0 });
      now = applyEdit(now, { edit: 'set_filter', owner, id: 'x', filter: { kind: 'blur', settings: { radius: 3 } } });
      now = applyEdit(now, { edit: 'enable_filter', owner, id: 'y', enabled: false });
      now = applyEdit(now, { edit: 'rename_filter', owner, id: 'y', name: 'Soft' });
      expect(filtersOf(now, owner)).toMatchObject([
        { id: 'y', enabled: false, name: 'Soft' },
        { id: 'x', enabled: true, settings: { radius: 3 } },
      ]);
      expect(filtersOf(applyEdit(now, { edit: 'remove_filter', owner, id: 'y' }), owner).length).toBe(1);
      expect(filtersOf(doc, owner)).toEqual([]);
    }
  });

  it('items are patched, ordered, and take their source with them', () => {
    const patched = applyEdit(doc, { edit: 'set_item', scene: 'a', id: '1', patch: { visible: false, rect: undefined } });
    expect(patched.scenes[0]?.items[0]).toMatchObject({ visible: false, rect: { width: 1280 } });
    expect(patched.scenes[1]?.items[0]?.visible).toBe(true);
    const ordered = applyEdit(doc, { edit: 'move_item', scene: 'a', id: '1', index: 2 });
    expect(ordered.scenes[0]?.items.map((i) => i.id)).toEqual(['2', '3', '1']);
    const once = applyEdit(doc, { edit: 'remove_item', scene: 'a', id: '2' });
    expect(once.sources.length).toBe(2);
    expect(applyEdit(once, { edit: 'remove_item', scene: 'a', id: '3' }).sources.map((s) => s.id)).toEqual(['red']);
  });

  it('a source keeps name and strip when its settings change', () => {
    const set = applyEdit(doc, { edit: 'set_source', id: 'mic', source: { kind: 'microphone', settings: { device: 'x' } } });
    expect(set.sources[0]).toEqual({ ...microphone, settings: { device: 'x' } });
  });
});

it('strips: what sounds in a scene, each once, heard when any of its items shows', () => {
  expect(strips(doc, doc.scenes[0])).toEqual([{ source: microphone, heard: true }]);
  expect(strips(doc, doc.scenes[1])).toEqual([]);
});

it('names and identities', () => {
  expect(freeName('Camera', ['Text'])).toBe('Camera');
  expect(freeName('Camera', ['Camera', 'Camera 2'])).toBe('Camera 3');
  expect(newId('scene')).toMatch(/^scene-[0-9a-f]{12}$/);
  expect(newId('scene')).not.toBe(newId('scene'));
});
