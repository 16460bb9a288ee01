// A model of the API server for interleaving tests: what a controller's calls mean, without wire or time.
//
// It keeps the rules that controllers rely on: resourceVersion and uid guard writes, a write that changes nothing makes no
// new version, status is written through its subresource only, finalizers hold deletion up.
import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../../../lib/kube/errors.ts';
import {
  type KubeObject,
  keyOf,
  type ObjectName,
  objectKey,
  type Resource,
  resourceName,
} from '../../../lib/kube/resource.ts';

export interface Change {
  readonly resource: Resource;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

type Json = Record<string, unknown>;

export class ModelApi {
  /** Everything that ever changed, in order: what watches show. */
  readonly changes: Change[] = [];
  /** Called after every change: the moment at which invariants must hold. */
  observe: (change: Change) => void = () => undefined;
  readonly #kinds = new Map<string, Map<string, KubeObject>>();
  #version = 0;
  #uids = 0;

  all<T extends KubeObject>(resource: Resource<T>): T[] {
    return [...(this.#kind(resource).values() as Iterable<T>)];
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T {
    const object = this.#kind(resource).get(keyOf(name)) as T | undefined;
    if (!object) {
      const details = { name: name.name, kind: resource.plural };
      throw new ApiError(404, 'NotFound', `${resource.plural} "${name.name}" not found`, { details });
    }
    return object;
  }

  /** As a client creates one, but with the status that it should start with. */
  create<T extends KubeObject>(resource: Resource<T>, object: Omit<T, 'apiVersion' | 'kind'>): T {
    const created = { apiVersion: 'bmp.dev/v1alpha1', kind: resource.kind, ...structuredClone(object) } as unknown as T;
    if (this.#kind(resource).has(objectKey(created))) throw new ApiError(409, 'AlreadyExists', 'it is there already');
    created.metadata.uid = `uid-${++this.#uids}`;
    created.metadata.generation = 1;
    created.metadata.creationTimestamp ??= '2026-01-01T00:00:00Z';
    return this.#commit(resource, 'ADDED', created);
  }

  /** RFC 7386, on the object without its status, or on the status alone. */
  patch<T extends KubeObject>(resource: Resource<T>, name: ObjectName, body: object, subresource?: 'status'): T {
    const old = this.#guarded(resource, name, body);
    const merged = merge(old, body) as T & { status?: unknown };
    const { status } = old as T & { status?: unknown };
    const next = subresource === 'status' ? { ...old, status: merged.status } : withStatus(merged, status);
    if (isDeepStrictEqual(next, old)) return old;
    if (!isDeepStrictEqual((next as Json).spec, (old as unknown as Json).spec)) {
      next.metadata = { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 };
    }
    return this.#settle(resource, next);
  }

  /** Puts a status in the place of the other; what else the object says is not looked at. */
  replaceStatus<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const old = this.#guarded(resource, object.metadata, object);
    const next = withStatus(old, (JSON.parse(JSON.stringify(object)) as { status?: unknown }).status);
    return isDeepStrictEqual(next, old) ? old : this.#settle(resource, next);
  }

  /** The object, if it is the one that `body` is meant for. */
  #guarded<T extends KubeObject>(resource: Resource<T>, name: ObjectName, body: object): T {
    const old = this.get(resource, name);
    const { metadata: guard } = body as { metadata?: { uid?: string; resourceVersion?: string } };
    for (const field of ['uid', 'resourceVersion'] as const) {
      if (guard?.[field] !== undefined && guard[field] !== old.metadata[field]) {
        throw new ApiError(409, 'Conflict', `${resource.kind} ${name.name}: it has changed`);
      }
    }
    return old;
  }

  delete(resource: Resource, name: ObjectName): void {
    const old = this.get(resource, name);
    if (old.metadata.deletionTimestamp !== undefined) return;
    this.#settle(resource, { ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  }

  #settle<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const held = (object.metadata.finalizers ?? []).length > 0;
    return this.#commit(resource, object.metadata.deletionTimestamp && !held ? 'DELETED' : 'MODIFIED', object);
  }

  #commit<T extends KubeObject>(resource: Resource<T>, type: Change['type'], changed: T): T {
    const resourceVersion = String(++this.#version);
    const object = { ...changed, metadata: { ...changed.metadata, resourceVersion } };
    if (type === 'DELETED') this.#kind(resource).delete(objectKey(object));
    else this.#kind(resource).set(objectKey(object), object);
    const change: Change = { resource, type, object };
    this.changes.push(change);
    this.observe(change);
    return object;
  }

  #kind(resource: Resource): Map<string, KubeObject> {
    const name = resourceName(resource);
    let objects = this.#kinds.get(name);
    if (!objects) {
      objects = new Map();
      this.#kinds.set(name, objects);
    }
    return objects;
  }
}

function withStatus<T extends KubeObject>(object: T, status: unknown): T {
  const { status: _dropped, ...rest } = object as T & { status?: unknown };
  return (status === undefined ? rest : { ...rest, status }) as T;
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Json = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
