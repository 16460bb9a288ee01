// Two placement controllers at once on an API server, with caches, queues and events; on a real one where KUBECONFIG_REAL
// names it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { millicores } from '../../lib/api/quantity.ts';
import { INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { installDefinitions } from '../../lib/cli/manifests.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { entriesOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { startCluster } from '../../lib/testing/cluster.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { startScheduler } from './model/running.ts';

const HOSTS = 3;
/** Eight fit on each host. */
const FITTING = 8 * HOSTS;

/** Nobody holds more than there is, and every bound Placement is in its host's ledger and in no other. */
async function checkLedgers(client: KubeClient, namespace: string): Promise<void> {
  const hosts = (await client.list(INSTANCES, { namespace })).items;
  const placements = (await client.list(PLACEMENTS, { namespace })).items;
  for (const host of hosts) {
    const cpu = entriesOf(host).reduce((sum, entry) => sum + millicores(entry.cpu), 0);
    assert.ok(cpu <= 16_000, `${host.metadata.name} holds ${cpu}`);
  }
  for (const { metadata, status } of placements) {
    const homes = hosts.filter((host) => entriesOf(host).some(({ name }) => name === metadata.name));
    assert.equal(
      homes.map((host) => host.metadata.name),
      status?.phase === 'Bound' ? [status.nodeName] : [],
    );
  }
}

test('two schedulers fill the hosts and not more; what waits gets what becomes free; all leave no trace', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  if (!process.env.KUBECONFIG_REAL) await installDefinitions(client, AbortSignal.timeout(20_000));
  await using _one = startScheduler(client, namespace);
  await using _other = startScheduler(client, namespace);
  for (let index = 1; index <= HOSTS; index++) {
    const host = aHost(`web-${index}`, { metadata: { namespace } });
    await client.create(INSTANCES, host);
    await client.patchStatus(INSTANCES, host.metadata, { type: 'merge', body: { status: host.status } });
  }
  const create = (index: number) => client.create(PLACEMENTS, aPlacement(`vm-${index}`, { metadata: { namespace } }));
  await Promise.all(Array.from({ length: FITTING + 2 }, (_, index) => create(index)));

  const inPhase = async (phase: string): Promise<Placement[]> =>
    (await client.list(PLACEMENTS, { namespace })).items.filter(({ status }) => status?.phase === phase);
  const count = async (phase: string) => (await inPhase(phase)).length;
  await eventually(async () => (await count('Bound')) === FITTING && (await count('Unschedulable')) === 2);
  await eventually(() => checkLedgers(client, namespace).then(() => true));

  for (const { metadata } of (await inPhase('Bound')).slice(0, 2)) await client.delete(PLACEMENTS, metadata);
  await eventually(async () => (await count('Bound')) === FITTING && (await count('Unschedulable')) === 0);
  await eventually(() => checkLedgers(client, namespace).then(() => true));

  for (const { metadata } of (await client.list(PLACEMENTS, { namespace })).items)
    await client.delete(PLACEMENTS, metadata);
  await eventually(async () => (await client.list(PLACEMENTS, { namespace })).items.length === 0);
  await eventually(async () =>
    (await client.list(INSTANCES, { namespace })).items.every((host) => entriesOf(host).length === 0),
  );
});

test.run();
