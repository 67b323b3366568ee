import { expect, it } from 'vitest';
import type { Collection, Source } from '$lib/api';
import { applyEdit } from './document';
import { TEMPLATES, candidates, made, suggested } from './templates';

const audio = { gain_db: 0, muted: false, pan: 0 };
const camera = (id: string): Source => ({ id, name: id, audio, kind: 'camera', settings: { device: '', width: 0, height: 0, fps: 0 } });
const screen: Source = { id: 'screen', name: 'Screen', audio, kind: 'screen', settings: { device: '', area: null, pointer: true } };
const microphone: Source = { id: 'mic', name: 'Mic', audio, kind: 'microphone', settings: { device: '' } };
const doc: Collection = {
  version: 1,
  name: 'Test',
  canvas: { width: 1280, height: 720, fps: 30 },
  sources: [microphone, screen, camera('one'), camera('two')],
  scenes: [{ id: 'a', name: 'A', items: [] }],
  current: 'a',
  master_gain_db: 0,
};
const template = (id: string) => TEMPLATES.find((one) => one.id === id)!;

it('slots begin with what suits them, each source once', () => {
  const sources = candidates(doc);
  expect(sources.map((one) => one.id)).toEqual(['one', 'two', 'screen']);
  expect(suggested(template('picture-in-picture'), sources)).toEqual(['screen', 'one']);
  expect(suggested(template('three-up'), sources)).toEqual(['one', 'two', '']);
  expect(suggested(template('single'), [])).toEqual(['']);
});

it('every template makes a scene within the canvas, as one step', () => {
  for (const one of TEMPLATES) {
    const slots = suggested(one, candidates(doc));
    const { edit, scene } = made(one, doc, one.id, slots, []);
    const after = applyEdit(doc, edit);
    const items = after.scenes.find((s) => s.id === scene)?.items ?? [];
    expect(items.length, one.id).toBeGreaterThan(0);
    for (const { rect, source } of items) {
      expect(after.sources.some((s) => s.id === source)).toBe(true);
      expect(rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= 1280 && rect.y + rect.height <= 720, one.id).toBe(true);
    }
  }
  expect(new Set(TEMPLATES.map((one) => one.id)).size).toBe(8);
});

it('words that were emptied are left out, and a shade with them when there is nothing to darken', () => {
  const { edit } = made(template('starting-soon'), doc, 'Soon', [''], ['Hello', ' ']);
  expect(edit.edit === 'many' && edit.edits.map((one) => (one.edit === 'add_source' ? one.source.name : one.edit))).toEqual(['add_scene', 'Background', 'Hello']);
});
