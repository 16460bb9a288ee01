// How many requests a caller may make: a token bucket each, forgotten once it is full again.

export interface Limit {
  /** Requests a second, on average. */
  readonly perSecond: number;
  /** At once, after a rest. */
  readonly burst: number;
}

interface Bucket {
  left: number;
  /** Milliseconds of `now`. */
  at: number;
}

/** Callers known at a time. Beyond, those that rested longest start anew with what everybody starts with. */
const MOST_CALLERS = 10_000;

export class RateLimits {
  readonly #limit: Limit;
  readonly #now: () => number;
  /** The one that asked last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  /** `now` in milliseconds, from any start; it never goes back. */
  constructor(limit: Limit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** 0 when the caller may go on; otherwise the seconds after which it may. */
  take(caller: string): number {
    const { perSecond, burst } = this.#limit;
    const at = this.#now();
    const known = this.#buckets.get(caller) ?? { left: burst, at };
    const left = Math.min(burst, known.left + ((at - known.at) * perSecond) / 1000);
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { left: left >= 1 ? left - 1 : left, at });
    if (this.#buckets.size > MOST_CALLERS) this.#buckets.delete(this.#buckets.keys().next().value!);
    return left >= 1 ? 0 : (1 - left) / perSecond;
  }
}
