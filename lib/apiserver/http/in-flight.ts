// How many requests are answered at a time, and how long they may take to come in. Long-running ones are counted apart: many of
// them are no sign of overload.
import { tooManyRequests } from '../status.ts';

export interface Limits {
  /** kube-apiserver's defaults for reads and writes, together. */
  readonly short: number;
  readonly watches: number;
  /** Milliseconds that a client has for a request's head, and for all of it. */
  readonly headMilliseconds: number;
  readonly wholeMilliseconds: number;
}

export const LIMITS: Limits = { short: 600, watches: 10_000, headMilliseconds: 20_000, wholeMilliseconds: 60_000 };

export class InFlight {
  readonly #limits: Limits;
  readonly #count = { short: 0, watches: 0 };

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Counts one more; the function that is returned counts it off. @throws ApiError 429 with Retry-After */
  enter(kind: 'short' | 'watches'): () => void {
    if (this.#count[kind] >= this.#limits[kind]) throw tooManyRequests();
    this.#count[kind]++;
    return () => {
      this.#count[kind]--;
    };
  }
}
