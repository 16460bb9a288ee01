// The manager: starts caches, waits for them, runs controllers under leadership, and stops all of it in order.
import { fenced } from '../kube/around-writes.ts';
import type { KubeClient } from '../kube/client.ts';
import { createElector, type Leadership } from '../kube/lease.ts';
import type { ReflectorObserver, ReflectorTiming } from '../kube/reflector.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Log } from '../observe/log.ts';
import { type CacheOptions, createCaches } from './caches.ts';
import { type Clock, systemClock, type Timer } from './clock.ts';
import type { Controller, ControllerEnvironment, ControllerObserver } from './controller.ts';
import { expectingWrites } from './expectations.ts';

export interface ElectionOptions {
  /** Of the Lease. */
  name: string;
  namespace: string;
  /** Unique per process. */
  identity: string;
  /** See ElectorOptions; defaults 12,000, 9,000 and 2,000. */
  leaseMs?: number | undefined;
  renewDeadlineMs?: number | undefined;
  retryMs?: number | undefined;
}

export interface ManagerOptions {
  client: KubeClient;
  log: Log;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** Without it this process leads from the start. */
  election?: ElectionOptions | undefined;
  /** How long work under way may take to end when stopping; default 8,000. */
  stopMs?: number | undefined;
  timing?: Partial<ReflectorTiming> | undefined;
  /** What metrics of a controller are made of. */
  observer?: ((controller: string) => ControllerObserver) | undefined;
  /** The same of the reflector of a kind. */
  reflectorObserver?: ((resource: string) => ReflectorObserver) | undefined;
}

export interface Manager {
  /**
   * Writes through it are refused while this process does not lead, and expected in the caches of `store`: a controller
   * looks at an object again only when the cache shows them. Reads always go.
   */
  readonly client: KubeClient;
  /**
   * The cache of a kind. Asked for again with the same namespace and selectors it is the same one; its indexes are added
   * then, its transform must be the first one's.
   */
  store<T extends KubeObject>(resource: Resource<T>, options?: CacheOptions<T>): Store<T>;
  add(controller: Controller): void;
  readonly controllers: readonly Controller[];
  /** Runs until `signal` aborts, then stops. Rejects when leadership is lost: end the process then. Runs once. */
  run(signal: AbortSignal): Promise<void>;
  /** Alive: no part has ended by itself, and no reconcile ignores its deadline. */
  healthy(): boolean;
  /** Caches have synced. */
  ready(): boolean;
  isLeader(): boolean;
  /** Kinds and how many objects of each are held. */
  cached(): readonly (readonly [resource: string, size: number])[];
}

export function createManager(options: ManagerOptions): Manager {
  const { log, clock = systemClock, random = Math.random, stopMs = 8_000, observer } = options;
  const caches = createCaches({ ...options, clock, random });
  const controllers: Controller[] = [];
  let leadership: Pick<Leadership, 'isLeader' | 'signal' | 'release'> | undefined;
  let failed = false;

  const isLeader = () => leadership?.isLeader() ?? false;
  const client = fenced(
    expectingWrites(options.client, (resource, namespace) => caches.expectations(resource, namespace)),
    isLeader,
  );

  async function lead(signal: AbortSignal): Promise<Leadership> {
    if (!options.election)
      return { isLeader: () => true, signal: new AbortController().signal, release: async () => undefined };
    // Renewals pass no fence: they are what it stands on.
    return createElector({ ...options.election, client: options.client, log, clock, random }).acquire(signal);
  }

  async function work(signal: AbortSignal, term: Leadership): Promise<void> {
    await caches.synced(signal);
    log.info({ controllers: controllers.map(({ name }) => name) }, 'caches have synced: controllers start');
    const environment = (name: string): ControllerEnvironment => ({
      clock,
      random,
      log,
      settling: (store, key) => caches.settling(store, key),
      observer: observer?.(name),
    });
    const ended = Promise.all(controllers.map((controller) => controller.run(environment(controller.name), signal)));
    if (!(await endedInTime(ended, signal))) {
      const underWay = controllers.filter((controller) => controller.stats().underWay > 0).map(({ name }) => name);
      log.warn({ controllers: underWay, stopMs }, 'stopping without waiting any longer for what is under way');
    }
    term.signal.throwIfAborted();
  }

  /** False when `ended` takes longer than `stopMs` after the signal. */
  async function endedInTime(ended: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    let timer: Timer | undefined;
    const countdown = () => {
      timer = clock.after(stopMs, () => late.resolve(false));
    };
    signal.addEventListener('abort', countdown, { once: true });
    if (signal.aborted) countdown();
    try {
      return await Promise.race([ended.then(() => true), late.promise]);
    } finally {
      timer?.cancel();
      signal.removeEventListener('abort', countdown);
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const stopCaches = new AbortController();
    caches.start(stopCaches.signal);
    try {
      const term = await lead(signal);
      leadership = term;
      await work(AbortSignal.any([signal, term.signal]), term);
    } catch (error) {
      if (signal.aborted) return;
      failed = true;
      throw error;
    } finally {
      await leadership?.release();
      stopCaches.abort();
      await caches.stopped();
    }
  }

  return {
    client,
    store: (resource, cacheOptions) => caches.store(resource, cacheOptions),
    add: (controller) => void controllers.push(controller),
    controllers,
    run,
    isLeader,
    cached: () => caches.sizes(),
    ready: () => caches.haveSynced(),
    healthy: () => !failed && controllers.every((controller) => controller.stats().overdue === 0),
  };
}
