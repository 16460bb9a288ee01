// The Kubernetes API as typed calls: one interface that controllers, caches and tests share.
import { createCredentials } from './credentials.ts';
import { ApiError } from './errors.ts';
import { collectionPath, objectPath, type Query, withQuery } from './paths.ts';
import { apiVersionOf, type KubeObject, type ObjectName, type Resource, resourceName } from './resource.ts';
import { type CallObserver, createTransport, type Exchange, type Transport } from './transport.ts';
import { watchEvents } from './watch.ts';

export interface CallOptions {
  /** Ends the call at once, with an ApiError of reason `Aborted`. */
  signal?: AbortSignal | undefined;
  /** Default 30,000 ms; watches have none. Reason `Timeout`. */
  timeoutMs?: number | undefined;
  /** Called right before the call goes out, however long it had to wait for its turn. What it throws ends the call. */
  before?: (() => void) | undefined;
  /** Called as the answer comes in, with how many bytes came. */
  received?: ((bytes: number) => void) | undefined;
  /** Goes out at once, however many calls are under way: for the few that all others depend on, such as a lease's renewal. */
  urgent?: boolean | undefined;
  /** Goes out when no other call is under way, or has waited long enough for that: for what nobody waits for, such as events. */
  background?: boolean | undefined;
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
  /** Called when the server has accepted the watch, which may be long before its first event. */
  opened?: (() => void) | undefined;
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
  /** Asks for the deletion: with finalizers on it, the object stays until they are gone. */
  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<undefined>;
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

export interface ClientOptions {
  /** Path of a kubeconfig; default $KUBECONFIG, else the pod's service account, else ~/.kube/config. */
  kubeconfig?: string | undefined;
  /** Context in it; default its current one. */
  context?: string | undefined;
  userAgent?: string | undefined;
  /** Calls under way at once, watches aside; default 64. */
  maxInFlight?: number | undefined;
  /** Default deadline per call; default 30,000. */
  timeoutMs?: number | undefined;
  observer?: CallObserver | undefined;
}

const PAGE_SIZE = 500;

/** A client on the credentials of a kubeconfig or of the pod. Nothing is read or connected before the first call. */
export function createClient(options: ClientOptions = {}): KubeClient {
  const { kubeconfig, context, userAgent = 'bmp-operator', maxInFlight = 64, timeoutMs = 30_000, observer } = options;
  const credentials = createCredentials({ kubeconfig, context });
  return createClientOver(createTransport({ credentials, userAgent, maxInFlight, timeoutMs, observer }));
}

/** The same client over another way to the server. */
export function createClientOver(transport: Transport): KubeClient {
  async function json<T>(exchange: Exchange): Promise<T> {
    const text = await transport.call(exchange);
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new ApiError(0, 'Unreadable', `${exchange.method} ${exchange.path}: the answer is not JSON`, {
        cause: error,
      });
    }
  }

  async function list<T extends KubeObject>(
    resource: Resource<T>,
    listOptions: ListOptions = {},
  ): Promise<KubeList<T>> {
    const { namespace, signal, timeoutMs, before, received, urgent, background, ...query } = listOptions;
    const path = withQuery(collectionPath(resource, namespace), query);
    const call = callOf({ signal, timeoutMs, before, received, urgent, background });
    const page = await json<KubeList<T>>({ method: 'GET', path, ...call });
    if (!Array.isArray(page.items) || typeof page.metadata?.resourceVersion !== 'string') {
      throw new ApiError(0, 'Unreadable', `GET ${path}: the answer is not a list`);
    }
    // Items of built-in kinds come without these two.
    for (const item of page.items) {
      item.apiVersion ??= apiVersionOf(resource);
      item.kind ??= resource.kind;
    }
    return page;
  }

  async function patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    change: Patch,
    patchOptions: PatchOptions = {},
  ): Promise<T> {
    const { body, contentType, query } = patchRequest(change);
    const path = withQuery(objectPath(resource, name, patchOptions.subresource), {
      ...writeQuery(patchOptions),
      ...query,
    });
    return json<T>({ method: 'PATCH', path, body, contentType, ...callOf(patchOptions) });
  }

  return {
    list,
    patch,
    get: async (resource, name, callOptions = {}) =>
      json({ method: 'GET', path: objectPath(resource, name), ...callOf(callOptions) }),
    async *pages(resource, listOptions = {}) {
      let next: string | undefined;
      do {
        const page = await list(resource, { limit: PAGE_SIZE, ...listOptions, continue: next });
        yield page;
        next = page.metadata.continue || undefined;
      } while (next);
    },
    async create(resource, object, writeOptions = {}) {
      const path = withQuery(collectionPath(resource, namespaceOf(resource, object)), writeQuery(writeOptions));
      return json({ method: 'POST', path, body: object, ...callOf(writeOptions) });
    },
    async update(resource, object, patchOptions = {}) {
      const path = withQuery(objectPath(resource, object.metadata, patchOptions.subresource), writeQuery(patchOptions));
      return json({ method: 'PUT', path, body: object, ...callOf(patchOptions) });
    },
    patchStatus: (resource, name, change, writeOptions) =>
      patch(resource, name, change, { ...writeOptions, subresource: 'status' }),
    async delete(resource, name, deleteOptions = {}) {
      const path = withQuery(objectPath(resource, name), writeQuery(deleteOptions));
      await transport.call({ method: 'DELETE', path, body: deleteBody(deleteOptions), ...callOf(deleteOptions) });
      return undefined;
    },
    async *watch<T extends KubeObject>(resource: Resource<T>, watchOptions: WatchOptions = {}) {
      const { namespace, signal, opened, before, received, urgent: _, background: __, ...query } = watchOptions;
      const path = withQuery(collectionPath(resource, namespace), { ...query, watch: true });
      yield* watchEvents<T>(
        transport.stream({ method: 'GET', path, signal, opened, before, received }),
        `watch ${resourceName(resource)}`,
      );
    },
    async raw(request) {
      const text = await transport.call(request);
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text; // health checks and metrics are plain text
      }
    },
    close: () => transport.close(),
  };
}

const callOf = ({ signal, timeoutMs, before, received, urgent, background }: CallOptions) => ({
  signal,
  timeoutMs,
  before,
  received,
  urgent,
  background,
});

const writeQuery = ({ fieldManager, dryRun, fieldValidation }: WriteOptions): Query => ({
  fieldManager,
  dryRun: dryRun ? 'All' : undefined,
  fieldValidation,
});

function patchRequest(patch: Patch): { body: unknown; contentType: string; query?: Query } {
  switch (patch.type) {
    case 'merge':
      return { body: patch.body, contentType: 'application/merge-patch+json' };
    case 'json':
      return { body: patch.operations, contentType: 'application/json-patch+json' };
    case 'apply':
      // YAML is a superset of JSON, and the only content type that servers before 1.32 know for it.
      return {
        body: patch.object,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: patch.fieldManager, force: patch.force },
      };
  }
}

function deleteBody({ uid, resourceVersion, propagationPolicy, gracePeriodSeconds }: DeleteOptions): object {
  const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
  return { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy, gracePeriodSeconds };
}

function namespaceOf(resource: Resource, object: KubeObject): string | undefined {
  if (resource.namespaced && !object.metadata.namespace) {
    throw new ApiError(400, 'BadRequest', `${resource.kind} ${object.metadata.name}: a namespace is needed`);
  }
  return object.metadata.namespace;
}
