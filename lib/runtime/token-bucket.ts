// A token bucket: so many at once, then so many a second. Whoever takes one that is not there yet has it reserved.
import type { Clock } from './clock.ts';

export interface RateLimit {
  readonly perSecond: number;
  /** How many may go at once after a rest. */
  readonly burst: number;
}

export interface TokenBucket {
  /** Takes one; gives the milliseconds until it is there. */
  take(): number;
}

export function createTokenBucket(clock: Clock, { perSecond, burst }: RateLimit): TokenBucket {
  /** Below zero: how many are promised. */
  let tokens = burst;
  let filledAt = clock.monotonic();
  return {
    take() {
      const now = clock.monotonic();
      tokens = Math.min(burst, tokens + ((now - filledAt) * perSecond) / 1000) - 1;
      filledAt = now;
      return Math.max(0, (-tokens * 1000) / perSecond);
    },
  };
}
