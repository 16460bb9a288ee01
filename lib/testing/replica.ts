// One replica of an operator as a process of its own, to be killed and paused: as leader it writes its name into every
// ConfigMap of a group, again and again.
//
//   node lib/testing/replica.ts --kubeconfig F --namespace N --group G --identity I --every-ms E [--lease-ms L]
//
// Without --lease-ms it has the product's own lease. Prints "ready" when its caches have synced and "leading" when it
// leads. Ends with 3 when it has lost the lease, and with 4 when its standard input ends: it does not outlive its test.
import { parseArgs } from 'node:util';
import { writeObject } from '../kube/apply.ts';
import { createClient } from '../kube/client.ts';
import { createLogger } from '../observe/logger.ts';
import { createController } from '../runtime/controller.ts';
import { createManager } from '../runtime/manager.ts';
import { done, requeue } from '../runtime/reconcile.ts';
import { watch } from '../runtime/source.ts';
import { configMaps } from './cluster.ts';

interface Settings {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Of its ConfigMaps (the label `replicas`), and the name of its Lease. */
  readonly group: string;
  readonly identity: string;
  readonly everyMs: number;
  readonly leaseMs: number | undefined;
}

function settings(): Settings {
  const text = { type: 'string' } as const;
  const options = {
    kubeconfig: text,
    namespace: text,
    group: text,
    identity: text,
    'every-ms': text,
    'lease-ms': text,
  };
  const { kubeconfig, namespace, group, identity, ...ms } = parseArgs({ options }).values;
  if (!kubeconfig || !namespace || !group || !identity || !ms['every-ms'])
    throw new Error('needed: --kubeconfig, --namespace, --group, --identity, --every-ms');
  const leaseMs = ms['lease-ms'] === undefined ? undefined : Number(ms['lease-ms']);
  return { kubeconfig, namespace, group, identity, everyMs: Number(ms['every-ms']), leaseMs };
}

/** A shorter lease with everything else in proportion. */
const shortened = (leaseMs: number) => ({ leaseMs, renewDeadlineMs: leaseMs * 0.75, retryMs: leaseMs / 6 });

async function main({ kubeconfig, namespace, group, identity, everyMs, leaseMs }: Settings): Promise<number> {
  const client = createClient({ kubeconfig, timeoutMs: leaseMs });
  const lease = leaseMs === undefined ? {} : shortened(leaseMs);
  const election = { name: group, namespace, identity, ...lease };
  const manager = createManager({ client, election, log: createLogger({ level: 'error' }) });
  const maps = manager.store(configMaps, { namespace, labelSelector: `replicas=${group}` });
  manager.add(
    createController({
      name: 'writer',
      // Its own writes wake it no sooner.
      watches: [watch(maps, { when: ({ type }) => type === 'added' })],
      async reconcile({ key }, signal) {
        const map = maps.get(key);
        if (!map) return done;
        const count = String(Number(map.data?.count ?? 0) + 1);
        await writeObject(manager.client, configMaps, map, { ...map, data: { by: identity, count } }, { signal });
        return requeue(everyMs);
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
  }, 50);
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

process.stdin.resume().once('end', () => process.exit(4));
process.exitCode = await main(settings());
process.stdin.destroy();
