// test-deadline: 120
// Profiles: a Placement says which one, or its pool does; and a file that is changed under a running operator.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { DEVICES, PLACEMENTS } from '../../lib/api/resources.ts';
import { ensureNamespace, installDefinitions } from '../../lib/cli/manifests.ts';
import { events, type KubeEvent } from '../../lib/kube/events.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { fixed } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { API_VERSION, KIND, parseConfiguration } from '../../lib/scheduler/profiles.ts';
import { startCluster } from '../../lib/testing/cluster.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { aDevice } from '../claim/model/fixtures.ts';
import { startOperator } from '../operator.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const scheduled = ({ status }: Placement) => findCondition(status?.conditions, 'Scheduled');

/** Spreads where the default one fills. */
const SPARSE = {
  schedulerName: 'sparse',
  plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'LeastAllocated' }] } },
};

test('a Placement goes by its own profile, that of its pool, or the default one; where there is none it waits', async () => {
  const spec = (profile?: string, pool = 'default') => ({
    resources: { cpu: '2', memory: '1Gi' },
    pool,
    ...(profile !== undefined && { profile }),
  });
  const half = (name: string, device: string) => aHost(name, { status: { deviceName: device } });
  const api = world({
    hosts: [half('a', 'd1'), half('b', 'd1'), half('lab-a', 'd2'), half('lab-b', 'd2')],
    placements: [
      aPlacement('first', { spec: { ...spec(), priority: 9 } }),
      aPlacement('lab-first', { spec: { ...spec(undefined, 'lab'), priority: 9 } }),
    ],
  });
  api.create(DEVICES, aDevice('d1'));
  api.create(DEVICES, aDevice('d2', { spec: { pool: 'lab' } }));
  for (const [name, wanted] of Object.entries({
    filling: spec(),
    spreading: spec('sparse'),
    'lab-spreading': spec(undefined, 'lab'),
    'lab-filling': spec('default', 'lab'),
    unknown: spec('sparce'),
  }))
    api.create(PLACEMENTS, aPlacement(name, { spec: wanted }));
  const configured = fixed(
    parseConfiguration({
      apiVersion: API_VERSION,
      kind: KIND,
      profiles: [SPARSE],
      pools: [{ name: 'lab', schedulerName: 'sparse' }],
    }),
  );
  await runRounds(api, '2026-01-02T00:00:00Z', configured);
  const home = (name: string) => api.get(PLACEMENTS, inTeam(name)).status?.nodeName;
  assert.equal([home('first'), home('filling'), home('spreading')], ['a', 'a', 'b']);
  assert.equal([home('lab-first'), home('lab-filling'), home('lab-spreading')], ['lab-a', 'lab-a', 'lab-b']);
  const unknown = api.get(PLACEMENTS, inTeam('unknown'));
  assert.equal([unknown.status?.phase, scheduled(unknown)?.reason], ['Pending', 'ProfileNotFound']);
  assert.is(
    scheduled(unknown)?.message,
    "there is no profile sparce: the scheduler's configuration has default, devices, sparse",
  );
  assert.is(findCondition(unknown.status?.conditions, 'Stalled'), undefined);
});

test('an operator takes over a file that changes, and tells of one that is wrong', async () => {
  await using cluster = await startCluster();
  await using dir = await tempDir('bmp-profiles-');
  const { client, namespace } = cluster;
  const stop = new AbortController();
  if (!process.env.KUBECONFIG_REAL) await installDefinitions(client, AbortSignal.timeout(20_000));
  await ensureNamespace(client, OPERATOR_NAMESPACE, AbortSignal.timeout(20_000));
  const file = join(dir.path, 'scheduler.yaml');
  const operator = await startOperator(
    {
      client,
      log: createLogRecorder(),
      namespace: OPERATOR_NAMESPACE,
      election: false,
      provision: { host: '127.0.0.1', port: 0, bootPort: 0 },
      pace: 'simulated',
      schedulerConfig: file,
    },
    stop.signal,
  );
  try {
    const wanted = aPlacement('vm-1', { metadata: { namespace }, spec: { profile: 'sparse' } });
    const { metadata } = await client.create(PLACEMENTS, wanted);
    const reason = async () => scheduled(await client.get(PLACEMENTS, metadata))?.reason;
    await eventually(async () => (await reason()) === 'ProfileNotFound');

    const configuration = { apiVersion: API_VERSION, kind: KIND, profiles: [SPARSE] };
    await writeFile(file, JSON.stringify(configuration, null, 2));
    await eventually(async () => (await reason()) === 'Unschedulable');

    await writeFile(file, JSON.stringify({ ...configuration, profile: 'typo' }, null, 2));
    const told = async (): Promise<KubeEvent[]> => (await client.list(events, { namespace: OPERATOR_NAMESPACE })).items;
    await eventually(async () => (await told()).some((event) => event.reason === 'ConfigurationRefused'));
    const { message } = (await told()).find((event) => event.reason === 'ConfigurationRefused')!;
    assert.match(message, /scheduler\.yaml:\d+ configuration: profile: is not known/);
    const second = await client.create(PLACEMENTS, { ...wanted, metadata: { name: 'vm-2', namespace } });
    const isServed = async () => scheduled(await client.get(PLACEMENTS, second.metadata))?.reason === 'Unschedulable';
    await eventually(isServed);
  } finally {
    stop.abort();
    await operator.stopped;
  }
});

test.run();
