// Writes that happen only when something differs.
import type { KubeClient, WriteOptions } from './client.ts';
import type { KubeObject, Resource } from './resource.ts';

/**
 * Brings the status of `observed` to `status` by a minimal merge patch, guarded by its resourceVersion (409 when it has
 * changed since). No call when nothing differs. Returns the object as it then is.
 */
export declare function writeStatus<T extends KubeObject & { status?: S | undefined }, S extends object>(
  client: KubeClient,
  resource: Resource<T>,
  observed: T,
  status: S,
  options?: WriteOptions,
): Promise<T>;

/** The same for everything else than the status: `desired` is `observed` with changes, guarded by its resourceVersion. */
export declare function writeObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  observed: T,
  desired: T,
  options?: WriteOptions,
): Promise<T>;
