// The manager: starts caches, waits for them, runs controllers under leadership, stops in order.
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import type { IndexFunction, Store } from '../kube/store.ts';
import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ElectionOptions {
  /** Of the Lease. */
  name: string;
  namespace: string;
  /** Unique per process. */
  identity: string;
}

export interface ManagerOptions {
  client: KubeClient;
  log: Log;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** Without it this process leads from the start. */
  election?: ElectionOptions | undefined;
  /** Longest stop; default 10,000. */
  stopMs?: number | undefined;
}

export interface StoreOptions<T extends KubeObject> {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  indexes?: Record<string, IndexFunction<T>> | undefined;
  /** What is kept of each object; default everything but metadata.managedFields. */
  transform?: ((object: T) => T) | undefined;
}

export interface Manager {
  /** Writes through it are refused when this process no longer leads, and expected in the caches of `store`. Reads always go. */
  readonly client: KubeClient;
  /** The cache of a kind (and namespace and selectors): one reflector each, however often it is asked for. */
  store<T extends KubeObject>(resource: Resource<T>, options?: StoreOptions<T>): Store<T>;
  add(controller: Controller): void;
  /** Runs until `signal` aborts, then stops within `stopMs`. Rejects when leadership is lost. */
  run(signal: AbortSignal): Promise<void>;
  /** Alive: no part has ended by itself. */
  healthy(): boolean;
  /** Caches have synced. */
  ready(): boolean;
}

export declare function createManager(options: ManagerOptions): Manager;
