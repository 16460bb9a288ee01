// Namespaces: one that is being deleted is emptied, then let go.
import { clone, isObject, type KubeObject, timestamp } from '../json.ts';
import type { Cluster } from '../rest/call.ts';
import { KeyQueue } from './key-queue.ts';

const COLLECTION = 'namespaces';

export class NamespaceController {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;

  constructor(cluster: Cluster, log: (line: string) => void) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue((name) => this.#reconcile(name), log);
    this.#stop = cluster.store.watchAll(({ collection, key, next }) => {
      if (collection === COLLECTION) {
        if (next) this.#queue.add(key);
        return;
      }
      // A namespace on its way out waits for its last object.
      const namespace = key.includes('/') ? key.slice(0, key.indexOf('/')) : undefined;
      if (!next && namespace && this.#terminating(namespace)) this.#queue.add(namespace);
    });
    for (const entry of cluster.store.list(COLLECTION, { prefix: '' })) this.#queue.add(entry.key);
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#queue.close();
  }

  #terminating(name: string): boolean {
    return this.#cluster.store.latest(COLLECTION, name)?.object.metadata.deletionTimestamp !== undefined;
  }

  async #reconcile(name: string): Promise<void> {
    const namespace = this.#cluster.store.latest(COLLECTION, name)?.object;
    if (namespace?.metadata.deletionTimestamp) await this.#empty(namespace);
  }

  async #empty(namespace: KubeObject): Promise<void> {
    const { store, registry, now } = this.#cluster;
    const name = namespace.metadata.name!;
    const collections = new Set(
      registry
        .all()
        .filter((resource) => resource.namespaced)
        .map((resource) => resource.collection),
    );
    const writes: Promise<unknown>[] = [];
    let left = 0;
    for (const collection of collections) {
      for (const { key } of Array.from(store.list(collection, { prefix: `${name}/` }))) {
        const object = store.latest(collection, key)?.object;
        if (!object) continue;
        if (!object.metadata.finalizers?.length) writes.push(store.delete(collection, key));
        else {
          left++;
          if (!object.metadata.deletionTimestamp)
            writes.push(store.put(collection, key, marked(object, timestamp(now()))));
        }
      }
    }
    await Promise.all(writes);
    const newest = store.latest(COLLECTION, name)?.object;
    if (left > 0 || !newest) return;
    const spec = isObject(newest['spec']) ? newest['spec'] : {};
    const finalizers = (Array.isArray(spec['finalizers']) ? spec['finalizers'] : []).filter(
      (item) => item !== 'kubernetes',
    );
    if (finalizers.length === 0 && !newest.metadata.finalizers?.length) await store.delete(COLLECTION, name);
    else if (Array.isArray(spec['finalizers']) && finalizers.length < spec['finalizers'].length) {
      await store.put(COLLECTION, name, { ...clone(newest), spec: finalizers.length > 0 ? { finalizers } : {} });
    }
  }
}

/** The object as a deletion leaves it while finalizers remain. */
export function marked(object: KubeObject, now: string): KubeObject {
  const copy = clone(object);
  copy.metadata.deletionTimestamp = now;
  copy.metadata.deletionGracePeriodSeconds = 0;
  if (copy.metadata.generation) copy.metadata.generation++;
  return copy;
}
