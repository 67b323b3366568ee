import { expect, it } from 'vitest';
import { parse } from './preview';

it('takes a message apart: what is acknowledged, and the picture', async () => {
  const message = new Uint8Array([7, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 0xff, 0xd8, 0xff]);
  const parsed = parse(message.buffer);
  expect(new Uint8Array(parsed?.acknowledge ?? new ArrayBuffer(0))).toEqual(new Uint8Array([7, 0, 0, 0, 0, 0, 0, 1]));
  expect(parsed?.picture.type).toBe('image/jpeg');
  expect(new Uint8Array((await parsed?.picture.arrayBuffer()) ?? [])).toEqual(new Uint8Array([0xff, 0xd8, 0xff]));
  expect(parse(new ArrayBuffer(16))).toBeNull();
});
