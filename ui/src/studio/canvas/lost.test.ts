import { expect, it } from 'vitest';
import type { Filter } from '$lib/api';
import { freshItem } from '../fresh';
import { lost } from './lost';

const shell = freshItem('g', 'group', { x: 0, y: 0, width: 10, height: 10 });
const group = { id: 'group', name: 'Group', items: [], group: { width: 10, height: 10 } };
const blur = { id: 'f', name: '', enabled: true, kind: 'blur', settings: { radius: 4 } } as Filter;

it('what is of a whole group is named before it is gone', () => {
  expect(lost(shell, undefined, group)).toEqual([]);
  const cropped = { ...shell, crop: { left: 1, top: 0, right: 0, bottom: 0 }, filters: [blur, { ...blur, id: 'h' }] };
  expect(lost(cropped, undefined, group)).toEqual(['crop', 'blur']);
  expect(lost({ ...shell, blend: 'screen' as const, filters: [{ ...blur, enabled: false }] }, undefined, group)).toEqual(['blend mode']);
});
