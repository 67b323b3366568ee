import { expect, it } from 'vitest';
import { stepInWords, stepOf } from './steps';

it('steps are kept in English, and read as they are where that is spoken', () => {
  expect([stepOf('move', 1), stepOf('move', 3), stepOf('opacity', 2)]).toEqual(['Move item', 'Move 3 items', 'Opacity of 2 items']);
  for (const label of ['Hide item “Logo”', 'Move 12 items', 'Add scene “Take 2 items”', 'Fit to canvas', 'Name with a “ in it']) expect(stepInWords(label)).toBe(label);
});
