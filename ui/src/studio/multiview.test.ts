import { expect, test } from 'vitest';
import { board, grid } from './multiview';

test('scenes are laid out as the studio draws them', () => {
  // The same numbers as in `program/src/views.rs`.
  const cases: readonly [number, number, number][] = [
    [0, 1, 1],
    [1, 1, 1],
    [6, 1, 6],
    [7, 2, 4],
    [10, 2, 5],
    [11, 3, 4],
    [50, 5, 10],
  ];
  for (const [scenes, rows, columns] of cases) expect(board(scenes), `${scenes} scenes`).toEqual({ rows, columns });
});

test('on a monitor scenes are as large as they can be', () => {
  const cases: readonly [number, number, number, number, number][] = [
    [0, 16 / 9, 16 / 9, 1, 1],
    [1, 16 / 9, 16 / 9, 1, 1],
    [4, 16 / 9, 16 / 9, 2, 2],
    [4, 16 / 9, 32 / 9, 2, 2],
    [3, 16 / 9, 9 / 16, 3, 1],
    [7, 16 / 9, 16 / 9, 3, 3],
    [4, 9 / 16, 16 / 9, 1, 4],
  ];
  for (const [scenes, shape, screen, rows, columns] of cases) expect(grid(scenes, shape, screen), `${scenes} of ${shape} on ${screen}`).toEqual({ rows, columns });
});
