// What goes wrong, as the caller is told: an HTTP status and one JSON object.
import type { ApiError } from '../kube/errors.ts';

/** Names the field, what was expected and what was seen, where it is about a field. */
export interface Told {
  readonly error: string;
  readonly field?: string;
  readonly expected?: string;
  readonly seen?: unknown;
}

export class Problem extends Error {
  override readonly name = 'Problem';
  /** The HTTP status. */
  readonly status: number;
  readonly told: Told;
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: number, told: Told, retryAfter?: number) {
    super(told.error);
    this.status = status;
    this.told = told;
    this.retryAfter = retryAfter;
  }
}

/** A field of the body, or a header, that is not as it must be. What was seen is cut short. */
export function invalid(field: string, expected: string, seen: unknown, status = 422): Problem {
  return new Problem(status, { error: `${field}: expected ${expected}`, field, expected, seen: shortened(seen) });
}

const MOST_SEEN = 100;

function shortened(seen: unknown): unknown {
  const text = typeof seen === 'string' ? seen : JSON.stringify(seen);
  if (text === undefined) return null;
  return text.length <= MOST_SEEN ? seen : `${text.slice(0, MOST_SEEN)}…`;
}

/** What the API server's refusal means for the caller. Anything else is an unreachable or broken cluster. */
export function problemOf(error: ApiError): Problem {
  switch (error.status) {
    case 401:
      return new Problem(401, { error: 'the cluster does not know this token' });
    case 403:
      return new Problem(403, { error: error.message });
    case 404:
      return new Problem(404, { error: error.message });
    case 422:
      return new Problem(422, { error: error.message });
    case 429:
      return new Problem(429, { error: 'the cluster is busy' }, Math.ceil((error.retryAfterMs ?? 1000) / 1000));
    default:
      return new Problem(503, { error: 'the cluster does not answer; the request may or may not have been taken' }, 1);
  }
}
