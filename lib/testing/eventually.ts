// Waiting for a condition instead of for a time.
import { setTimeout } from 'node:timers/promises';

/**
 * Resolves with what `condition` gives once that is truthy. A condition that throws is not true yet. Rejects after
 * `deadlineMs` (default 60 s) with `what` and the last error.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  {
    deadlineMs = 60_000,
    everyMs = 10,
    what = condition.toString(),
  }: { deadlineMs?: number; everyMs?: number; what?: string } = {},
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const end = performance.now() + deadlineMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | undefined | null | 0 | ''>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await setTimeout(everyMs);
  } while (performance.now() < end);
  throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause });
}
