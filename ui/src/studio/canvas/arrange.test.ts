import { describe, expect, it } from 'vitest';
import type { Item, Rect } from '$lib/api';
import { align, centre, distribute, flip, order, over, rotate } from './arrange';

const item = (id: string, rect: Rect, rotation = 0): Item => ({
  id,
  source: 's',
  rect,
  fit: 'contain',
  crop: { left: 0, top: 0, right: 0, bottom: 0 },
  rotation,
  opacity: 1,
  visible: true,
  locked: false,
  flip_h: false,
  flip_v: false,
});
const canvas = { width: 1000, height: 500 };
const a = item('a', { x: 100, y: 100, width: 100, height: 50 });
const b = item('b', { x: 300, y: 200, width: 50, height: 50 });
const c = item('c', { x: 800, y: 300, width: 100, height: 100 });
const left = ({ changes }: ReturnType<typeof align>): (number | undefined)[] => changes.map((change) => change.patch.rect?.x);

describe('items', () => {
  it('line up: one with the canvas, several with each other', () => {
    expect(left(align([a], canvas, 'left'))).toEqual([0]);
    expect(left(align([a], canvas, 'right'))).toEqual([900]);
    expect(left(align([a, b, c], canvas, 'left'))).toEqual([100, 100, 100]);
    expect(left(align([a, b, c], canvas, 'centre'))).toEqual([450, 475, 450]);
    const upright = item('t', { x: 100, y: 100, width: 100, height: 50 }, 90);
    expect(left(align([upright], canvas, 'left'))).toEqual([-25]);
  });

  it('stand at the same gap', () => {
    expect(left(distribute([c, a, b], true))).toEqual([100, 475, 800]);
    expect(distribute([a, b], true).changes).toEqual([]);
  });

  it('stand in the middle together', () => {
    expect(left(centre([a, c], canvas))).toEqual([100, 800]);
    expect(left(centre([b], canvas))).toEqual([475]);
  });

  it('cover, mirror and turn', () => {
    expect(over([a], canvas, 'cover').changes[0]?.patch).toEqual({ rect: { x: 0, y: 0, ...canvas }, fit: 'cover', rotation: 0 });
    expect(flip([item('t', a.rect, 30)], true).changes[0]?.patch).toEqual({ flip_h: true, rotation: -30 });
    expect(rotate([item('t', a.rect, 120)], 90).changes[0]?.patch).toEqual({ rotation: -150 });
  });

  it('change their order and keep it among themselves', () => {
    const scene = { id: 's', name: 'S', items: [a, b, c] };
    const after = (chosen: string[], to: Parameters<typeof order>[2]): string => {
      const ids = ['a', 'b', 'c'];
      for (const edit of order(scene, chosen, to).edits) {
        if (edit.edit !== 'move_item') throw new Error(edit.edit);
        // What was not chosen may be locked: it is not named.
        expect(chosen).toContain(edit.id);
        ids.splice(ids.indexOf(edit.id), 1);
        ids.splice(edit.index, 0, edit.id);
      }
      return ids.join('');
    };
    expect(after(['a'], 'front')).toBe('bca');
    expect(after(['a', 'b'], 'front')).toBe('cab');
    expect(after(['c', 'b'], 'back')).toBe('bca');
    expect(after(['a', 'c'], 'front')).toBe('bac');
    expect(after(['a', 'c'], 'back')).toBe('acb');
    expect(after(['a', 'c'], 'forward')).toBe('bac');
    expect(after(['a', 'c'], 'backward')).toBe('acb');
    expect(after(['a', 'b'], 'forward')).toBe('cab');
    expect(after(['b', 'c'], 'forward')).toBe('abc');
    expect(after(['c'], 'backward')).toBe('acb');
  });
});
