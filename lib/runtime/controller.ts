// A controller: watches give keys, keys are reconciled one at a time each, results decide when to look again.
import type { KubeObject } from '../kube/resource.ts';
import type { Store, StoreEvent } from '../kube/store.ts';
import type { BackoffPolicy } from './backoff.ts';
import type { Reconciler } from './reconcile.ts';

export interface EnqueueOptions {
  /** Higher goes first; default 0. Objects seen at start and by resync have -100. */
  priority?: number | undefined;
  delayMs?: number | undefined;
}
export type Enqueue = (key: string, options?: EnqueueOptions) => void;

/** Anything that gives keys to look at. */
export interface Source {
  readonly name: string;
  /** Resolves when what was there at the start has been seen. */
  synced(signal?: AbortSignal): Promise<void>;
  /** Starts giving keys; returns how to end it. */
  start(enqueue: Enqueue): () => void;
}

export interface WatchSourceOptions<T extends KubeObject> {
  /** Which changes matter; default all. */
  when?: ((event: StoreEvent<T>) => boolean) | undefined;
  /** Which keys a change wakes; default the object's own. An update asks for the old and the new object. */
  keys?: ((object: T) => readonly string[]) | undefined;
  priority?: number | undefined;
}

/** A store as a source. */
export declare function watch<T extends KubeObject>(store: Store<T>, options?: WatchSourceOptions<T>): Source;

/** An update that changed the spec, a label, an annotation, a finalizer or began deletion: not one of the status alone. */
export declare function exceptStatus<T extends KubeObject>(event: StoreEvent<T>): boolean;

export interface ControllerOptions {
  readonly name: string;
  /** The first is the kind it reconciles: writes to it are seen in the cache before its object is looked at again. */
  readonly watches: readonly Source[];
  readonly reconcile: Reconciler;
  /** Keys under way at once; default 4. */
  readonly concurrency?: number;
  /** Longest one reconcile may take before its signal aborts; default 120,000. */
  readonly deadlineMs?: number;
  /** After errors; default 0.5 s up to 300 s. */
  readonly backoff?: BackoffPolicy;
}

export interface Controller {
  readonly name: string;
  /** Looks at `key` soon: for sources outside the API, such as a machine that reported. Before start and after stop it is kept out. */
  trigger(key: string, options?: EnqueueOptions): void;
}

export declare function createController(options: ControllerOptions): Controller;
