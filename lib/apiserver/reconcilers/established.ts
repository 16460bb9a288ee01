// Makes the registry follow the CustomResourceDefinitions: accepts their names, serves them, and cleans up after deleted ones.
import { CRD_CLEANUP } from '../builtin/apiextensions.ts';
import { resourceOf } from '../crd/definition.ts';
import { hasCondition } from '../crd/validate.ts';
import { clone, equal, isObject, type JsonObject, type KubeObject, timestamp } from '../json.ts';
import type { Cluster } from '../rest/call.ts';
import { KeyQueue } from './key-queue.ts';

const COLLECTION = 'customresourcedefinitions.apiextensions.k8s.io';

export class DefinitionController {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;
  /** What the served resources were made from, so that a status change does not make them anew. */
  readonly #specs = new Map<string, KubeObject>();

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
    if (taken.length === 0) status['acceptedNames'] = clone(spec['names'] ?? {});
    const accepted = taken.length === 0;
    setCondition(status, now, {
      type: 'NamesAccepted',
      status: accepted ? 'True' : 'False',
      reason: accepted ? 'NoConflicts' : taken[0]!.reason,
      message: accepted ? 'no conflicts found' : taken[0]!.message,
    });
    if (accepted || !hasCondition(definition, 'Established')) {
      setCondition(status, now, {
        type: 'Established',
        status: accepted ? 'True' : 'False',
        reason: accepted ? 'InitialNamesAccepted' : 'NotAccepted',
        message: accepted ? 'the initial names have been accepted' : 'not all names are accepted',
      });
    }
    const finalizers = definition.metadata.finalizers ?? [];
    if (!finalizers.includes(CRD_CLEANUP)) definition.metadata.finalizers = [...finalizers, CRD_CLEANUP];
    if (!equal(definition, before)) await this.#cluster.store.put(COLLECTION, definition.metadata.name!, definition);
  }

  /** Names that another resource of the group has already. */
  #conflicts(definition: KubeObject): { reason: string; message: string }[] {
    const wanted = resourceOf(definition);
    const others = this.#cluster.registry
      .all()
      .filter((other) => other.group === wanted.group && other.plural !== wanted.plural);
    const names = new Set(others.flatMap((other) => [other.plural, other.singular, ...other.shortNames]));
    const kinds = new Set(others.flatMap((other) => [other.kind, other.listKind]));
    const found: { reason: string; message: string }[] = [];
    const refuse = (reason: string, name: string) =>
      found.push({ reason, message: `${JSON.stringify(name)} is already in use` });
    if (names.has(wanted.plural)) refuse('PluralConflict', wanted.plural);
    if (names.has(wanted.singular)) refuse('SingularConflict', wanted.singular);
    for (const name of wanted.shortNames) if (names.has(name)) refuse('ShortNamesConflict', name);
    if (kinds.has(wanted.kind)) refuse('KindConflict', wanted.kind);
    if (kinds.has(wanted.listKind)) refuse('ListKindConflict', wanted.listKind);
    return found;
  }

  /** Deletes what was made of the kind, then lets the definition go. */
  async #finish(definition: KubeObject): Promise<void> {
    const finalizers = definition.metadata.finalizers ?? [];
    if (!finalizers.includes(CRD_CLEANUP)) return;
    const { store } = this.#cluster;
    const { collection } = resourceOf(definition);
    const entries = [...store.list(collection, { prefix: '' })];
    await Promise.all(entries.map((entry) => store.delete(collection, entry.key)));
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
