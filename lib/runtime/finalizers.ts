// Finalizers: an object stays, marked as being deleted, until its controller has cleaned up.
import type { KubeClient, WriteOptions } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';

export const isDeleting = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

export const hasFinalizer = (object: KubeObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) ?? false;

/** Puts the finalizer on the object unless it is there; guarded by its resourceVersion. */
export declare function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  options?: WriteOptions,
): Promise<T>;

/** Takes the finalizer off, guarded by the resourceVersion; an object that is gone by then is what was wanted. */
export declare function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  options?: WriteOptions,
): Promise<void>;
