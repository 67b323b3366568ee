import { expect, it } from 'vitest';
import { placeOf, watchPath } from './place';

it('addresses and places', () => {
  expect(placeOf('/')).toEqual({ page: 'home' });
  expect(placeOf('/watch')).toEqual({ page: 'watch', channel: 'program' });
  expect(placeOf('/watch/ana/')).toEqual({ page: 'watch', channel: 'ana' });
  expect(placeOf(watchPath('a b/c'))).toEqual({ page: 'watch', channel: 'a b/c' });
  expect(placeOf('/watch/%')).toEqual({ page: 'nowhere', path: '/watch/%' });
  expect(placeOf('/library')).toEqual({ page: 'nowhere', path: '/library' });
});
