// The cache of one kind: a reflector writes what it sees, everyone else reads.
import { type KubeObject, objectKey, type Resource, resourceName } from './resource.ts';

export type StoreEvent<T extends KubeObject> =
  | { type: 'added'; object: T }
  | { type: 'updated'; object: T; old: T }
  | { type: 'deleted'; object: T };

/** The values under which an object is found in an index; none: it is not in it. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/**
 * Read-only view of a cache. Objects are shared: never change one (frozen deeply outside production).
 * Keys are `namespace/name`, or the name alone for cluster-scoped kinds.
 */
export interface Store<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly size: number;
  get(key: string): T | undefined;
  keys(): IterableIterator<string>;
  values(): IterableIterator<T>;
  /** Objects that the index `name` files under `value`. Throws on an index that was not declared. */
  byIndex(name: string, value: string): readonly T[];
  /** Adds an index; objects already held are filed at once. Throws when there is another of that name. */
  addIndex(name: string, index: IndexFunction<T>): void;
  /** True once everything that was there at the start has been seen. */
  hasSynced(): boolean;
  /** Resolves when it has synced; rejects with the signal's reason. */
  synced(signal?: AbortSignal): Promise<void>;
  /** Called after each change, in order, on the reflector's turn: only enqueue. Returns how to end it. */
  subscribe(handler: (event: StoreEvent<T>) => void): () => void;
}

/** The writing half: for the one reflector that fills the store. */
export interface StoreWriter<T extends KubeObject> {
  upsert(object: T): void;
  remove(key: string): void;
  /** Makes `objects` the whole content: what is not in it was deleted unseen. Marks the store as synced. */
  replace(objects: ReadonlyMap<string, T>): void;
  /** The same in steps of some thousand objects: between two, others may have the event loop. Nothing else may be written meanwhile. */
  replaceInSteps(objects: ReadonlyMap<string, T>): Iterable<void>;
}

/** About 10 ms of work. */
const STEP_OBJECTS = 2_000;

export interface StoreOptions<T extends KubeObject> {
  indexes?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  /** Freezes every object deeply, so that a reader who changes one fails at once. Default: not in production. */
  freeze?: boolean | undefined;
  /** Gets what an index or a handler throws: the store itself stays whole. Default: thrown on a turn of its own. */
  report?: ((error: unknown) => void) | undefined;
}

interface Index<T extends KubeObject> {
  readonly valuesOf: IndexFunction<T>;
  readonly objects: Map<string, Map<string, T>>;
}

export function createStore<T extends KubeObject>(
  resource: Resource<T>,
  options: StoreOptions<T> = {},
): { store: Store<T>; writer: StoreWriter<T> } {
  const { freeze = process.env.NODE_ENV !== 'production', report = throwLater } = options;
  const objects = new Map<string, T>();
  const indexes = new Map<string, Index<T>>();
  const handlers = new Set<(event: StoreEvent<T>) => void>();
  const sync = Promise.withResolvers<void>();
  let isSynced = false;

  function put(key: string, object: T): void {
    const old = objects.get(key);
    if (old && old.metadata.uid !== object.metadata.uid) take(key, old);
    const previous = objects.get(key);
    if (previous && previous.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (freeze) deepFreeze(object);
    objects.set(key, object);
    for (const index of indexes.values()) {
      if (previous) unfile(index, key, previous);
      file(index, key, object);
    }
    emit(previous ? { type: 'updated', object, old: previous } : { type: 'added', object });
  }

  function take(key: string, object: T): void {
    objects.delete(key);
    for (const index of indexes.values()) unfile(index, key, object);
    emit({ type: 'deleted', object });
  }

  function* replaceInSteps(next: ReadonlyMap<string, T>): Iterable<void> {
    let done = 0;
    for (const [key, object] of objects) {
      if (!next.has(key)) take(key, object);
      if (++done % STEP_OBJECTS === 0) yield;
    }
    for (const [key, object] of next) {
      put(key, object);
      if (++done % STEP_OBJECTS === 0) yield;
    }
    isSynced = true;
    sync.resolve();
  }

  function emit(event: StoreEvent<T>): void {
    for (const handler of handlers) {
      try {
        handler(event);
      } catch (error) {
        report(error);
      }
    }
  }

  function addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (indexes.has(name)) throw new Error(`${resourceName(resource)}: there is an index ${name} already`);
    const index: Index<T> = { valuesOf: guarded(valuesOf), objects: new Map() };
    for (const [key, object] of objects) file(index, key, object);
    indexes.set(name, index);
  }
  const guarded =
    (valuesOf: IndexFunction<T>): IndexFunction<T> =>
    (object) => {
      try {
        return valuesOf(object);
      } catch (error) {
        report(error);
        return [];
      }
    };
  for (const [name, valuesOf] of Object.entries(options.indexes ?? {})) addIndex(name, valuesOf);

  const store: Store<T> = {
    resource,
    get size() {
      return objects.size;
    },
    get: (key) => objects.get(key),
    keys: () => objects.keys(),
    values: () => objects.values(),
    byIndex(name, value) {
      const index = indexes.get(name);
      if (!index) throw new Error(`${resourceName(resource)}: there is no index ${name}`);
      return [...(index.objects.get(value)?.values() ?? [])];
    },
    addIndex,
    hasSynced: () => isSynced,
    synced: (signal) => orAborted(sync.promise, signal),
    subscribe(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
  const writer: StoreWriter<T> = {
    upsert: (object) => put(objectKey(object), object),
    remove(key) {
      const object = objects.get(key);
      if (object) take(key, object);
    },
    replace(next) {
      for (const _ of replaceInSteps(next));
    },
    replaceInSteps,
  };
  return { store, writer };
}

function file<T extends KubeObject>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    let filed = index.objects.get(value);
    if (!filed) {
      filed = new Map();
      index.objects.set(value, filed);
    }
    filed.set(key, object);
  }
}

function unfile<T extends KubeObject>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const filed = index.objects.get(value);
    filed?.delete(key);
    if (filed?.size === 0) index.objects.delete(value);
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}

function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
