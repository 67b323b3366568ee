import { expect, it } from 'vitest';
import { pastPath, placeOf, watchPath } from './place';

it('addresses and places', () => {
  expect(placeOf('/')).toEqual({ page: 'home' });
  expect(placeOf('/watch')).toEqual({ page: 'watch', channel: 'program' });
  expect(placeOf('/watch/ana/')).toEqual({ page: 'watch', channel: 'ana' });
  expect(placeOf(watchPath('Ana_2-b'))).toEqual({ page: 'watch', channel: 'Ana_2-b' });
  for (const path of [watchPath('a b/c'), '/watch/%', `/watch/${'a'.repeat(65)}`]) expect(placeOf(path)).toEqual({ page: 'nowhere', path });
  expect(placeOf('/broadcast', '?key=k')).toEqual({ page: 'broadcast' });
  expect(placeOf('/broadcast/x')).toEqual({ page: 'nowhere', path: '/broadcast/x' });
  expect(placeOf('/trust')).toEqual({ page: 'trust' });
  expect(placeOf('/library')).toEqual({ page: 'library', channel: null });
  expect(placeOf('/library/0af3')).toEqual({ page: 'show', id: '0af3' });
  expect(placeOf('/library/../x')).toEqual({ page: 'nowhere', path: '/library/../x' });
  expect(placeOf(pastPath('a b/c'))).toEqual({ page: 'library', channel: 'a b/c' });
  expect(placeOf('/u/%')).toEqual({ page: 'nowhere', path: '/u/%' });
});

it('older links', () => {
  expect(placeOf('/', '?broadcaster=true')).toEqual({ page: 'broadcast' });
  expect(placeOf('/', '?broadcaster=false')).toEqual({ page: 'home' });
  expect(placeOf('/', '?viewer=true')).toEqual({ page: 'home' });
  expect(placeOf('/broadcast', '?viewer=true')).toEqual({ page: 'home' });
  expect(placeOf('/watch/ana', '?viewer=true')).toEqual({ page: 'watch', channel: 'ana' });
});
