// A cluster to test against: the embedded API server in a directory of its own, or the real one that KUBECONFIG_REAL names.
import { randomBytes } from 'node:crypto';
import { createClient, type KubeClient } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { tempDir } from './temp-dir.ts';

export interface TestCluster extends AsyncDisposable {
  readonly kubeconfig: string;
  readonly client: KubeClient;
  /** A namespace that nobody else uses. */
  readonly namespace: string;
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string> | undefined;
}
export const configMaps: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

export async function startCluster(real = process.env.KUBECONFIG_REAL): Promise<TestCluster> {
  await using stack = new AsyncDisposableStack();
  const kubeconfig = real ?? (await startEmbedded(stack));
  const client = createClient({ kubeconfig });
  stack.defer(() => client.close());
  const namespace = `test-${randomBytes(5).toString('hex')}`;
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  stack.defer(async () => {
    await client.delete(namespaces, { name: namespace });
  });
  const disposal = stack.move();
  return { kubeconfig, client, namespace, [Symbol.asyncDispose]: () => disposal.disposeAsync() };
}

async function startEmbedded(stack: AsyncDisposableStack): Promise<string> {
  const { startApiServer } = await import('../apiserver/server.ts');
  const dir = stack.use(await tempDir('cluster-'));
  const server = await startApiServer({ dir: dir.path });
  stack.defer(() => server.close());
  return server.kubeconfigPath;
}

/** A ConfigMap to create. */
export const configMap = (namespace: string, name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
