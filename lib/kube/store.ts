// The cache of one kind: what a reflector has seen, as readers see it.
import type { KubeObject, Resource } from './resource.ts';

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
