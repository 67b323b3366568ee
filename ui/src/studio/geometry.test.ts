import { describe, expect, it } from 'vitest';
import { hits, resized, snapped } from './geometry';

const rect = { x: 100, y: 100, width: 200, height: 100 };
const canvas = { width: 1280, height: 720, fps: 30 };

describe('boxes', () => {
  it('are hit as they are turned', () => {
    expect(hits({ rect, rotation: 0 }, { x: 110, y: 110 })).toBe(true);
    expect(hits({ rect, rotation: 90 }, { x: 110, y: 110 })).toBe(false);
    expect(hits({ rect, rotation: 90 }, { x: 200, y: 60 })).toBe(true);
  });

  it('grow from the other side', () => {
    expect(resized(rect, 0, { x: 1, y: 1 }, { x: 400, y: 300 }, false)).toEqual({ x: 100, y: 100, width: 300, height: 200 });
    expect(resized(rect, 0, { x: -1, y: 0 }, { x: 50, y: 999 }, false)).toEqual({ x: 50, y: 100, width: 250, height: 100 });
    expect(resized(rect, 0, { x: 1, y: 1 }, { x: 500, y: 101 }, true)).toEqual({ x: 100, y: 100, width: 400, height: 200 });
    expect(resized(rect, 0, { x: 1, y: 0 }, { x: 0, y: 0 }, false).width).toBe(8);
  });

  it('keep their other side when turned', () => {
    // Turned by 90°, the right edge is at the bottom: dragging it down makes the box wider.
    const after = resized(rect, 90, { x: 1, y: 0 }, { x: 200, y: 300 }, false);
    expect(after.width).toBe(250);
    expect(after.height).toBe(100);
    // Its middle moved down by half of what it grew.
    expect(after.x + after.width / 2).toBe(200);
    expect(after.y + after.height / 2).toBe(175);
  });

  it('are drawn to the canvas', () => {
    expect(snapped({ ...rect, x: 6, y: 307 }, canvas, 8)).toEqual({ rect: { ...rect, x: 0, y: 310 }, x: 0, y: 360 });
    expect(snapped({ ...rect, x: 40, y: 200 }, canvas, 8)).toEqual({ rect: { ...rect, x: 40, y: 200 }, x: null, y: null });
  });
});
