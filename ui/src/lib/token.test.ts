import { expect, it } from 'vitest';
import { tokenIn } from './token';

it.each([
  ['0123abcd', '0123abcd'],
  ['  0123abcd\n', '0123abcd'],
  ['http://127.0.0.1:8080/studio#token=0123abcd', '0123abcd'],
  ['http://127.0.0.1:8080/studio#token=a%2Bb&more', 'a+b'],
  // What is no link is taken as it is.
  ['%zz', '%zz'],
  // A link cut short, another link, a sentence, letters that no header carries.
  ['http://127.0.0.1:8080/studio#token=%zz', null],
  ['http://127.0.0.1:8080/studio', null],
  ['the control link', null],
  ['schlüssel', null],
  ['', null],
])('of “%s” the token is %s', (pasted, token) => expect(tokenIn(pasted)).toBe(token));
