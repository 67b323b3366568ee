import { expect, test } from 'vitest';
import { dragged } from './region';

test('a part is what was dragged over, whichever way, and never leaves the screen', () => {
  const size = [1920, 1080] as const;
  const part = { x: 192, y: 108, width: 960, height: 540 };
  expect(dragged({ x: 0.1, y: 0.1 }, { x: 0.6, y: 0.6 }, size)).toEqual(part);
  expect(dragged({ x: 0.6, y: 0.6 }, { x: 0.1, y: 0.1 }, size)).toEqual(part);
  expect(dragged({ x: 0.5, y: 0.5 }, { x: 7, y: -3 }, size)).toEqual({ x: 960, y: 0, width: 960, height: 540 });
  expect(dragged({ x: 1, y: 1 }, { x: 1, y: 1 }, size)).toEqual({ x: 1912, y: 1072, width: 8, height: 8 });
});
