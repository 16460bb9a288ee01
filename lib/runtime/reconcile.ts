// The contract between a controller and what it runs: a request is a name, a result is what to do next.
import type { ObjectName } from '../kube/resource.ts';

/** Which object to look at. It carries no reason: a reconcile compares desired with observed, whatever woke it. */
export interface Request extends ObjectName {
  /** `namespace/name`, or the name alone. */
  readonly key: string;
}

export type Result =
  /** Nothing to do until something changes. */
  | { readonly type: 'done' }
  /** Look again after `afterMs`, or when something changes. */
  | { readonly type: 'requeue'; readonly afterMs: number };

export const done: Result = { type: 'done' };
export const requeue = (afterMs: number): Result => ({ type: 'requeue', afterMs });

/**
 * Brings one object from observed to desired. May run again at any moment, never twice at once for one key. Throwing means
 * another try with backoff, a TerminalError none until something changes. `signal` aborts at the deadline and on shutdown:
 * pass it down to every call.
 */
export type Reconciler = (request: Request, signal: AbortSignal) => Promise<Result>;

/** Trying again cannot help before something changes. Not logged as a fault of the controller. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
