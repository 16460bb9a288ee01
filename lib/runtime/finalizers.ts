// Finalizers: an object stays, marked as being deleted, until its controller has cleaned up.
import { writeObject } from '../kube/apply.ts';
import type { KubeClient, WriteOptions } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';

export const isDeleting = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

export const hasFinalizer = (object: KubeObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) ?? false;

/** Puts the finalizer on the object unless it is there; guarded by its resourceVersion. */
export async function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  options?: WriteOptions,
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  const finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  return writeObject(client, resource, object, withFinalizers(object, finalizers), options);
}

/** Takes the finalizer off, guarded by the resourceVersion; an object that is gone by then is what was wanted. */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  options?: WriteOptions,
): Promise<void> {
  if (!hasFinalizer(object, finalizer)) return;
  const finalizers = object.metadata.finalizers?.filter((other) => other !== finalizer);
  try {
    await writeObject(client, resource, object, withFinalizers(object, finalizers), options);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

const withFinalizers = <T extends KubeObject>(object: T, finalizers: string[] | undefined): T => ({
  ...object,
  metadata: { ...object.metadata, finalizers },
});
