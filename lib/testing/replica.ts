// One replica of an operator as a process of its own, to be killed and paused: as leader it writes its name into every
// ConfigMap of a namespace, again and again.
//
//   node lib/testing/replica.ts KUBECONFIG NAMESPACE IDENTITY LEASE_MS
//
// Prints "ready" when its caches have synced and "leading" when it leads. Ends with 3 when it has lost the lease.
import { writeObject } from '../kube/apply.ts';
import { createClient } from '../kube/client.ts';
import { createLogger } from '../observe/logger.ts';
import { createController } from '../runtime/controller.ts';
import { createManager } from '../runtime/manager.ts';
import { requeue } from '../runtime/reconcile.ts';
import { watch } from '../runtime/source.ts';
import { configMaps } from './cluster.ts';

async function main([kubeconfig, namespace, identity, lease]: string[]): Promise<number> {
  if (!kubeconfig || !namespace || !identity || !lease)
    throw new Error('usage: replica.ts KUBECONFIG NAMESPACE IDENTITY LEASE_MS');
  const leaseMs = Number(lease);
  const client = createClient({ kubeconfig, timeoutMs: leaseMs });
  const election = {
    name: 'replicas',
    namespace,
    identity,
    leaseMs,
    renewDeadlineMs: leaseMs * (2 / 3),
    retryMs: leaseMs / 8,
  };
  const manager = createManager({ client, election, log: createLogger({ level: 'error' }) });
  const maps = manager.store(configMaps, { namespace, labelSelector: 'replicas=write' });
  manager.add(
    createController({
      name: 'writer',
      watches: [watch(maps)],
      async reconcile({ key }, signal) {
        const map = maps.get(key);
        if (!map) return requeue(1_000);
        const count = String(Number(map.data?.count ?? 0) + 1);
        await writeObject(manager.client, configMaps, map, { ...map, data: { by: identity, count } }, { signal });
        return requeue(5);
      },
    }),
  );
  const milestones = [
    { name: 'ready', reached: () => manager.ready() },
    { name: 'leading', reached: () => manager.isLeader() },
  ];
  const watching = setInterval(() => {
    for (const milestone of milestones.filter(({ reached }) => reached())) {
      milestones.splice(milestones.indexOf(milestone), 1);
      console.log(milestone.name);
    }
  }, 10);
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  try {
    await manager.run(stop.signal);
    return 0;
  } catch (error) {
    console.error(String(error));
    return 3;
  } finally {
    clearInterval(watching);
    await client.close();
  }
}

process.exitCode = await main(process.argv.slice(2));
