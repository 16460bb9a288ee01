// The calls of one round: many at once, but not too many, and each on its own, so that one that fails stops no other.
import { isConflict, isNotFound, isNotLeader } from '../../lib/kube/errors.ts';
import { type KubeObject, objectKey } from '../../lib/kube/resource.ts';
import type { Log } from '../../lib/observe/log.ts';
import { done, type Result, requeue } from '../../lib/runtime/reconcile.ts';

/** Somebody else wrote first: the cache is about to show it. */
const AGAIN_MS = 100;
const AT_ONCE = 32;

export interface Effort {
  /**
   * Attempts each item. Gives those that succeeded, with their results. Rejects only when the round has to end: it is
   * aborted, or another process leads.
   */
  each<T, R>(items: Iterable<T>, subject: (item: T) => KubeObject, attempt: (item: T) => Promise<R>): Promise<[T, R][]>;
  /** Another round is due, as soon as `soonMs` says. */
  again(soonMs?: number): void;
  /**
   * What the round comes to. Throws one of the errors, if there was any: whatever it was, a right that was refused as much as
   * an answer that was lost, may be mended without anything that would wake another round.
   */
  result(): Result;
}

export function createEffort(log: Log, signal: AbortSignal): Effort {
  let againMs: number | undefined;
  let failure: { error: unknown } | undefined;

  function again(soonMs = AGAIN_MS): void {
    againMs = Math.min(againMs ?? soonMs, soonMs);
  }

  function excuse(object: KubeObject, error: unknown): void {
    if (signal.aborted || isNotLeader(error)) throw error;
    if (isConflict(error) || isNotFound(error)) again();
    else {
      failure ??= { error };
      log.warn({ kind: object.kind, key: objectKey(object), err: error }, 'left out of this round');
    }
  }

  return {
    again,
    async each<T, R>(items: Iterable<T>, subject: (item: T) => KubeObject, attempt: (item: T) => Promise<R>) {
      const queue = items[Symbol.iterator]();
      const successes: [T, R][] = [];
      const work = async () => {
        for (let next = queue.next(); !next.done; next = queue.next()) {
          signal.throwIfAborted();
          try {
            successes.push([next.value, await attempt(next.value)]);
          } catch (error) {
            excuse(subject(next.value), error);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return successes;
    },
    result() {
      if (failure) throw failure.error;
      return againMs === undefined ? done : requeue(againMs);
    },
  };
}
