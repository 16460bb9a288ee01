// What every active namespace has: its default service account, and the certificate by which programs trust this server.
import { randomUUID } from 'node:crypto';
import { clone, equal, type KubeObject, timestamp } from '../json.ts';
import type { Cluster } from '../rest/call.ts';
import { KeyQueue } from './key-queue.ts';

const ACCOUNTS = 'serviceaccounts';
const MAPS = 'configmaps';
const ROOT = 'kube-root-ca.crt';

export class NamespaceContentsController {
  readonly #cluster: Cluster;
  readonly #certificate: string;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;

  /** @param certificate the authority's, in PEM */
  constructor(cluster: Cluster, log: (line: string) => void, certificate: string) {
    this.#cluster = cluster;
    this.#certificate = certificate;
    this.#queue = new KeyQueue((name) => this.#reconcile(name), log);
    this.#stop = cluster.store.watchAll(({ collection, key }) => {
      if (collection === 'namespaces') this.#queue.add(key);
      const [namespace = '', name] = key.split('/');
      const ours = (collection === ACCOUNTS && name === 'default') || (collection === MAPS && name === ROOT);
      if (ours) this.#queue.add(namespace);
    });
    for (const { key } of cluster.store.list('namespaces', { prefix: '' })) this.#queue.add(key);
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#queue.close();
  }

  async #reconcile(namespace: string): Promise<void> {
    const found = this.#cluster.store.latest('namespaces', namespace)?.object;
    if (!found || found.metadata.deletionTimestamp) return;
    await this.#keep(ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } });
    const annotations = {
      'kubernetes.io/description':
        'The certificate of the authority that signed the API server’s own. Programs in the namespace trust it.',
    };
    await this.#keep(MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: ROOT, namespace, annotations },
      data: { 'ca.crt': this.#certificate },
    });
  }

  /** Creates the object, or puts its data right. */
  async #keep(collection: string, wanted: KubeObject): Promise<void> {
    const { store, now } = this.#cluster;
    const key = `${wanted.metadata.namespace}/${wanted.metadata.name}`;
    const live = store.latest(collection, key)?.object;
    if (!live) {
      const metadata = { ...wanted.metadata, uid: randomUUID(), creationTimestamp: timestamp(now()) };
      await store.put(collection, key, { ...wanted, metadata });
    } else if (wanted['data'] && !equal(live['data'], wanted['data'])) {
      await store.put(collection, key, { ...clone(live), data: wanted['data'] });
    }
  }
}
