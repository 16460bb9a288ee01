// The Kubernetes API as typed calls: one interface that controllers, caches and tests share.
import type { KubeObject, ObjectName, Resource } from './resource.ts';

export interface CallOptions {
  /** Ends the call at once, with an ApiError of reason `Aborted`. */
  signal?: AbortSignal | undefined;
  /** Default 30,000 ms; watches have none. Reason `Timeout`. */
  timeoutMs?: number | undefined;
}

export interface WriteOptions extends CallOptions {
  fieldManager?: string | undefined;
  /** Validated and answered by the server, stored nowhere. */
  dryRun?: boolean | undefined;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined;
}

export interface ListOptions extends CallOptions {
  /** Default: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Objects a page. */
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
}

export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue' | 'timeoutMs'> {
  allowWatchBookmarks?: boolean | undefined;
  sendInitialEvents?: boolean | undefined;
  /** After which the server ends the watch. */
  timeoutSeconds?: number | undefined;
}

export interface DeleteOptions extends WriteOptions {
  /** Preconditions: 409 when the object is another one, or has changed. */
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  gracePeriodSeconds?: number | undefined;
}

export interface KubeList<T extends KubeObject> {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Only its metadata's resourceVersion and annotations mean something. */
  | { type: 'BOOKMARK'; object: KubeObject };

/** RFC 6902. */
export type JsonPatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: unknown }
  | { op: 'remove'; path: string }
  | { op: 'move' | 'copy'; from: string; path: string };

export type Patch =
  /** RFC 7386. A `metadata.resourceVersion` in it guards the write. */
  | { type: 'merge'; body: object }
  | { type: 'json'; operations: readonly JsonPatchOperation[] }
  /** Server-side apply: `object` holds just the fields that `fieldManager` wants to own. */
  | { type: 'apply'; object: object; fieldManager: string; force?: boolean | undefined };

export interface PatchOptions extends WriteOptions {
  subresource?: 'status' | 'scale' | undefined;
}

export interface RawRequest extends CallOptions {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, such as `/apis/bmp.dev/v1alpha1/devices?limit=1`. */
  path: string;
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string | undefined;
  accept?: string | undefined;
}

/** Every method rejects with an ApiError (lib/kube/errors.ts) and with nothing else. */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName, options?: CallOptions): Promise<T>;
  /** One page: follow `metadata.continue`, or use `pages`. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>;
  /** All pages, one after the other, of `limit` (default 500) objects each. */
  pages<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): AsyncIterable<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Replaces the object: guarded by its resourceVersion. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: PatchOptions): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: Patch,
    options?: PatchOptions,
  ): Promise<T>;
  /** `patch` of the status subresource. */
  patchStatus<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>;
  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void>;
  /**
   * Events as the server sends them, until it ends the watch. Rejects on a refused or broken watch, and with status 410
   * when the resourceVersion is too old.
   */
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** A call to any path; the answer's JSON, or its text where it is none. */
  raw(request: RawRequest): Promise<unknown>;
  /** Ends idle connections; calls under way finish. */
  close(): Promise<void>;
}

export type ClientOptions = {
  /** Path of a kubeconfig; default: in-cluster, else $KUBECONFIG, else ~/.kube/config. */
  kubeconfig?: string | undefined;
  /** Context in it; default its current one. */
  context?: string | undefined;
  userAgent?: string | undefined;
  /** Calls under way at once, watches aside; default 64. */
  maxInFlight?: number | undefined;
  /** Default deadline per call; default 30,000. */
  timeoutMs?: number | undefined;
};

export declare function createClient(options?: ClientOptions): KubeClient;
