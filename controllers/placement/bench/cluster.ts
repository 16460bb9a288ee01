// The cluster that a benchmark runs on: one that is there, or an embedded one, made for it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NAMESPACES } from '../../../lib/api/resources.ts';
import { readAccess } from '../../../lib/apiserver/bench/load.ts';
import { processesOf } from '../../../lib/apiserver/bench/processes.ts';
import { ensureNamespace, installDefinitions } from '../../../lib/cli/manifests.ts';
import { createClient, type KubeClient } from '../../../lib/kube/client.ts';
import { tempDir } from '../../../lib/testing/temp-dir.ts';

export interface Cluster {
  /** Nobody else's. */
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly client: KubeClient;
  readonly serverPids: readonly number[];
}

/** `given` is the kubeconfig of one that is there. What is made for the benchmark goes with the stack. */
export async function openCluster(stack: AsyncDisposableStack, given: string | undefined): Promise<Cluster> {
  const kubeconfig = given ?? (await embedded(stack));
  const client = createClient({ kubeconfig });
  stack.defer(() => client.close());
  await installDefinitions(client, AbortSignal.timeout(60_000));
  const namespace = `bench-${randomBytes(4).toString('hex')}`;
  await ensureNamespace(client, namespace);
  stack.defer(() => client.delete(NAMESPACES, { name: namespace }));
  const serverPids = await processesOf(kubeconfig, readAccess(kubeconfig).port);
  return { namespace, kubeconfig, client, serverPids };
}

async function embedded(stack: AsyncDisposableStack): Promise<string> {
  const dir = stack.use(await tempDir('bench-scheduler-'));
  const main = fileURLToPath(new URL('../../../lib/apiserver/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, dir.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await once(child.stdout, 'data');
  return join(dir.path, 'kubeconfig');
}
