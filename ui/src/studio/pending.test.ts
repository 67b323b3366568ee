import { expect, it } from 'vitest';
import type { Collection } from '$lib/api';
import { Pending } from './pending';

const doc: Collection = {
  version: 1,
  name: 'Test',
  canvas: { width: 1280, height: 720, fps: 30 },
  sources: [],
  scenes: [{ id: 'a', name: 'A', items: [] }],
  current: 'a',
  master_gain_db: 0,
};

it('shows what was sent until it is forgotten', () => {
  const pending = new Pending();
  const forget = pending.sent({ edit: 'rename', name: 'New' });
  expect(pending.over(doc).name).toBe('New');
  forget();
  expect(pending.over(doc)).toBe(doc);
  pending.sent({ edit: 'rename', name: 'New' });
  pending.clear();
  expect(pending.over(doc)).toBe(doc);
});

it('a drag is one edit, however many were sent', () => {
  const pending = new Pending();
  for (let db = 0; db > -10; db -= 1) pending.sent({ edit: 'set_master_gain', gain_db: db });
  expect(pending.size).toBe(1);
  expect(pending.over(doc).master_gain_db).toBe(-9);
});

it('different things stay apart', () => {
  const pending = new Pending();
  pending.sent({ edit: 'set_item', scene: 'a', id: '1', patch: { opacity: 1 } });
  pending.sent({ edit: 'set_item', scene: 'a', id: '1', patch: { rotation: 1 } });
  pending.sent({ edit: 'set_item', scene: 'a', id: '2', patch: { rotation: 1 } });
  expect(pending.size).toBe(3);
});
