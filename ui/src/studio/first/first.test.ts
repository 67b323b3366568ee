import { expect, it } from 'vitest';
import type { Collection, Quality } from '$lib/api';
import { applyEdit } from '../document';
import { freshItem } from '../fresh';
import { type Answers, MICROPHONE, answered, edits, recommended, resized } from './first';

const audio = { gain_db: 0, muted: false, pan: 0 };
const doc: Collection = {
  version: 1,
  name: 'Demo',
  canvas: { width: 1280, height: 720, fps: 30 },
  current: 'welcome',
  master_gain_db: 0,
  sources: [{ id: 'film', name: 'Film', audio, kind: 'color', settings: { color: '#000000' } }],
  scenes: [{ id: 'welcome', name: 'Welcome', items: [freshItem('film', 'film', { x: 64, y: 36, width: 640, height: 360 })] }],
};

const after = (from: Collection, answers: Answers): Collection => edits(from, answers).reduce(applyEdit, from);
const shape = ({ current, scenes }: Collection): unknown => [current, Object.fromEntries(scenes.map((one) => [one.id, one.items.map((item) => item.id)]))];

it('answers become a scene, other answers change it, and none leaves what is there', () => {
  expect(edits(doc, { camera: '', microphone: '' })).toEqual([]);
  const both = after(doc, { camera: 'cam', microphone: 'mic' });
  expect(shape(both)).toEqual(['camera', { welcome: ['film'], camera: ['camera', MICROPHONE] }]);
  expect(answered(both)).toEqual({ camera: 'cam', microphone: 'mic' });
  expect(edits(both, { camera: 'cam', microphone: 'mic' })).toEqual([]);

  const other = after(both, { camera: 'other', microphone: 'mic' });
  expect(answered(other)).toEqual({ camera: 'other', microphone: 'mic' });
  expect(other.sources).toHaveLength(3);
  expect(shape(after(other, { camera: 'other', microphone: '' }))).toEqual(['camera', { welcome: ['film'], camera: ['camera'] }]);

  const heard = after(doc, { camera: '', microphone: 'mic' });
  expect(shape(heard)).toEqual(['welcome', { welcome: ['film', MICROPHONE] }]);
  expect(shape(after(heard, { camera: '', microphone: '' }))).toEqual(shape(doc));
  expect(after(both, { camera: '', microphone: '' }).current).toBe('welcome');
});

it('another canvas keeps everything where it was', () => {
  expect(resized(doc, doc.canvas)).toEqual([]);
  expect(resized(doc, { ...doc.canvas, fps: 60 })).toHaveLength(1);
  const large = resized(doc, { width: 1920, height: 1080, fps: 30 }).reduce(applyEdit, doc);
  expect(large.scenes[0]?.items[0]?.rect).toEqual({ x: 96, y: 54, width: 960, height: 540 });
});

it('what is locked goes along where everything does', () => {
  const locked: Collection = { ...doc, scenes: doc.scenes.map((one) => ({ ...one, items: one.items.map((item) => ({ ...item, locked: true })) })) };
  // Whoever names the lock may move what is locked.
  const scaled = { x: 96, y: 54, width: 960, height: 540 };
  const edit = resized(locked, { width: 1920, height: 1080, fps: 30 })[1];
  expect(edit).toEqual({ edit: 'set_item', scene: 'welcome', id: 'film', patch: { rect: scaled, locked: true } });
  const heard = after(doc, { camera: '', microphone: 'mic' });
  const held = applyEdit(heard, { edit: 'set_item', scene: 'welcome', id: MICROPHONE, patch: { locked: true } });
  expect(edits(held, { camera: '', microphone: '' }).map((one) => one.edit)).toEqual(['set_item', 'remove_item']);
});

it('the best that fits is recommended', () => {
  const one = (width: number, fits: boolean): Quality => ({ width, height: 1, fps: 30, bitrate: 1, compose_ms: 1, encode_ms: 1, load: 1, fits });
  expect(recommended([])).toBeUndefined();
  expect(recommended([one(3, false), one(2, true), one(1, true)])?.width).toBe(2);
  expect(recommended([one(3, false), one(2, false)])?.width).toBe(2);
});
