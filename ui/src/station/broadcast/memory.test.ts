import { expect, it } from 'vitest';
import { read } from './memory';

it('what was kept is read as far as it is sound', () => {
  expect(read(null)).toMatchObject({ name: '', quality: '720p', bitrate: null, speaks: true, looped: true });
  expect(read('nonsense')).toEqual(read(null));
  expect(read('[1]')).toEqual(read(null));
  expect(read('{"name":"garden","bitrate":900000,"speaks":"no","other":1}')).toEqual({ ...read(null), name: 'garden', bitrate: 900_000 });
  expect(read('{"bitrate":-1,"name":7}')).toEqual(read(null));
});
