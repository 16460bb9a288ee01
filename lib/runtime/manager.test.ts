// test-deadline: 240
// The whole way from the API server through caches, queues and reconciles back to it; on a real cluster where
// KUBECONFIG_REAL names one.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeObject } from '../kube/apply.ts';
import { isNotLeader } from '../kube/errors.ts';
import { leases } from '../kube/lease.ts';
import { createMetricsRegistry } from '../observe/metrics.ts';
import { type ConfigMap, configMap, configMaps, startCluster, type TestCluster } from '../testing/cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { createController } from './controller.ts';
import { createManager, type Manager, type ManagerOptions } from './manager.ts';
import { createRuntimeMetrics } from './metrics.ts';
import { done, type Reconciler } from './reconcile.ts';
import { watch } from './source.ts';

/** A manager with one controller over the ConfigMaps of the namespace. */
function operator(
  { client, namespace }: TestCluster,
  reconcile: (manager: Manager, map: ConfigMap | undefined, ...rest: Parameters<Reconciler>) => Promise<void>,
  options: Partial<ManagerOptions> = {},
) {
  const log = createLogRecorder();
  const manager = createManager({ client, log, ...options });
  const maps = manager.store(configMaps, { namespace, labelSelector: 'kube!=root' });
  const own = manager.store(configMaps, { namespace });
  manager.add(
    createController({
      name: 'maps',
      watches: [watch(own)],
      async reconcile(request, signal) {
        await reconcile(manager, own.get(request.key), request, signal);
        return done;
      },
    }),
  );
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  // Looked at below, at the end; until then a rejection must not end the process.
  ended.catch((error: unknown) => log.warn({ err: error }, 'manager ended'));
  return { manager, maps, own, log, stop: () => stop.abort(), ended };
}

const counted = (map: ConfigMap) => Number(map.data?.count ?? '0');
const plusOne = (map: ConfigMap): ConfigMap => ({ ...map, data: { ...map.data, count: String(counted(map) + 1) } });

test('an object is never looked at before the cache shows the last own write', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  const seen: number[] = [];
  const world = operator(cluster, async (manager, map, { name }) => {
    if (!map || name !== 'a') return;
    seen.push(counted(map));
    if (counted(map) < 20) await writeObject(manager.client, configMaps, map, plusOne(map));
  });
  await client.create(configMaps, configMap(namespace, 'a'));
  await eventually(() => seen.includes(20));
  world.stop();
  await world.ended;
  assert.equal(
    [...new Set(seen)],
    Array.from({ length: 21 }, (_, i) => i),
  );
  assert.equal(
    world.log.lines.filter(({ message }) => message.startsWith('reconcile')),
    [],
  );
});

test('what was there before, what comes, changes and goes is looked at', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  await client.create(configMaps, configMap(namespace, 'before'));
  const seen: string[] = [];
  const world = operator(cluster, async (_manager, map, { name }) => {
    seen.push(`${name}=${map?.data?.x ?? (map ? 'there' : 'gone')}`);
  });
  await eventually(() => seen.includes('before=there'));
  const created = await client.create(configMaps, configMap(namespace, 'comes'));
  await eventually(() => seen.includes('comes=there'));
  await client.update(configMaps, { ...created, data: { x: 'changed' } });
  await eventually(() => seen.includes('comes=changed'));
  await client.delete(configMaps, created.metadata);
  await eventually(() => seen.includes('comes=gone'));
  world.stop();
  await world.ended;
});

test('of two, one acts; when it stops the other takes over at once, from warm caches', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  const acts: string[] = [];
  const replica = (identity: string) =>
    operator(
      cluster,
      async (manager, map) => {
        if (!map || map.data?.by === identity || map.metadata.name === 'kube-root-ca.crt') return;
        await writeObject(manager.client, configMaps, map, { ...map, data: { by: identity } });
        acts.push(identity);
      },
      { election: { name: 'operator', namespace, identity } },
    );
  const a = replica('a');
  await eventually(() => a.manager.isLeader());
  const b = replica('b');
  await client.create(configMaps, configMap(namespace, 'one'));
  await eventually(() => acts.length === 1);
  await eventually(() => b.manager.ready());
  const refused: unknown = await b.manager.client.delete(configMaps, { namespace, name: 'one' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isNotLeader(refused));
  a.stop();
  await a.ended;
  await eventually(() => acts.includes('b'));
  assert.equal(acts, ['a', 'b']);
  b.stop();
  await b.ended;
});

test('who loses the lease ends with an error, and writes no more', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  const world = operator(cluster, async () => undefined, { election: { name: 'operator', namespace, identity: 'a' } });
  await eventually(() => world.manager.isLeader());
  await client.patch(
    leases,
    { name: 'operator', namespace },
    { type: 'merge', body: { spec: { holderIdentity: 'usurper' } } },
  );
  const error: unknown = await world.ended.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match(String(error), /leadership lost: usurper holds it now/);
  assert.not.ok(world.manager.isLeader());
  assert.not.ok(world.manager.healthy());
  assert.is((await client.get(leases, { name: 'operator', namespace })).spec!.holderIdentity, 'usurper');
});

test('a stop does not wait for ever for a reconcile that ignores its signal', async () => {
  await using cluster = await startCluster();
  await cluster.client.create(configMaps, configMap(cluster.namespace, 'a'));
  const started = Promise.withResolvers<void>();
  const world = operator(
    cluster,
    async () => {
      started.resolve();
      await new Promise(() => undefined);
    },
    { stopMs: 50 },
  );
  await started.promise;
  world.stop();
  await world.ended;
  assert.ok(world.log.lines.some(({ message }) => message.startsWith('stopping without waiting')));
});

test('metrics tell of queues, reconciles, caches and calls', async () => {
  await using cluster = await startCluster();
  const registry = createMetricsRegistry();
  const metrics = createRuntimeMetrics(registry);
  await cluster.client.create(configMaps, configMap(cluster.namespace, 'a'));
  let looked = false;
  const world = operator(
    cluster,
    async (_manager, map) => {
      looked ||= map?.metadata.name === 'a';
    },
    {
      observer: (name) => metrics.controller(name),
      reflectorObserver: (resource) => metrics.reflector(resource),
    },
  );
  metrics.watch(world.manager);
  await eventually(() => looked);
  await eventually(async () =>
    /^controller_runtime_reconcile_total\{controller="maps",result="done"\} [1-9]/m.test(await registry.metrics()),
  );
  const text = await registry.metrics();
  world.stop();
  await world.ended;
  assert.match(text, /^workqueue_depth\{name="maps"\} 0$/m);
  assert.match(text, /^workqueue_work_duration_seconds_count\{name="maps"\} [1-9]/m);
  assert.match(text, /^workqueue_longest_running_processor_seconds\{name="maps"\} 0$/m);
  assert.match(text, /^reflector_lists_total\{name="configmaps"\} [1-9]/m);
  assert.match(text, /^reflector_watches_total\{name="configmaps"\} [1-9]/m);
  assert.match(text, /^reflector_received_bytes_total\{name="configmaps"\} [1-9]\d\d/m);
  assert.match(text, /^reflector_last_event_age_seconds\{name="configmaps"\} \d/m);
  assert.match(text, /^cache_objects\{resource="configmaps"\} [1-9]/m);
  assert.match(text, /^leader_election_master_status 1$/m);
});

test.run();
