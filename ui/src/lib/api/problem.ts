import { t } from '$lib/words';
import type { Code, Problem } from './bindings';

/** A {@link Problem} on its way through code. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
    this.name = 'ProblemError';
  }
}

const codes: readonly Code[] = [
  'invalid',
  'unauthorized',
  'not_found',
  'conflict',
  'too_many',
  'unavailable',
  'internal',
];

/** Whether a value that came from outside is a problem. */
export function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message } = value as Record<string, unknown>;
  return typeof message === 'string' && codes.includes(code as Code);
}

/** Anything thrown, as a problem for people. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (isProblem(thrown)) return thrown;
  if (typeof thrown === 'string') {
    try {
      const parsed: unknown = JSON.parse(thrown);
      if (isProblem(parsed)) return parsed;
    } catch {
      // Plain text, then.
    }
    return { code: 'internal', message: thrown };
  }
  if (thrown instanceof TypeError) {
    return { code: 'unavailable', message: t('Klieg does not answer. Check that it is running and that this device is on its network.') };
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : t('Something went wrong.') };
}

/** The problem that a refused HTTP request tells. */
export async function problemFrom(response: Response): Promise<ProblemError> {
  const text = await response.text().catch(() => '');
  try {
    const parsed: unknown = JSON.parse(text);
    if (isProblem(parsed)) return new ProblemError(parsed);
  } catch {
    // Not JSON: the status has to do.
  }
  return new ProblemError({ code: codeOf(response.status), message: wordsFor(response.status, text) });
}

function codeOf(status: number): Code {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 409) return 'conflict';
  if (status === 429) return 'too_many';
  if (status === 502 || status === 503 || status === 504) return 'unavailable';
  return status < 500 ? 'invalid' : 'internal';
}

function wordsFor(status: number, text: string): string {
  const short = text.trim();
  if (short !== '' && short.length <= 200 && !short.startsWith('<')) return short;
  if (status === 401 || status === 403) return t('The control link is not valid any more. Open the one that Klieg shows now.');
  if (status === 429) return t('Too much at once. Wait a moment and try again.');
  return t('Klieg answered with status {status}.', { status });
}
