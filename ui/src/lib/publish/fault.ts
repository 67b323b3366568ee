import { t } from '$lib/words';

/** Why a way to publish did not work. */
export type Cause =
  /** No connection for media came about. */
  | 'blocked'
  /** This browser cannot encode what the station takes. */
  | 'codec'
  /** The station wants a key, or another one. */
  | 'key'
  /** Somebody publishes under this name already. */
  | 'taken'
  /** The station said no, and would say so again. */
  | 'refused'
  /** The host ended it. */
  | 'ended'
  /** The station cannot now: it is full, or starting. */
  | 'busy'
  /** Nothing answers. */
  | 'unreachable';

export class Fault extends Error {
  constructor(
    readonly why: Cause,
    message: string,
    /** When the station asks to be tried again, in ms. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'Fault';
  }
}

/** What a refused request says, in the station's own words where it has some. */
export async function faultFrom(response: Response): Promise<Fault> {
  const text = await response.text().catch(() => '');
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  const words = wordsOf(text, response.status) ?? wordsFor(response.status);
  const why = response.status === 403 && subjectOf(text) === 'ended' ? 'ended' : causeOf(response.status);
  return new Fault(why, why === 'ended' ? t('The host ended this broadcast.') : words, Number.isFinite(seconds) ? seconds * 1000 : null);
}

function causeOf(status: number): Cause {
  if (status === 401 || status === 403) return 'key';
  if (status === 409) return 'taken';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'busy';
  return 'refused';
}

/** What the station's problem is about; nothing where it does not say. */
function subjectOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { subject?: unknown } | null)?.subject;
  } catch {
    return undefined;
  }
}

function wordsOf(text: string, status: number): string | null {
  try {
    const parsed = JSON.parse(text) as { message?: unknown };
    if (typeof parsed.message === 'string' && parsed.message !== '') return parsed.message;
  } catch {
    // Plain text, then.
  }
  // Where nothing stands, nobody answers who knows what was asked for.
  if (status === 404 || status === 405) return null;
  const short = text.trim();
  return short !== '' && short.length <= 200 && !short.startsWith('<') && !short.startsWith('{') ? short : null;
}

function wordsFor(status: number): string {
  switch (status) {
    case 401:
      return t('This station takes publishers with a key alone.');
    case 403:
      return t('This key does not open this channel.');
    case 404:
    case 405:
      return t('This station takes no publishers this way.');
    case 409:
      return t('Somebody publishes under this name already.');
    case 429:
      return t('Too much at once.');
    default:
      return t('The station answered with status {status}.', { status });
  }
}
