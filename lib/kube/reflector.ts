// Keeps a store equal to what the API server holds, whatever happens to the connection in between.
import { setImmediate } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import { type BackoffPolicy, backoffMs } from '../runtime/backoff.ts';
import { type Clock, slept, systemClock, type Timer } from '../runtime/clock.ts';
import type { KubeClient, KubeList, WatchEvent, WatchOptions } from './client.ts';
import { ApiError, isForbidden, isUnauthorized } from './errors.ts';
import { initialWatch, type ReflectorInput, type ReflectorState, type StoreChange, step } from './reflector-state.ts';
import { type KubeObject, type Resource, resourceName } from './resource.ts';
import { createStore, type IndexFunction, type Store, type StoreWriter } from './store.ts';

export interface ReflectorOptions<T extends KubeObject> {
  client: KubeClient;
  resource: Resource<T>;
  log: Log;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  indexes?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  /** What is kept of each object; default everything but metadata.managedFields. It may change the object in place. */
  transform?: ((object: T) => T) | undefined;
  freeze?: boolean | undefined;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  timing?: Partial<ReflectorTiming> | undefined;
  observer?: ReflectorObserver | undefined;
}

/** What metrics of a reflector are made of. */
export interface ReflectorObserver {
  /** Everything there is came in: so many objects, so long after they were first asked for. */
  listed?(objects: number, ms: number): void;
  /** The server accepted a watch. */
  watched?(): void;
  /** An event or a bookmark came. */
  heard?(): void;
  /** A watch ended, was given up as silent, or a list or watch failed. */
  ended?(how: 'ended' | 'silent' | 'failed'): void;
  /** So many bytes of lists and watches came in. */
  received?(bytes: number): void;
}

export interface ReflectorTiming {
  /** An accepted watch without any event or bookmark for so long is given up. Servers send a bookmark every minute. */
  silenceMs: number;
  /** The same before the initial events have ended: how long a server is waited for that ignores the request for them. */
  initialSilenceMs: number;
  /** How long a watch must have lasted to count as healthy when it brought nothing. */
  healthyMs: number;
  backoff: BackoffPolicy;
}

export interface Reflector<T extends KubeObject> {
  readonly store: Store<T>;
  /** Runs until `signal` aborts. Whatever fails is logged and tried again. */
  run(signal: AbortSignal): Promise<void>;
}

const DEFAULT_TIMING: ReflectorTiming = {
  silenceMs: 90_000,
  initialSilenceMs: 10_000,
  healthyMs: 10_000,
  backoff: { initialMs: 250, maxMs: 30_000, jitter: 0.5 },
};
const PAGE_SIZE = 500;
/** A server that asks for longer than this is asked again anyway. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** Watches end after 5 to 10 minutes, at random, so that not all of them come back at once. */
const watchSeconds = (random: () => number) => 300 + Math.floor(300 * random());

type WatchingState<T extends KubeObject> = ReflectorState<T> & { type: 'initial-watch' | 'watching' };

export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, resource, log, clock = systemClock, random = Math.random, transform = dropManagedFields } = options;
  const { namespace, labelSelector, fieldSelector, observer = {} } = options;
  const received = observer.received && ((bytes: number) => observer.received?.(bytes));
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const name = resourceName(resource);
  const report = (error: unknown) => log.error({ resource: name, err: error }, 'a transform, index or handler threw');
  const { store, writer } = createStore(resource, { ...options, report });

  function kept(object: T): T {
    try {
      return transform(object);
    } catch (error) {
      report(error);
      return object;
    }
  }

  async function nextPage(token: string | undefined, signal: AbortSignal): Promise<KubeList<T>> {
    const page = await client.list(resource, {
      namespace,
      labelSelector,
      fieldSelector,
      limit: PAGE_SIZE,
      continue: token,
      signal,
      received,
    });
    return { ...page, items: page.items.map(kept) };
  }

  function watch(state: WatchingState<T>, signal: AbortSignal, opened: () => void) {
    const start: WatchOptions =
      state.type === 'watching'
        ? { resourceVersion: state.resourceVersion }
        : { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
    return client.watch(resource, {
      ...start,
      namespace,
      labelSelector,
      fieldSelector,
      allowWatchBookmarks: true,
      timeoutSeconds: watchSeconds(random),
      signal,
      opened,
      received,
    });
  }

  /** What the server says when asked for what `state` lacks: one page, or the events of a watch and how it ended. */
  async function* ask(current: () => ReflectorState<T>, signal: AbortSignal): AsyncGenerator<ReflectorInput<T>> {
    const state = current();
    if (state.type === 'listing') {
      yield { type: 'page', page: await nextPage(state.continue, signal) };
      return;
    }
    const limit = () => (current().type === 'initial-watch' ? timing.initialSilenceMs : timing.silenceMs);
    using silence = createSilenceWatchdog(clock, limit, signal);
    try {
      const opened = () => {
        silence.begin();
        observer.watched?.();
      };
      for await (const event of watch(state, silence.signal, opened)) {
        silence.heard();
        observer.heard?.();
        yield { type: 'event', event: keptEvent(event) };
      }
      yield { type: 'ended' };
    } catch (error) {
      if (!silence.fired()) throw error;
      yield { type: 'silent' };
    }
  }

  const keptEvent = (event: WatchEvent<T>): WatchEvent<T> =>
    event.type === 'BOOKMARK' ? event : { type: event.type, object: kept(event.object) };

  /** The same, with a failure as the last thing said. */
  async function* answers(current: () => ReflectorState<T>, signal: AbortSignal): AsyncGenerator<ReflectorInput<T>> {
    try {
      yield* ask(current, signal);
    } catch (error) {
      const known = error instanceof ApiError;
      yield { type: 'failed', error: known ? error : new ApiError(0, 'Unreadable', String(error), { cause: error }) };
    }
  }

  function delayAfter(last: ReflectorInput<T>, healthy: boolean, failures: number): number {
    if (last.type === 'failed') {
      const asked = Math.min(last.error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS);
      return Math.max(asked, backoffMs(timing.backoff, failures, random));
    }
    return last.type === 'ended' && !healthy ? backoffMs(timing.backoff, failures, random) : 0;
  }

  function logEnd(last: ReflectorInput<T>, delayMs: number): void {
    if (last.type === 'page') return;
    if (last.type !== 'failed') {
      log.debug({ resource: name, delayMs: Math.round(delayMs) }, `watch ${last.type}`);
      return;
    }
    const { status, reason, message } = last.error;
    const fields = { resource: name, status, reason, error: message, delayMs: Math.round(delayMs) };
    // Missing rights do not mend themselves: someone has to see this.
    if (isForbidden(last.error) || isUnauthorized(last.error)) log.error(fields, 'not allowed to list and watch');
    else log.warn(fields, 'list or watch failed');
  }

  async function run(signal: AbortSignal): Promise<void> {
    let state: ReflectorState<T> = initialWatch();
    let failures = 0;
    let askedAt = clock.monotonic();
    while (!signal.aborted) {
      const before = state;
      const start = clock.monotonic();
      if (isEmpty(state)) askedAt = start;
      let last: ReflectorInput<T> = { type: 'ended' };
      let changes = 0;
      for await (const input of answers(() => state, signal)) {
        last = input;
        const next = step(state, input);
        state = next.state;
        if (next.change) {
          await commit(writer, next.change);
          if (next.change.type === 'replace') observer.listed?.(next.change.objects.size, clock.monotonic() - askedAt);
          changes++;
        }
      }
      if (signal.aborted) return;
      if (last.type === 'ended' || last.type === 'silent' || last.type === 'failed') observer.ended?.(last.type);
      const healthy = changes > 0 || last.type === 'page' || clock.monotonic() - start >= timing.healthyMs;
      failures = healthy ? 0 : failures + 1;
      // Initial events refused: the list is asked for at once.
      const refused = initialEventsRefused(before, state);
      const delayMs = refused ? 0 : delayAfter(last, healthy, failures);
      if (refused) log.debug({ resource: name }, 'the server sends no initial events on a watch: lists instead');
      else logEnd(last, delayMs);
      await slept(clock, delayMs, signal);
    }
  }
  return { store, run };
}

/** Everything is about to be asked for. */
const isEmpty = <T extends KubeObject>(state: ReflectorState<T>): boolean =>
  state.type !== 'watching' && state.staged.size === 0;

const initialEventsRefused = <T extends KubeObject>(before: ReflectorState<T>, after: ReflectorState<T>): boolean =>
  before.type === 'initial-watch' && after.type === 'listing';

async function commit<T extends KubeObject>(writer: StoreWriter<T>, change: StoreChange<T>): Promise<void> {
  switch (change.type) {
    case 'replace':
      for (const _ of writer.replaceInSteps(change.objects)) await setImmediate();
      break;
    case 'upsert':
      writer.upsert(change.object);
      break;
    case 'remove':
      writer.remove(change.key);
      break;
  }
}

function dropManagedFields<T extends KubeObject>(object: T): T {
  delete object.metadata.managedFields;
  return object;
}

/** Aborts its signal when, once begun, nothing is heard for `limit()` ms; or with `parent`. */
function createSilenceWatchdog(clock: Clock, limit: () => number, parent: AbortSignal) {
  const controller = new AbortController();
  const abort = () => controller.abort(parent.reason);
  if (parent.aborted) abort();
  parent.addEventListener('abort', abort, { once: true });
  let heardAt = 0;
  let fired = false;
  let timer: Timer | undefined;
  // One timer that looks again, instead of a new one per event: thousands may come per second.
  const look = () => {
    const left = heardAt + limit() - clock.monotonic();
    if (left > 0) timer = clock.after(left, look);
    else {
      fired = true;
      controller.abort();
    }
  };
  const heard = () => {
    heardAt = clock.monotonic();
  };
  return {
    signal: controller.signal,
    fired: () => fired,
    heard,
    begin() {
      heard();
      look();
    },
    [Symbol.dispose]() {
      timer?.cancel();
      parent.removeEventListener('abort', abort);
    },
  };
}
