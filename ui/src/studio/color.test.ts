import { expect, it } from 'vitest';
import { alphaOf, parseColor, rgbOf, withAlpha } from './color';

it('reads what people type', () => {
  expect(parseColor('#F5A524')).toBe('#f5a524');
  expect(parseColor('fa2')).toBe('#ffaa22');
  expect(parseColor(' 0f1012cc ')).toBe('#0f1012cc');
  expect(parseColor('amber')).toBeNull();
  expect(parseColor('#12345')).toBeNull();
});

it('alpha comes and goes', () => {
  expect(alphaOf('#ffffff')).toBe(1);
  expect(alphaOf('#0f101280')).toBeCloseTo(0.5, 2);
  expect(withAlpha('#0f1012', 0.8)).toBe('#0f1012cc');
  expect(withAlpha('#0f1012cc', 1)).toBe('#0f1012');
  expect(rgbOf('#0f1012cc')).toBe('#0f1012');
});
