import { describe, expect, it } from 'vitest';
import { behind, bitrate, decibel, duration, parseNumber, plain, span, thousands } from './format';

describe('figures', () => {
  it('durations', () => {
    expect(duration(0)).toBe('0:00');
    expect(duration(247_000)).toBe('4:07');
    expect(duration(3_609_000)).toBe('1:00:09');
    expect(duration(2_537_000, true)).toBe('00:42:17');
    expect(duration(-5)).toBe('0:00');
  });

  it('spans in words', () => {
    expect(span(59_000)).toBe('less than a minute');
    expect(span(42 * 60_000)).toBe('42 min');
    expect(span(120 * 60_000)).toBe('2 h');
    expect(span(125 * 60_000)).toBe('2 h 5 min');
  });

  it('rates, counts and levels', () => {
    expect(bitrate(2_500_000)).toBe('2\u202f500 kbps');
    expect(bitrate(12_400_000)).toBe('12.4 Mbps');
    expect(thousands(1_234_567)).toBe('1\u202f234\u202f567');
    expect(decibel(0.01)).toBe('0.0');
    expect(decibel(-12)).toBe('−12.0');
    expect(decibel(3.46)).toBe('+3.5');
    expect(decibel(-60)).toBe('−∞');
    expect(behind(91.6)).toBe('92 ms');
    expect(behind(3_400)).toBe('3.4 s');
  });

  it('typed numbers', () => {
    expect(parseNumber(' 12,5 px')).toBe(12.5);
    expect(parseNumber('−3')).toBe(-3);
    expect(parseNumber('')).toBeNull();
    expect(parseNumber('wide')).toBeNull();
    expect(plain(0.30000001)).toBe('0.3');
  });
});
