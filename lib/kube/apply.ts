// Writes that happen only when something differs, guarded by the resourceVersion they were made from: minimal merge patches, or
// a whole status.
import type { KubeClient, WriteOptions } from './client.ts';
import { equal, mergePatch } from './merge-patch.ts';
import type { KubeObject, Resource } from './resource.ts';

/**
 * Brings the status of `observed` to `status`. No call when nothing differs. Returns the object as it then is.
 * Rejects with 409 when the object has changed since it was observed.
 */
export async function writeStatus<T extends KubeObject & { status?: object | undefined }>(
  client: KubeClient,
  resource: Resource<T>,
  observed: T,
  status: NonNullable<T['status']>,
  options?: WriteOptions,
): Promise<T> {
  const difference = mergePatch(observed.status ?? {}, status);
  if (!difference) return observed;
  const body = { metadata: guard(observed), status: difference };
  return client.patchStatus(resource, observed.metadata, { type: 'merge', body }, options);
}

/**
 * The same by sending the whole object: for small objects whose statuses are written by the thousand. kube-apiserver takes an
 * object apart and puts it together once more for a patch, which makes that a third dearer.
 */
export async function replaceStatus<T extends KubeObject & { status?: object | undefined }>(
  client: KubeClient,
  resource: Resource<T>,
  observed: T,
  status: NonNullable<T['status']>,
  options?: WriteOptions,
): Promise<T> {
  if (equal(observed.status ?? {}, status)) return observed;
  return client.update(resource, { ...observed, status }, { ...options, subresource: 'status' });
}

/** The same as `writeStatus` for everything but the status: `desired` is `observed` with changes to metadata, spec or data. */
export async function writeObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  observed: T,
  desired: T,
  options?: WriteOptions,
): Promise<T> {
  const difference = mergePatch(withoutStatus(observed), withoutStatus(desired));
  if (!difference) return observed;
  const body = { ...difference, metadata: { ...(difference.metadata as object | undefined), ...guard(observed) } };
  return client.patch(resource, observed.metadata, { type: 'merge', body }, options);
}

/** Another object under the same name has another uid: a write meant for this one must not reach it. */
const guard = ({ metadata: { uid, resourceVersion } }: KubeObject) => ({ uid, resourceVersion });

const withoutStatus = (object: KubeObject): object => ({ ...object, status: undefined });
