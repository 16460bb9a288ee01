// Trying again until it works, for what has to be there before anything else can run.
import { isRetryable } from '../kube/errors.ts';
import type { Log } from '../observe/log.ts';
import { type BackoffPolicy, backoffMs } from './backoff.ts';
import { type Clock, sleep } from './clock.ts';

export interface RetryOptions {
  /** What it is for, in the log. */
  readonly what: string;
  readonly backoff: BackoffPolicy;
  /** After so long the next failure is the last. */
  readonly forMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/**
 * What `attempt` resolves to, at last.
 * @throws what it rejected with, when trying again cannot help or took too long; the signal's reason as soon as that aborts
 */
export async function retried<T>(attempt: () => Promise<T>, options: RetryOptions, signal: AbortSignal): Promise<T> {
  const { what, backoff, forMs, clock, random, log } = options;
  const begun = clock.monotonic();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !isRetryable(error) || clock.monotonic() - begun >= forMs) throw error;
      const delayMs = Math.round(backoffMs(backoff, failures, random));
      log.warn({ err: error, delayMs }, `${what}: tried again`);
      await sleep(clock, delayMs, signal);
    }
  }
}
