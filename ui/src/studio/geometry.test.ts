import { describe, expect, it } from 'vitest';
import type { Item } from '$lib/api';
import { bounds, cropped, drawn, hits, linesOf, onLine, pointed, pulled, resized, scaledInto, turnedAround, union } from './geometry';

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

  it('are drawn to the canvas and to others', () => {
    const lines = linesOf(canvas, [{ x: 500, y: 20, width: 40, height: 40 }]);
    expect(pulled({ ...rect, x: 6, y: 307 }, lines, 8)).toEqual({ dx: -6, dy: 3, x: 0, y: 360 });
    expect(pulled({ ...rect, x: 40, y: 200 }, lines, 8)).toEqual({ dx: 0, dy: 0, x: null, y: null });
    expect(pulled({ ...rect, x: 303, y: 200 }, lines, 8)).toMatchObject({ dx: -3, x: 500 });
    expect(drawn({ x: 1275, y: 717 }, { x: 1, y: 0 }, lines, 8)).toEqual({ x: 1280, y: 717 });
    expect(onLine({ x: 0, y: 0, width: 1280, height: 300 }, { x: 1, y: 1 }, lines)).toEqual({ x: 1280, y: null });
  });

  it('have an upright box around them', () => {
    expect(bounds({ rect, rotation: 0 })).toEqual(rect);
    expect(bounds({ rect, rotation: -90 })).toEqual({ x: 150, y: 50, width: 100, height: 200 });
    expect(bounds({ rect, rotation: 45 }).width).toBeCloseTo(300 / Math.SQRT2);
    expect(union([rect, { x: 0, y: 150, width: 10, height: 100 }])).toEqual({ x: 0, y: 100, width: 300, height: 150 });
    expect(union([])).toBeNull();
  });

  it('turn to where they are pointed, and together around their middle', () => {
    expect(pointed(rect, { x: 200, y: 0 })).toBe(0);
    expect(pointed(rect, { x: 900, y: 150 })).toBe(90);
    expect(pointed(rect, { x: 0, y: 150 })).toBe(-90);
    const pair = [
      { rect: { x: 0, y: 0, width: 10, height: 10 }, rotation: 0 },
      { rect: { x: 90, y: 0, width: 10, height: 10 }, rotation: 170 },
    ];
    expect(turnedAround(pair, { x: 50, y: 5 }, 90)).toEqual([
      { rect: { x: 45, y: -45, width: 10, height: 10 }, rotation: 90 },
      { rect: { x: 45, y: 45, width: 10, height: 10 }, rotation: -100 },
    ]);
  });

  it('grow with the box around them', () => {
    const pair = [
      { rect: { x: 0, y: 0, width: 10, height: 20 }, rotation: 0 },
      { rect: { x: 90, y: 80, width: 10, height: 20 }, rotation: 0 },
    ];
    const after = scaledInto(pair, { x: 0, y: 0, width: 100, height: 100 }, { x: 10, y: 0, width: 200, height: 50 });
    expect(after).toEqual([
      { x: 10, y: 0, width: 20, height: 10 },
      { x: 190, y: 40, width: 20, height: 10 },
    ]);
  });
});

describe('a crop by its edges', () => {
  const item: Item = {
    id: 'i',
    source: 's',
    rect: { x: 0, y: 0, width: 400, height: 400 },
    fit: 'contain',
    crop: { left: 0, top: 0, right: 0, bottom: 0 },
    rotation: 0,
    opacity: 1,
    visible: true,
    locked: false,
    flip_h: false,
    flip_v: false,
  };
  const picture = { width: 800, height: 400 };

  it('leaves the rest where it is', () => {
    // The picture is 400 × 200 in the middle of its box: half its size.
    const after = cropped(item, picture, { x: 1, y: 0 }, { x: 300, y: 200 });
    expect(after).toEqual({ rect: { x: 0, y: 100, width: 300, height: 200 }, crop: { left: 0, top: 0, right: 200, bottom: 0 } });
    const back = cropped({ ...item, ...after }, picture, { x: 1, y: 0 }, { x: 9999, y: 200 });
    expect(back).toEqual({ rect: { x: 0, y: 100, width: 400, height: 200 }, crop: item.crop });
  });

  it('takes the other side of a mirrored picture, and leaves something', () => {
    const after = cropped({ ...item, flip_h: true }, picture, { x: -1, y: 0 }, { x: 100, y: 0 });
    expect(after).toEqual({ rect: { x: 100, y: 100, width: 300, height: 200 }, crop: { left: 0, top: 0, right: 200, bottom: 0 } });
    expect(cropped(item, picture, { x: -1, y: 0 }, { x: 9999, y: 0 }).rect.width).toBe(8);
  });

  it('counts what a filled box cut off already', () => {
    const after = cropped({ ...item, fit: 'cover' }, picture, { x: 0, y: 1 }, { x: 0, y: 300 });
    expect(after).toEqual({ rect: { x: 0, y: 0, width: 400, height: 300 }, crop: { left: 200, top: 0, right: 200, bottom: 100 } });
  });
});
