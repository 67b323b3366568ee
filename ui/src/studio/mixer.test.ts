import { describe, expect, it } from 'vitest';
import { level, nudged, travel } from './fader';
import { Ballistics, MASTER, MeterFeed, SILENCE, meterPosition } from './meters';

describe('fader', () => {
  it('goes both ways over its whole travel', () => {
    expect(travel(-60)).toBe(0);
    expect(travel(0)).toBe(0.76);
    expect(travel(20)).toBe(1);
    expect(level(0)).toBe(-60);
    expect(level(1)).toBe(20);
    for (let db = -60; db <= 20; db += 1) expect(level(travel(db))).toBeCloseTo(db, 6);
  });

  it('has a notch at 0 dB and ends at its ends', () => {
    expect(level(travel(0.3))).toBe(0);
    expect(level(2)).toBe(20);
    expect(nudged(19.8, 0.5)).toBe(20);
    expect(nudged(-0.2, 0.1)).toBe(-0.1);
  });
});

describe('meters', () => {
  it('reach who listens, and fall silent when a strip is gone', () => {
    const feed = new MeterFeed();
    const heard: number[] = [];
    const stop = feed.listen('mic', (l) => heard.push(l.peak[0]));
    feed.take({ strips: [{ source: 'mic', peak: [-6, -6], rms: [-12, -12] }], master: null });
    feed.take({ strips: [], master: null });
    stop();
    feed.take({ strips: [{ source: 'mic', peak: [-1, -1], rms: [-12, -12] }], master: null });
    expect(heard).toEqual([-6, -120]);
    expect(MASTER).toBe('');
  });

  it('peaks fall by 20 dB a second and the highest is held', () => {
    const shown = new Ballistics();
    shown.take({ peak: [-6, -6], rms: [-12, -12] }, 1000);
    shown.take(SILENCE, 1500);
    expect(shown.peak[0]).toBeCloseTo(-16);
    expect(shown.hold[0]).toBe(-6);
    shown.take(SILENCE, 3000);
    expect(shown.hold[0]).toBe(-120);
    for (let at = 3500; at < 7000; at += 500) shown.take(SILENCE, at);
    expect(shown.quiet).toBe(true);
  });

  it('positions', () => {
    expect(meterPosition(0)).toBe(1);
    expect(meterPosition(-30)).toBe(0.5);
    expect(meterPosition(-120)).toBe(0);
  });
});
