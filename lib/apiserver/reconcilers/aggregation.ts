// ClusterRoles with an aggregationRule: their rules are those of the roles that the rule selects.
import { clone, equal, isObject, type Json, type KubeObject } from '../json.ts';
import type { Cluster } from '../rest/call.ts';
import { matchesSelector } from '../selectors/selector.ts';
import { KeyQueue } from './key-queue.ts';

const COLLECTION = 'clusterroles.rbac.authorization.k8s.io';

export class AggregationController {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;

  constructor(cluster: Cluster, log: (line: string) => void) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue((name) => this.#reconcile(name), log);
    this.#stop = cluster.store.watch(COLLECTION, () => this.#addAll());
    this.#addAll();
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#queue.close();
  }

  /** Any role may be part of any other. */
  #addAll(): void {
    for (const { key, object } of this.#cluster.store.list(COLLECTION, { prefix: '' })) {
      if (isObject(object['aggregationRule'])) this.#queue.add(key);
    }
  }

  async #reconcile(name: string): Promise<void> {
    const { store } = this.#cluster;
    const role = store.latest(COLLECTION, name)?.object;
    const aggregation = role?.['aggregationRule'];
    if (!role || !isObject(aggregation)) return;
    const selectors = Array.isArray(aggregation['clusterRoleSelectors']) ? aggregation['clusterRoleSelectors'] : [];
    const rules = Array.from(store.list(COLLECTION, { prefix: '' }))
      .filter(({ key, object }) => key !== name && selectors.some((selector) => selects(selector, object)))
      .flatMap(({ object }) => (Array.isArray(object['rules']) ? object['rules'] : []));
    const unique = rules.filter((rule, index) => rules.findIndex((other) => equal(other, rule)) === index);
    if (!equal(role['rules'] ?? [], unique))
      await store.put(COLLECTION, name, { ...clone(role), rules: clone(unique) });
  }
}

function selects(selector: Json, role: KubeObject): boolean {
  return isObject(selector) && matchesSelector(selector, role.metadata.labels ?? {});
}
