// The caches of one process: one reflector for each kind, scope and selector, and the own writes expected in it.
import type { KubeClient } from '../kube/client.ts';
import { createReflector, type Reflector, type ReflectorObserver, type ReflectorTiming } from '../kube/reflector.ts';
import { type KubeObject, type Resource, resourceName } from '../kube/resource.ts';
import type { IndexFunction, Store } from '../kube/store.ts';
import type { Log } from '../observe/log.ts';
import type { Clock } from './clock.ts';
import { createExpectations, type Expectations } from './expectations.ts';

export interface CacheOptions<T extends KubeObject> {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  indexes?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  /** What is kept of each object; default everything but metadata.managedFields. It may change the object in place. */
  transform?: ((object: T) => T) | undefined;
}

export interface Caches {
  store<T extends KubeObject>(resource: Resource<T>, options?: CacheOptions<T>): Store<T>;
  /** Starts filling them, and whatever `store` adds later, until `signal` aborts. */
  start(signal: AbortSignal): void;
  stopped(): Promise<void>;
  synced(signal: AbortSignal): Promise<void>;
  haveSynced(): boolean;
  sizes(): readonly (readonly [resource: string, size: number])[];
  /** Those that will show a write to this kind in this namespace. */
  expectations(resource: Resource, namespace: string | undefined): readonly Expectations[];
  settling(store: Store<KubeObject>, key: string): Promise<void> | undefined;
}

export interface CachesOptions {
  client: KubeClient;
  log: Log;
  clock: Clock;
  random: () => number;
  timing?: Partial<ReflectorTiming> | undefined;
  /** What metrics of the reflector of a kind are made of. */
  reflectorObserver?: ((resource: string) => ReflectorObserver) | undefined;
}

interface Cache {
  readonly reflector: Reflector<KubeObject>;
  readonly namespace: string | undefined;
  readonly expectations: Expectations;
}

export function createCaches({ client, log, clock, random, timing, reflectorObserver }: CachesOptions): Caches {
  const caches = new Map<string, Cache>();
  const running: Promise<void>[] = [];
  let signal: AbortSignal | undefined;

  const all = () => [...caches.values()];

  function create<T extends KubeObject>(resource: Resource<T>, options: CacheOptions<T>): Cache {
    const observer = reflectorObserver?.(resourceName(resource));
    const reflector = createReflector({ ...options, client, resource, log, clock, random, timing, observer });
    const store = reflector.store as Store<KubeObject>;
    const selective = options.labelSelector !== undefined || options.fieldSelector !== undefined;
    if (signal) running.push(reflector.run(signal));
    return {
      reflector: reflector as Reflector<KubeObject>,
      namespace: options.namespace,
      expectations: createExpectations(store, clock, { selective }),
    };
  }

  return {
    store<T extends KubeObject>(resource: Resource<T>, options: CacheOptions<T> = {}) {
      const { namespace, labelSelector, fieldSelector, indexes = {} } = options;
      const id = JSON.stringify([resourceName(resource), resource.version, namespace, labelSelector, fieldSelector]);
      const known = caches.get(id);
      if (!known) {
        const cache = create(resource, options);
        caches.set(id, cache);
        return cache.reflector.store as Store<T>;
      }
      const store = known.reflector.store as Store<T>;
      for (const [name, index] of Object.entries(indexes)) store.addIndex(name, index);
      return store;
    },
    start(stop) {
      signal = stop;
      for (const { reflector } of caches.values()) running.push(reflector.run(stop));
    },
    async stopped() {
      await Promise.all(running);
    },
    async synced(until) {
      await Promise.all(all().map(({ reflector }) => reflector.store.synced(until)));
    },
    haveSynced: () => all().every(({ reflector }) => reflector.store.hasSynced()),
    sizes: () => all().map(({ reflector: { store } }) => [resourceName(store.resource), store.size]),
    expectations: (resource, namespace) =>
      all().flatMap(({ reflector, expectations, ...cache }) => {
        const sees =
          resourceName(reflector.store.resource) === resourceName(resource) &&
          (!cache.namespace || cache.namespace === namespace);
        return sees ? [expectations] : [];
      }),
    settling: (store, key) =>
      all()
        .find(({ reflector }) => reflector.store === store)
        ?.expectations?.settling(key),
  };
}
