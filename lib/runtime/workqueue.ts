// The workqueue: keys to look at, each at most once, never two workers on one key.
//
// A key is in one place only: waiting for its time, ready, or under way. Asked for again while it waits, the higher
// priority and the earlier time count; asked for while it is under way, it comes back when that is done.
import { type BackoffPolicy, backoffMs } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import { createHeap, type Placed } from './heap.ts';
import { createReadyList } from './ready-list.ts';
import { createTokenBucket, type RateLimit } from './token-bucket.ts';

export interface AddOptions {
  /** Higher goes first, first come first served among equals; default 0. */
  priority?: number | undefined;
  delayMs?: number | undefined;
}

export interface WorkqueueOptions {
  clock: Clock;
  random: () => number;
  /** For `retry`, per key. */
  backoff: BackoffPolicy;
  /** For `retry`, over all keys: so that when everything fails at once, not everything is tried again at once. */
  rateLimit?: RateLimit | undefined;
  /** Keys held at most; more are refused. Default 1,000,000. */
  limit?: number | undefined;
  observer?: WorkqueueObserver | undefined;
}

/** What metrics are made of. */
export interface WorkqueueObserver {
  added?(): void;
  retried?(): void;
  /** A worker took a key that had been ready for `waitedMs`. */
  taken?(waitedMs: number): void;
  /** A worker was done with a key after `workedMs`. */
  done?(workedMs: number): void;
}

export interface Workqueue {
  /** False when the key is not in the queue after it: the queue is full or closed. */
  add(key: string, options?: AddOptions): boolean;
  /** The next key, as soon as there is one; undefined once the queue is closed. The taker calls `done` in the end. */
  take(): Promise<string | undefined>;
  /** The key is no longer under way: it comes back if it was asked for meanwhile. */
  done(key: string): void;
  /** Adds the key after its next backoff, after `leastMs`, or when the rate limit lets it: the longest. Returns the delay. */
  retry(key: string, leastMs?: number): number;
  /** The key's next failure counts as its first. */
  forget(key: string): void;
  /** Keys that are ready. */
  readonly depth: number;
  /** Keys that wait for their time. */
  readonly delayed: number;
  readonly underWay: number;
  /** How long the key that has been ready longest has been so; 0 without any. */
  oldestMs(): number;
  /** For each key under way, how long it has been so. */
  workingMs(): readonly number[];
  /** Nothing more goes in or out; those who wait in `take` get undefined. */
  close(): void;
}

interface Item extends Placed {
  readonly key: string;
  readonly priority: number;
  /** When it becomes, or became, ready. */
  readonly due: number;
}

interface Asked {
  readonly priority: number;
  readonly due: number;
}

interface Work {
  readonly since: number;
  /** What was asked for meanwhile. */
  asked: Asked | undefined;
}

/** controller-runtime's 10 a second, 100 at once, would leave 10,000 objects waiting for a quarter of an hour. */
const DEFAULT_RATE_LIMIT: RateLimit = { perSecond: 100, burst: 1_000 };

export function createWorkqueue(options: WorkqueueOptions): Workqueue {
  const { clock, random, backoff, limit = 1_000_000, observer = {} } = options;
  const retries = createTokenBucket(clock, options.rateLimit ?? DEFAULT_RATE_LIMIT);
  const delayed = new Map<string, Item>();
  const byDue = createHeap<Item>((a, b) => a.due < b.due);
  const ready = createReadyList<Item>();
  const underWay = new Map<string, Work>();
  const failures = new Map<string, number>();
  const takers: ((key: string | undefined) => void)[] = [];
  let closed = false;
  let alarm: { due: number; timer: Timer } | undefined;

  function put(key: string, priority: number, due: number): boolean {
    if (closed) return false;
    const work = underWay.get(key);
    if (work) {
      work.asked = work.asked ? sooner(work.asked, priority, due) : { priority, due };
      return true;
    }
    const held = ready.get(key) ?? delayed.get(key);
    if (!held && delayed.size + ready.size >= limit) return false;
    const next = held ? sooner(held, priority, due) : { priority, due };
    if (held && next.priority === held.priority && next.due === held.due) return true;
    if (held) lift(held);
    else observer.added?.();
    lay({ key, ...next, slot: 0 });
    return true;
  }

  function lift(item: Item): void {
    if (!ready.remove(item)) {
      delayed.delete(item.key);
      byDue.remove(item);
    }
  }

  function lay(item: Item): void {
    if (item.due > clock.monotonic()) {
      delayed.set(item.key, item);
      byDue.push(item);
      setAlarm();
    } else {
      ready.push(item);
      serve();
    }
  }

  /** One timer, for the earliest of the delayed. */
  function setAlarm(): void {
    const due = byDue.peek()?.due;
    if (due === alarm?.due) return;
    alarm?.timer.cancel();
    alarm = due === undefined ? undefined : { due, timer: clock.after(due - clock.monotonic(), ring) };
  }

  function ring(): void {
    alarm = undefined;
    const now = clock.monotonic();
    for (let item = byDue.peek(); item && item.due <= now; item = byDue.peek()) {
      lift(item);
      ready.push(item);
    }
    setAlarm();
    serve();
  }

  function serve(): void {
    while (takers.length > 0 && ready.size > 0) takers.shift()!(next());
  }

  function next(): string {
    const item = ready.shift();
    const now = clock.monotonic();
    underWay.set(item.key, { since: now, asked: undefined });
    observer.taken?.(now - item.due);
    return item.key;
  }

  return {
    add: (key, { priority = 0, delayMs = 0 } = {}) => put(key, priority, clock.monotonic() + Math.max(0, delayMs)),
    take() {
      if (closed) return Promise.resolve(undefined);
      if (ready.size > 0) return Promise.resolve(next());
      return new Promise((resolve) => takers.push(resolve));
    },
    done(key) {
      const work = underWay.get(key);
      if (!work) return;
      underWay.delete(key);
      observer.done?.(clock.monotonic() - work.since);
      if (work.asked) put(key, work.asked.priority, work.asked.due);
    },
    retry(key, leastMs = 0) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      const delayMs = Math.max(leastMs, retries.take(), backoffMs(backoff, count, random));
      observer.retried?.();
      put(key, 0, clock.monotonic() + delayMs);
      return delayMs;
    },
    forget: (key) => failures.delete(key),
    get depth() {
      return ready.size;
    },
    get delayed() {
      return delayed.size;
    },
    get underWay() {
      return underWay.size;
    },
    oldestMs() {
      const due = ready.oldest()?.due;
      return due === undefined ? 0 : clock.monotonic() - due;
    },
    workingMs() {
      const now = clock.monotonic();
      return [...underWay.values()].map(({ since }) => now - since);
    },
    close() {
      closed = true;
      alarm?.timer.cancel();
      for (const taker of takers.splice(0)) taker(undefined);
    },
  };
}

const sooner = (held: Asked, priority: number, due: number): Asked => ({
  priority: Math.max(held.priority, priority),
  due: Math.min(held.due, due),
});
