// test-deadline: 120
// Sources of nodes: what they list becomes Hosts, and what they fail to say changes nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../../lib/api/generated.ts';
import { API_VERSION, HOSTS, PLACEMENTS } from '../../lib/api/resources.ts';
import { installDefinitions } from '../../lib/cli/manifests.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import type { Manager } from '../../lib/runtime/manager.ts';
import { startCluster } from '../../lib/testing/cluster.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { startScheduler } from '../placement/model/running.ts';
import { createNodesController, KEY } from './controller.ts';
import { type CoreNode, coreNodes, hostOfNode, NODES } from './core.ts';
import { httpNodes, readNodes } from './http.ts';
import type { NodeSource } from './source.ts';

const virtflowNode = (name: string, changes: object = {}) => ({
  name,
  ip: '10.0.0.1',
  cpu: 16,
  memory: 32768,
  storage: 1000,
  usage_cpu: 0.3,
  usage_mem: 0.4,
  pool: 'default',
  dedicated: false,
  model: 'HPE ProLiant DL360 Gen10',
  max_vms: 20,
  current_vms: 5,
  ...changes,
});

test('a node of the API becomes a Host; one that makes no sense is told of, and an answer that makes none is refused', () => {
  const { nodes, unreadable } = readNodes(
    JSON.stringify([virtflowNode('bm01'), virtflowNode('bm02', { cpu: -1 }), virtflowNode('bm03', { pool: 7 })]),
  );
  assert.equal(nodes[0]?.spec, {
    pool: 'default',
    dedicated: false,
    resources: { cpu: '16', memory: '32768Mi', storage: '1000G' },
    maxPlacements: 20,
    address: '10.0.0.1',
  });
  assert.equal([...unreadable.keys()], ['bm02', 'bm03']);
  for (const body of [
    '',
    '{}',
    '[1]',
    '[{"name":"Not A Name"}]',
    JSON.stringify([virtflowNode('a'), virtflowNode('a')]),
  ])
    assert.throws(
      () => readNodes(body),
      (error: Error) => error.name === 'SourceError',
      body,
    );
});

const coreNode = (name: string, ready = 'True'): CoreNode => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'bmp.dev/pool': 'lab', 'topology.kubernetes.io/zone': 'z1', disk: 'nvme' } },
  spec: { unschedulable: false, taints: [{ key: 'vms', effect: 'NoSchedule' }] },
  status: {
    allocatable: {
      cpu: '3920m',
      memory: '15Gi',
      pods: '110',
      'nvidia.com/gpu': '2',
      'ephemeral-storage': '40Gi',
      'hugepages-1Gi': '0',
    },
    addresses: [{ type: 'InternalIP', address: '10.1.0.7' }],
    conditions: [{ type: 'Ready', status: ready, message: 'kubelet is posting ready status' }],
  },
});

test('a core node becomes a Host with its place, taints and every resource that is not for pods alone', () => {
  const { spec, labels, ready } = hostOfNode(coreNode('n1'));
  assert.equal(spec, {
    pool: 'lab',
    zone: 'z1',
    address: '10.1.0.7',
    resources: { cpu: '3920m', memory: '15Gi', storage: '40Gi', 'nvidia.com/gpu': '2' },
    maxPlacements: 110,
    dedicated: false,
    unschedulable: false,
    taints: [{ key: 'vms', effect: 'NoSchedule' }],
  });
  assert.equal(
    [labels['disk'], ready.status, hostOfNode(coreNode('n1', 'Unknown')).ready.status],
    ['nvme', 'True', 'False'],
  );
});

const start = (
  client: KubeClient,
  namespace: string,
  sourceOf: (manager: Pick<Manager, 'store'>) => NodeSource,
): AsyncDisposable =>
  startScheduler(client, namespace, (manager, log) => [
    createNodesController({
      client: manager.client,
      hosts: manager.store(HOSTS),
      source: sourceOf(manager),
      namespace,
      log,
      clock: systemClock,
    }),
  ]);

const conditionOf = ({ status }: Host, type: string) => findCondition(status?.conditions, type);

test('a node API that goes away, or answers nonsense, keeps its nodes: they are used on, and say so', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  if (!process.env.KUBECONFIG_REAL) await installDefinitions(client, AbortSignal.timeout(20_000));
  let answer: { status: number; body: string } = {
    status: 200,
    body: JSON.stringify([virtflowNode('bm01'), virtflowNode('bm02')]),
  };
  const api = createServer((_request, response) => response.writeHead(answer.status).end(answer.body));
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  try {
    await using _running = start(client, namespace, () =>
      httpNodes(`http://127.0.0.1:${(api.address() as AddressInfo).port}/nodes`, 100),
    );
    const hosts = async () => (await client.list(HOSTS, { namespace })).items;
    const host = async (name: string) => (await hosts()).find(({ metadata }) => metadata.name === name);
    const place = async (name: string, cpu: string) => {
      const spec = { resources: { cpu, memory: '1Gi' } };
      await client.create(PLACEMENTS, {
        apiVersion: API_VERSION,
        kind: 'Placement',
        metadata: { name, namespace },
        spec,
      });
      await eventually(async () => (await client.get(PLACEMENTS, { name, namespace })).status?.phase === 'Bound');
      return (await client.get(PLACEMENTS, { name, namespace })).status!;
    };
    const { nodeName = '', nodeKind, address } = await place('vm-1', '16');
    assert.equal([nodeKind, address], ['Host', '10.0.0.1']);
    const other = nodeName === 'bm01' ? 'bm02' : 'bm01';
    const areReady = async () => (await hosts()).every((each) => conditionOf(each, 'Ready')?.status === 'True');
    await eventually(async () => (await hosts()).length === 2 && (await areReady()));

    for (const [broken, told] of [
      [{ status: 503, body: 'no' }, 'the node API answered 503: goes by what was known last'],
      [{ status: 200, body: '{"nodes": []}' }, 'the answer is no list of nodes: goes by what was known last'],
    ] as const) {
      answer = broken;
      await eventually(async () => (await hosts()).every((each) => conditionOf(each, 'Synced')?.message === told));
      assert.ok(await areReady());
    }
    assert.is((await place('vm-2', '16')).nodeName, other, 'what was known last is used on');

    // It answers again, and lists one of them no longer, on which there is a VM.
    answer = { status: 200, body: JSON.stringify([virtflowNode(other)]) };
    await eventually(async () => conditionOf((await host(nodeName))!, 'Ready')?.reason === 'NotListed');
    assert.is((await client.get(PLACEMENTS, { name: 'vm-1', namespace })).status?.phase, 'Bound');
    await client.delete(PLACEMENTS, { name: 'vm-1', namespace });
    await eventually(async () => (await host(nodeName)) === undefined);
    assert.is(conditionOf((await host(other))!, 'Synced')?.status, 'True');
    await client.delete(PLACEMENTS, { name: 'vm-2', namespace });
    await eventually(async () => (await client.list(PLACEMENTS, { namespace })).items.length === 0);
  } finally {
    api.closeAllConnections();
    api.close();
  }
});

test("the cluster's own nodes take Placements, follow what becomes of them, and people's own Hosts are left alone", async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  if (!process.env.KUBECONFIG_REAL) await installDefinitions(client, AbortSignal.timeout(20_000));
  const name = `node-${namespace}`;
  const own: Host = {
    apiVersion: API_VERSION,
    kind: 'Host',
    metadata: { name: 'own', namespace },
    spec: { resources: { cpu: '1', memory: '1Gi' }, pool: 'mine' },
  };
  await client.create(HOSTS, own);
  const { status, ...node } = coreNode(name);
  await client.create(NODES, node);
  await client.patchStatus(NODES, { name }, { type: 'merge', body: { status } });
  await using _running = start(client, namespace, (manager) => coreNodes(manager.store(NODES), KEY));
  const host = () => client.get(HOSTS, { name, namespace });
  const spec = {
    resources: { cpu: '3', memory: '1Gi', 'nvidia.com/gpu': 1 },
    pool: 'lab',
    tolerations: [{ key: 'vms' }],
  };
  await client.create(PLACEMENTS, {
    apiVersion: API_VERSION,
    kind: 'Placement',
    metadata: { name: 'vm-1', namespace },
    spec,
  });
  await eventually(async () => (await client.get(PLACEMENTS, { name: 'vm-1', namespace })).status?.phase === 'Bound');
  assert.equal((await host()).status?.allocated?.others, { 'nvidia.com/gpu': '1' });
  await client.patch(NODES, { name }, { type: 'merge', body: { spec: { unschedulable: true } } });
  await eventually(async () => (await host()).spec.unschedulable === true);
  await client.delete(NODES, { name });
  await eventually(async () => conditionOf(await host(), 'Ready')?.reason === 'NotListed');
  await client.delete(PLACEMENTS, { name: 'vm-1', namespace });
  const names = async () => (await client.list(HOSTS, { namespace })).items.map(({ metadata }) => metadata.name);
  await eventually(async () => (await names()).join() === 'own');
});

test.run();
