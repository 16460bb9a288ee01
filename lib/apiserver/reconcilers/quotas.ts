// The status of ResourceQuotas: the limits in force, and what of them is used.
import { at, clone, equal, isObject, type JsonObject } from '../json.ts';
import { recordFields } from '../rest/admit.ts';
import type { Cluster } from '../rest/call.ts';
import { countedAs, countLimits, QUOTAS } from '../rest/quota.ts';
import { KeyQueue } from './key-queue.ts';

const MANAGER = 'kube-controller-manager';

export class QuotaController {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;

  constructor(cluster: Cluster, log: (line: string) => void) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue((key) => this.#reconcile(key), log);
    this.#stop = cluster.store.watchAll(({ collection, key, next, previous }) => {
      if (collection === QUOTAS && next) this.#queue.add(key);
      if (next && previous) return;
      const namespace = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
      if (namespace) this.#addAll(`${namespace}/`);
    });
    this.#addAll('');
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#queue.close();
  }

  #addAll(prefix: string): void {
    for (const { key } of this.#cluster.store.list(QUOTAS, { prefix })) this.#queue.add(key);
  }

  async #reconcile(key: string): Promise<void> {
    const { store, registry, quotas } = this.#cluster;
    const quota = store.latest(QUOTAS, key)?.object;
    if (!quota || quota.metadata.deletionTimestamp) return;
    const limits = countLimits(quota);
    const namespace = key.slice(0, key.indexOf('/'));
    const used: JsonObject = {};
    for (const resource of registry.all().filter(({ namespaced }) => namespaced)) {
      for (const name of countedAs(resource)) {
        if (Object.hasOwn(limits, name)) used[name] = String(quotas.count(resource.collection, namespace));
      }
    }
    const hard = at(quota, ['spec', 'hard']);
    const status: JsonObject = { hard: isObject(hard) ? clone(hard) : {}, used };
    if (equal(quota['status'] ?? {}, status)) return;
    const changed = { ...clone(quota), status };
    const resource = registry.byCollection(QUOTAS)!;
    const booking = {
      resource,
      version: resource.storage,
      cluster: this.#cluster,
      request: { subresource: 'status' },
    };
    recordFields(booking, changed, quota, MANAGER);
    await store.put(QUOTAS, key, changed);
  }
}
