import { describe, expect, it } from 'vitest';
import { timeOf, written } from './times';

describe('a time within a film', () => {
  it('is read as it is written', () => {
    for (const [text, ms] of [
      ['0:00', 0],
      ['0:01.5', 1500],
      ['1:30', 90_000],
      ['59:59.9', 3_599_900],
      ['1:00:02', 3_602_000],
    ] as const) {
      expect(timeOf(text)).toBe(ms);
      expect(written(ms)).toBe(text);
    }
  });

  it('may be seconds alone, and nothing else', () => {
    expect(timeOf(' 90 ')).toBe(90_000);
    for (const text of ['', ':', '1:', '-1', '1:-2', 'x', '1:2:3:4', 'Infinity']) expect(timeOf(text)).toBeNull();
  });
});
