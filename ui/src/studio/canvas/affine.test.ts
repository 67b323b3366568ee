import { describe, expect, it } from 'vitest';
import type { Item } from '$lib/api';
import { SAME, after, apply, inverse, shows } from './affine';

const item = (change: Partial<Item>): Item => ({
  id: 'i',
  source: 's',
  rect: { x: 100, y: 50, width: 200, height: 100 },
  fit: 'stretch',
  crop: { left: 0, top: 0, right: 0, bottom: 0 },
  rotation: 0,
  opacity: 1,
  visible: true,
  locked: false,
  flip_h: false,
  flip_v: false,
  ...change,
});
const size = { width: 100, height: 100 };
const close = (a: { x: number; y: number }, x: number, y: number): void => {
  expect(a.x).toBeCloseTo(x);
  expect(a.y).toBeCloseTo(y);
};

describe('how an item shows a picture', () => {
  it('stretched, mirrored, turned, cropped', () => {
    const corner = { x: 0, y: 0 };
    close(apply(shows(item({}), size), corner), 100, 50);
    close(apply(shows(item({ flip_h: true }), size), corner), 300, 50);
    close(apply(shows(item({ rotation: 180 }), size), corner), 300, 150);
    close(apply(shows(item({ rotation: 90 }), size), corner), 250, 0);
    close(apply(shows(item({ fit: 'contain' }), size), corner), 150, 50);
    close(apply(shows(item({ fit: 'cover' }), size), corner), 100, 0);
    close(apply(shows(item({ crop: { left: 50, top: 0, right: 0, bottom: 0 } }), size), { x: 50, y: 0 }), 100, 50);
  });

  it('and the way back', () => {
    const to = shows(item({ rotation: 33, flip_v: true }), size);
    close(apply(inverse(to), apply(to, { x: 7, y: 12 })), 7, 12);
    const round = after(inverse(to), to);
    round.forEach((value, index) => expect(value).toBeCloseTo(SAME[index] ?? NaN));
  });
});
