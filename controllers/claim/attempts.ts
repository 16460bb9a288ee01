// Attempts of one round: each on its own, so that what fails with one object leaves the others their turn.
import { isConflict, isNotFound, isNotLeader } from '../../lib/kube/errors.ts';
import { type KubeObject, objectKey } from '../../lib/kube/resource.ts';
import type { Log } from '../../lib/observe/log.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { done, type Result, requeue } from '../../lib/runtime/reconcile.ts';

/** Somebody else wrote first: the cache is about to show it. */
const AGAIN_MS = 200;

/**
 * After so long a round leaves the rest to the next one: a server that is slow must not bring it to its deadline, and whoever
 * comes meanwhile does not wait for thousands that came before.
 */
const ROUND_MS = 5_000;

/** `again`: the cache has to show something first, which may wake nobody. */
export type Outcome = 'again' | 'settled';

export interface Attempts {
  /** Rejects only when the round has to end: it is aborted, or another process leads. Leaves it when the round's time is up. */
  make(object: KubeObject, attempt: () => Promise<Outcome>): Promise<void>;
  /**
   * What the round comes to. Throws one of the errors, if there was any: whatever it was, a right that was refused as much as
   * an answer that was lost, may be mended without anything that would wake another round.
   */
  result(): Result;
}

export function attempts(log: Log, clock: Clock, signal: AbortSignal): Attempts {
  const end = clock.monotonic() + ROUND_MS;
  let overtaken = false;
  let failure: { error: unknown } | undefined;
  return {
    async make(object, attempt) {
      signal.throwIfAborted();
      if (clock.monotonic() >= end) {
        overtaken = true;
        return;
      }
      try {
        if ((await attempt()) === 'again') overtaken = true;
      } catch (error) {
        if (signal.aborted || isNotLeader(error)) throw error;
        if (isConflict(error) || isNotFound(error)) overtaken = true;
        else {
          failure ??= { error };
          log.warn({ kind: object.kind, key: objectKey(object), err: error }, 'left out of this round');
        }
      }
    },
    result() {
      if (failure) throw failure.error;
      return overtaken ? requeue(AGAIN_MS) : done;
    },
  };
}
