// What the benchmark works on: ConfigMaps of a device's size, so that any cluster will do, in a namespace of their own.
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/resource.ts';

export interface Item extends KubeObject {
  data?: Record<string, string> | undefined;
}
export const items: Resource<Item> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

/** Only what was filled in, whatever else the cluster puts into a namespace. */
export const SELECTOR = 'bench=item';
const CREATORS = 32;

const item = (namespace: string, index: number): Item => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `item-${String(index).padStart(6, '0')}`, namespace, labels: { bench: 'item' } },
  // About the JSON of a Device with its status: 1.5 KB.
  data: Object.fromEntries(
    Array.from({ length: 20 }, (_, field) => [`field-${field}`, `value ${index} ${'x'.repeat(45)}`]),
  ),
});

/** Makes the namespace and `count` items in it. */
export async function fill(client: KubeClient, namespace: string, count: number): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  let next = 0;
  const creator = async () => {
    while (next < count) await client.create(items, item(namespace, next++));
  };
  await Promise.all(Array.from({ length: CREATORS }, creator));
}

/** Deletes all of it; the namespace goes when the cluster has emptied it. */
export async function empty(client: KubeClient, namespace: string): Promise<void> {
  await client.delete(namespaces, { name: namespace }, { propagationPolicy: 'Background' });
}
