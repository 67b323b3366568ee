import { describe, expect, it } from 'vitest';
import { ProblemError, asProblem, problemFrom } from './problem';

describe('problems', () => {
  it('come out of whatever was thrown', () => {
    const problem = { code: 'not_found', message: 'there is no scene "x"' } as const;
    expect(asProblem(problem)).toEqual(problem);
    expect(asProblem(new ProblemError(problem))).toEqual(problem);
    expect(asProblem(JSON.stringify(problem))).toEqual(problem);
    expect(asProblem('broken').message).toBe('broken');
    expect(asProblem(new TypeError('Failed to fetch')).code).toBe('unavailable');
    expect(asProblem({ code: 'odd', message: 'x' }).code).toBe('internal');
  });

  it('come out of a refused request', async () => {
    const told = { code: 'conflict', message: 'this is the only scene' };
    expect((await problemFrom(new Response(JSON.stringify(told), { status: 409 }))).problem).toEqual(told);
    const plain = await problemFrom(new Response('no such channel', { status: 404 }));
    expect(plain.problem).toEqual({ code: 'not_found', message: 'no such channel' });
    const page = await problemFrom(new Response('<html>', { status: 503 }));
    expect(page.problem).toEqual({ code: 'unavailable', message: 'Klieg answered with status 503.' });
  });
});
