// What every cluster has from the start: the namespaces that clients expect to be there.
import { randomUUID } from 'node:crypto';
import { timestamp } from './json.ts';
import type { Cluster } from './rest/call.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Creates what is missing. */
export async function bootstrap({ store, now }: Cluster): Promise<void> {
  await Promise.all(
    NAMESPACES.filter((name) => !store.latest('namespaces', name)).map((name) =>
      store.put('namespaces', name, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name,
          uid: randomUUID(),
          creationTimestamp: timestamp(now()),
          labels: { 'kubernetes.io/metadata.name': name },
        },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      }),
    ),
  );
}
