// Makes the registry follow the CustomResourceDefinitions: accepts their names, serves them, and cleans up after deleted ones.
import { CRD_CLEANUP } from '../builtin/apiextensions.ts';
import { resourceOf } from '../crd/definition.ts';
import { hasCondition } from '../crd/validate.ts';
import { clone, equal, isObject, type JsonObject, type KubeObject, timestamp } from '../json.ts';
import { recordFields } from '../rest/admit.ts';
import type { Cluster } from '../rest/call.ts';
import { KeyQueue } from './key-queue.ts';

const MANAGER = 'apiextensions-apiserver';
const COLLECTION = 'customresourcedefinitions.apiextensions.k8s.io';

export class DefinitionController {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;
  /** What the served resources were made from, so that a status change does not make them anew. */
  readonly #specs = new Map<string, KubeObject>();
  /** Definitions that wait for their objects to go, and how to stop waiting. */
  readonly #awaited = new Map<string, () => void>();

  constructor(cluster: Cluster, log: (line: string) => void) {
    this.#cluster = cluster;
    // At start everything that was established is served before the first request.
    for (const entry of cluster.store.list(COLLECTION, { prefix: '' })) this.#serve(entry.object);
    this.#queue = new KeyQueue((name) => this.#reconcile(name), log);
    this.#stop = cluster.store.watch(COLLECTION, ({ key, next }) => {
      if (next) this.#serve(next.object);
      else this.#forget(key);
      this.#queue.add(key);
    });
    for (const entry of cluster.store.list(COLLECTION, { prefix: '' })) this.#queue.add(entry.key);
  }

  async close(): Promise<void> {
    this.#stop();
    for (const stop of this.#awaited.values()) stop();
    await this.#queue.close();
  }

  #serve(definition: KubeObject): void {
    if (!hasCondition(definition, 'Established')) return;
    const name = definition.metadata.name!;
    const before = this.#specs.get(name);
    this.#specs.set(name, definition);
    if (before && equal(before['spec'], definition['spec'])) return;
    const resource = resourceOf(definition);
    this.#cluster.registry.set(resource);
  }

  #forget(name: string): void {
    this.#awaited.get(name)?.();
    this.#awaited.delete(name);
    const definition = this.#specs.get(name);
    if (!definition) return;
    this.#specs.delete(name);
    const { group, plural } = resourceOf(definition);
    this.#cluster.registry.remove(group, plural);
  }

  async #reconcile(name: string): Promise<void> {
    const entry = this.#cluster.store.latest(COLLECTION, name);
    if (!entry) return;
    const definition = clone(entry.object);
    if (definition.metadata.deletionTimestamp) await this.#finish(definition);
    else await this.#accept(definition, entry.object);
  }

  async #accept(definition: KubeObject, before: KubeObject): Promise<void> {
    const now = timestamp(this.#cluster.now());
    const spec = definition['spec'] as JsonObject;
    const status = isObject(definition['status']) ? definition['status'] : {};
    definition['status'] = status;
    const taken = this.#conflicts(definition);
    const last = taken.at(-1);
    const free = (names: JsonObject) =>
      Object.fromEntries(
        Object.entries(names).filter(([field]) => !taken.some((conflict) => conflict.field === field)),
      );
    status['acceptedNames'] = { kind: '', plural: '', ...(clone(free(spec['names'] as JsonObject)) as JsonObject) };
    setCondition(status, now, {
      type: 'NamesAccepted',
      status: last ? 'False' : 'True',
      reason: last?.reason ?? 'NoConflicts',
      message: last?.message ?? 'no conflicts found',
    });
    // Once in force a definition stays so.
    if (!last || !hasCondition(definition, 'Established')) {
      setCondition(status, now, {
        type: 'Established',
        status: last ? 'False' : 'True',
        reason: last ? 'NotAccepted' : 'InitialNamesAccepted',
        message: last ? 'not all names are accepted' : 'the initial names have been accepted',
      });
    }
    if (equal(definition, before)) return;
    const resource = this.#cluster.registry.byCollection(COLLECTION)!;
    const booking = { resource, version: resource.storage, cluster: this.#cluster, request: { subresource: 'status' } };
    recordFields(booking, definition, before, MANAGER);
    await this.#cluster.store.put(COLLECTION, definition.metadata.name!, definition);
  }

  /** Names that another resource of the group has already. */
  #conflicts(definition: KubeObject): { field: string; reason: string; message: string }[] {
    const wanted = resourceOf(definition);
    const others = this.#cluster.registry
      .all()
      .filter((other) => other.group === wanted.group && other.plural !== wanted.plural);
    const names = new Set(others.flatMap((other) => [other.plural, other.singular, ...other.shortNames]));
    const kinds = new Set(others.flatMap((other) => [other.kind, other.listKind]));
    const asked: [string, string, string, ReadonlySet<string>][] = [
      ['plural', 'PluralConflict', wanted.plural, names],
      ['singular', 'SingularConflict', wanted.singular, names],
      ...wanted.shortNames.map((name): [string, string, string, ReadonlySet<string>] => [
        'shortNames',
        'ShortNamesConflict',
        name,
        names,
      ]),
      ['kind', 'KindConflict', wanted.kind, kinds],
      ['listKind', 'ListKindConflict', wanted.listKind, kinds],
    ];
    return asked
      .filter(([, , name, taken]) => taken.has(name))
      .map(([field, reason, name]) => ({ field, reason, message: `${JSON.stringify(name)} is already in use` }));
  }

  /** Deletes an object, or marks it, as long as somebody has a finalizer on it. */
  async #remove(collection: string, key: string): Promise<void> {
    const { store } = this.#cluster;
    const object = store.latest(collection, key)?.object;
    if (!object) return;
    if (!object.metadata.finalizers?.length) await store.delete(collection, key);
    else if (!object.metadata.deletionTimestamp) {
      const marked = clone(object);
      marked.metadata.deletionTimestamp = timestamp(this.#cluster.now());
      marked.metadata.deletionGracePeriodSeconds = 0;
      if (marked.metadata.generation) marked.metadata.generation++;
      await store.put(collection, key, marked);
    }
  }

  /** Looks at a definition again when the last of its objects is gone. */
  #await(name: string, collection: string): void {
    if (this.#awaited.has(name)) return;
    const stop = this.#cluster.store.watch(collection, ({ next }) => {
      if (!next) this.#queue.add(name);
    });
    this.#awaited.set(name, stop);
  }

  /** Deletes what was made of the kind, then lets the definition go. */
  async #finish(definition: KubeObject): Promise<void> {
    const finalizers = definition.metadata.finalizers ?? [];
    if (!finalizers.includes(CRD_CLEANUP)) return;
    const { store } = this.#cluster;
    const { collection } = resourceOf(definition);
    await Promise.all(store.latestKeys(collection).map((key) => this.#remove(collection, key)));
    if (store.latestKeys(collection).length > 0) {
      this.#await(definition.metadata.name!, collection);
      return;
    }
    const rest = finalizers.filter((name) => name !== CRD_CLEANUP);
    const name = definition.metadata.name!;
    if (rest.length === 0) await store.delete(COLLECTION, name);
    else {
      definition.metadata.finalizers = rest;
      await store.put(COLLECTION, name, definition);
    }
  }
}

/** Sets a condition; its time moves only when its status does. */
function setCondition(
  status: JsonObject,
  now: string,
  condition: { type: string; status: string; reason: string; message: string },
): void {
  const all = (Array.isArray(status['conditions']) ? status['conditions'] : []).filter(isObject);
  const before = all.find((item) => item['type'] === condition.type);
  const lastTransitionTime = before?.['status'] === condition.status ? before['lastTransitionTime']! : now;
  const made = {
    lastTransitionTime,
    message: condition.message,
    reason: condition.reason,
    status: condition.status,
    type: condition.type,
  };
  status['conditions'] = before ? all.map((item) => (item === before ? made : item)) : [...all, made];
}
