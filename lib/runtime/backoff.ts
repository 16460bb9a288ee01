// Exponential backoff with a cap and jitter: how long to wait before the next try.

export interface BackoffPolicy {
  /** Delay before the second try. */
  initialMs: number;
  maxMs: number;
  /** Growth per try; default 2. */
  factor?: number;
  /** Share of the delay that is random: 0.2 gives 80 % to 100 % of it. Default 0.2. */
  jitter?: number;
}

/** Delay after the failure number `failures` (1 is the first). `random` gives numbers in [0, 1). Never above `maxMs`. */
export function backoffMs(policy: BackoffPolicy, failures: number, random: () => number): number {
  const { initialMs, maxMs, factor = 2, jitter = 0.2 } = policy;
  const full = Math.min(maxMs, initialMs * factor ** Math.max(0, failures - 1));
  return full * (1 - jitter * random());
}
