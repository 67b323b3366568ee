import { describe, expect, it } from 'vitest';
import { backoff, fallbackWords } from './fault';
import { type Sample, figures, sample } from './figures';
import { askForStereo, receivesH264 } from './sdp';

describe('the offer', () => {
  const offer = 'a=rtpmap:96 VP8/90000\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=mid:1\r\n';

  it('asks for stereo, once, and touches nothing else', () => {
    const asked = askForStereo(offer);
    expect(asked).toContain('a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n');
    expect(asked.length).toBe(offer.length + ';stereo=1'.length);
    expect(askForStereo(asked)).toBe(asked);
    expect(askForStereo('v=0\r\n')).toBe('v=0\r\n');
  });

  it('needs H.264', () => {
    expect(receivesH264({ codecs: [{ mimeType: 'video/VP8' }, { mimeType: 'video/H264' }] })).toBe(true);
    expect(receivesH264({ codecs: [{ mimeType: 'video/VP8' }] })).toBe(false);
    expect(receivesH264(null)).toBe(false);
  });
});

describe('falling back', () => {
  it('says why', () => {
    expect(fallbackWords('blocked', '')).toMatch(/UDP seems to be blocked/);
    expect(fallbackWords('codec', '')).toMatch(/no H\.264/);
    expect(fallbackWords('refused', '503 Service Unavailable')).toMatch(/503/);
  });

  it('waits longer each time, up to a limit', () => {
    expect(backoff(1, 0.5)).toBe(500);
    expect(backoff(3, 0.5)).toBe(2000);
    expect(backoff(20, 0.5)).toBe(8000);
    expect(backoff(20, 1)).toBeCloseTo(9600);
  });
});

describe('figures', () => {
  const at = (n: number): Sample => ({
    at: n * 1000,
    bytes: n * 250_000,
    frames: n * 30,
    dropped: 0,
    lost: 1,
    width: 1280,
    height: 720,
    fps: 30,
    rtt: 0.004,
    processing: n * 30 * 0.02,
    codec: 'H264',
  });

  it('come from two samples', () => {
    const now = figures(at(1), at(2));
    expect(now.bitrate).toBe(2_000_000);
    expect(now.behind).toBeCloseTo(22);
    expect(now.rtt).toBeCloseTo(4);
  });

  it('say nothing about delay while no picture moves', () => {
    expect(figures(at(2), at(2)).behind).toBeNull();
  });

  it('read the report of a browser', () => {
    const entries: Record<string, unknown>[] = [
      { id: 'V', type: 'inbound-rtp', kind: 'video', framesDecoded: 3, bytesReceived: 100, codecId: 'C', timestamp: 5, totalProcessingDelay: 0.1 },
      { id: 'A', type: 'inbound-rtp', kind: 'audio', bytesReceived: 20 },
      { id: 'P', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.001 },
      { id: 'C', type: 'codec', mimeType: 'video/H264' },
    ];
    const report = new Map(entries.map((e) => [e['id'], e])) as unknown as RTCStatsReport;
    expect(sample(report)).toMatchObject({ bytes: 120, frames: 3, rtt: 0.001, codec: 'H264', processing: 0.1 });
    expect(sample(new Map() as unknown as RTCStatsReport)).toBeNull();
  });
});
