// A controller: watches give keys, keys are reconciled one at a time each, results decide when to look again.
import { ApiError, isConflict, isNotLeader } from '../kube/errors.ts';
import { type KubeObject, splitKey } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Log } from '../observe/log.ts';
import type { BackoffPolicy } from './backoff.ts';
import type { Clock } from './clock.ts';
import { noting, Written } from './expectations.ts';
import { type Reconciler, type Request, type Result, TerminalError } from './reconcile.ts';
import type { EnqueueOptions, Source } from './source.ts';
import type { RateLimit } from './token-bucket.ts';
import { createWorkqueue, type Workqueue, type WorkqueueObserver } from './workqueue.ts';

export interface ControllerOptions {
  readonly name: string;
  /**
   * The first is the kind it reconciles. A key is looked at again only when the caches show what was written the last time,
   * of whatever kind, and what anyone in this process wrote to its object.
   */
  readonly watches: readonly Source[];
  readonly reconcile: Reconciler;
  /** Keys under way at once; default 4. */
  readonly concurrency?: number | undefined;
  /** Longest one reconcile may take before its signal aborts; default 120,000. */
  readonly deadlineMs?: number | undefined;
  /** After errors; default 0.5 s up to 300 s. */
  readonly backoff?: BackoffPolicy | undefined;
  /** Of tries after errors, over all keys; default 100 a second, 1,000 at once. */
  readonly rateLimit?: RateLimit | undefined;
}

export interface Controller {
  readonly name: string;
  readonly watches: readonly Source[];
  /**
   * Looks at `key` soon: for sources outside the API, such as a machine that reported. Before it runs, and after, this
   * does nothing: everything is looked at when it starts.
   */
  trigger(key: string, options?: EnqueueOptions): void;
  /** Runs until `signal` aborts and what is under way has ended. For the manager, once caches have synced. */
  run(environment: ControllerEnvironment, signal: AbortSignal): Promise<void>;
  stats(): ControllerStats;
}

export interface ControllerStats {
  readonly depth: number;
  readonly delayed: number;
  readonly underWay: number;
  readonly oldestMs: number;
  /** How long the longest of those under way has been so, and all of them together. */
  readonly longestMs: number;
  readonly unfinishedMs: number;
  readonly concurrency: number;
  /** Reconciles that go on although their signal aborted a minute ago: bugs that only a restart ends. */
  readonly overdue: number;
}

export type Outcome = 'done' | 'requeue' | 'error' | 'conflict' | 'terminal' | 'panic' | 'aborted';

export interface ControllerObserver extends WorkqueueObserver {
  reconciled?(outcome: Outcome, ms: number): void;
}

export interface ControllerEnvironment {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly observer?: ControllerObserver | undefined;
  /** Whether writes of this process to an object of `store` have yet to be seen: see Expectations.settling. */
  settling?(store: Store<KubeObject>, key: string): Promise<void> | undefined;
}

const DEFAULT_BACKOFF: BackoffPolicy = { initialMs: 500, maxMs: 300_000 };
const OVERDUE_MS = 60_000;

export function createController(options: ControllerOptions): Controller {
  const { name, watches, reconcile, concurrency = 4, deadlineMs = 120_000, backoff = DEFAULT_BACKOFF } = options;
  const { rateLimit } = options;
  const primary = watches[0]?.store;
  /** By key, what the last look at it wrote, as long as the caches do not show it. */
  const unseen = new Map<string, Written>();
  let queue: Workqueue | undefined;
  let overdue = 0;

  async function run(environment: ControllerEnvironment, signal: AbortSignal): Promise<void> {
    const { clock, random, log, observer } = environment;
    const work = createWorkqueue({ clock, random, backoff, rateLimit, observer });
    queue = work;
    const enqueue = (key: string, how?: EnqueueOptions) => {
      if (!work.add(key, how) && !signal.aborted) log.error({ controller: name, key }, 'the queue is full');
    };
    const report = (error: unknown) => log.error({ controller: name, err: error }, 'a watch predicate or mapper threw');
    const stops = watches.map((source) => source.start(enqueue, report));
    const close = () => work.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    await Promise.all(Array.from({ length: concurrency }, () => serve(work, environment, signal)));
    for (const stop of stops) stop();
    queue = undefined;
  }

  async function serve(work: Workqueue, environment: ControllerEnvironment, signal: AbortSignal): Promise<void> {
    for (let key = await work.take(); key !== undefined; key = await work.take()) {
      const settling = unseenOf(key) ?? (primary && environment.settling?.(primary, key));
      if (settling) void settling.then(() => work.add(key));
      else await look(work, key, environment, signal);
      work.done(key);
    }
  }

  /** Undefined when the caches show what the last look at the key wrote. */
  function unseenOf(key: string): Promise<void> | undefined {
    const settling = unseen.get(key)?.settling();
    if (!settling) unseen.delete(key);
    return settling;
  }

  async function look(
    work: Workqueue,
    key: string,
    environment: ControllerEnvironment,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log, observer } = environment;
    const start = clock.monotonic();
    let outcome: Outcome;
    try {
      outcome = settle(work, key, await reconcileOnce(key, environment, signal));
    } catch (error) {
      outcome = outcomeOf(error, signal);
      const retries = outcome !== 'terminal' && outcome !== 'aborted';
      if (!retries) work.forget(key);
      const delayMs = retries ? work.retry(key, error instanceof ApiError ? error.retryAfterMs : undefined) : undefined;
      logFailure(log, { controller: name, key, outcome, delayMs, err: error });
    }
    observer?.reconciled?.(outcome, clock.monotonic() - start);
  }

  async function reconcileOnce(
    key: string,
    { clock, log }: ControllerEnvironment,
    signal: AbortSignal,
  ): Promise<Result> {
    const controller = new AbortController();
    let isOverdue = false;
    let timer = clock.after(deadlineMs, () => {
      controller.abort(new DOMException(`not reconciled within ${deadlineMs} ms`, 'TimeoutError'));
      timer = clock.after(OVERDUE_MS, () => {
        isOverdue = true;
        overdue++;
        log.error({ controller: name, key }, 'a reconcile ignores that its signal aborted');
      });
    });
    // A stop has a deadline of its own: see the manager.
    const abort = () => {
      timer.cancel();
      controller.abort(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const written = new Written();
    try {
      return await noting(written, () => reconcile(requestOf(key), controller.signal));
    } finally {
      if (written.settling()) unseen.set(key, written);
      timer.cancel();
      if (isOverdue) overdue--;
      signal.removeEventListener('abort', abort);
    }
  }

  return {
    name,
    watches,
    run,
    trigger: (key, how) => queue?.add(key, how),
    stats() {
      const workingMs = queue?.workingMs() ?? [];
      return {
        depth: queue?.depth ?? 0,
        delayed: queue?.delayed ?? 0,
        underWay: workingMs.length,
        oldestMs: queue?.oldestMs() ?? 0,
        longestMs: Math.max(0, ...workingMs),
        unfinishedMs: workingMs.reduce((sum, ms) => sum + ms, 0),
        concurrency,
        overdue,
      };
    },
  };
}

const requestOf = (key: string): Request => ({ key, ...splitKey(key) });

function settle(work: Workqueue, key: string, result: Result): Outcome {
  switch (result.type) {
    case 'done':
      work.forget(key);
      return 'done';
    case 'requeue':
      work.forget(key);
      work.add(key, { delayMs: result.afterMs });
      return 'requeue';
  }
}

function outcomeOf(error: unknown, signal: AbortSignal): Outcome {
  if (signal.aborted || isNotLeader(error)) return 'aborted';
  if (error instanceof TerminalError) return 'terminal';
  if (isConflict(error)) return 'conflict';
  // What V8 throws when code is wrong, rather than the world.
  if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) return 'panic';
  return 'error';
}

function logFailure(
  log: Log,
  fields: { controller: string; key: string; outcome: Outcome; delayMs: number | undefined; err: unknown },
): void {
  switch (fields.outcome) {
    case 'conflict':
    case 'aborted':
      // Someone else wrote first, or we stop: part of normal life.
      log.debug(fields, 'reconcile ended early');
      break;
    case 'terminal':
      log.warn(fields, 'reconcile gave up until something changes');
      break;
    case 'done':
    case 'requeue':
    case 'error':
    case 'panic':
      log.error(fields, 'reconcile failed');
  }
}
