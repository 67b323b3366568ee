import { expect, test } from 'vitest';
import type { Upload, UploadState } from '$lib/api';
import { far, room, said } from './uploads';

const upload = (state: UploadState, sent = 5e8): Upload => ({ film: 1, show: 'a1', title: 'Morning', bytes: 2e9, sent, state });

test('an upload says how far it is and what it waits for', () => {
  expect(far(upload({ state: 'paused' }))).toBe('25 %');
  expect(far({ ...upload({ state: 'paused' }), bytes: 0 })).toBe('0 %');
  expect(said(upload({ state: 'sending', bitrate: 12_400_000 }))).toBe('25 % of 2.0 GB · 12.4 Mbps');
  expect(said(upload({ state: 'paused' }))).toBe('Paused at 25 %');
  expect(said(upload({ state: 'failed', reason: 'No such bucket.' }))).toBe('No such bucket.');
  expect(said(upload({ state: 'retrying', attempt: 2, at: 0, reason: 'Lost.' }))).toMatch(/^Lost\. Tried again at \d/);
});

test('room is tight before it is used up', () => {
  expect(room({ used: 5e6 })).toEqual({ words: '5 MB taken', part: null, tight: false });
  expect(room({ used: 5e6, free: 3e9 }).words).toBe('5 MB taken · 3.0 GB of the disk free');
  expect(room({ used: 8e9, quota: 1e10 })).toEqual({ words: '8.0 GB of 10.0 GB taken', part: 0.8, tight: false });
  expect(room({ used: 1.2e10, quota: 1e10 })).toMatchObject({ part: 1, tight: true });
});
