// test-deadline: 120
// The example against the embedded API server: what fits is bound, what exceeds the quota says so in the README's words.
import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createPlacementController } from '../../controllers/placement/controller.ts';
import { aHost } from '../../controllers/placement/model/fixtures.ts';
import type { Placement } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createMissing, installDefinitions } from '../../lib/cli/manifests.ts';
import { createClient } from '../../lib/kube/client.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { createManager } from '../../lib/runtime/manager.ts';
import { fixed, readConfiguration } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const objects = (name: string) => loadAll(read(name)) as KubeObject[];
const namespace = 'team-a';

test('quota, profiles and other resources do what the README says', async () => {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('bmp-example-'));
  const api = stack.adopt(await startApiServer({ dir: dir.path }), (server) => server.close());
  const client = stack.adopt(createClient({ kubeconfig: api.kubeconfigPath }), (each) => each.close());
  await installDefinitions(client, AbortSignal.timeout(20_000));
  const log = createLogRecorder();
  const manager = createManager({ client, log });
  const events = createEventRecorder({ client: manager.client, component: 'test', log, clock: systemClock });
  const configured = fixed(readConfiguration(read('scheduler.yaml'), 'scheduler.yaml'));
  manager.add(createPlacementController({ manager, events, log, clock: systemClock, configured }));
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  try {
    await createMissing(client, objects('capacityquota.yaml'));
    const gpus = { overcommit: { cpu: 10 }, maxPlacements: 2, resources: { gpu: 4 } };
    for (const name of ['web-1', 'web-2']) {
      const host = aHost(name, {
        metadata: { namespace, labels: { disk: name === 'web-2' ? 'nvme' : 'hdd' } },
        vmHost: gpus,
      });
      await client.create(INSTANCES, host);
      const status = { ...host.status, capacity: { cpu: '16', memory: '128Gi' } };
      await client.patchStatus(INSTANCES, host.metadata, { type: 'merge', body: { status } });
    }
    const placement = (name: string): Promise<Placement> => client.get(PLACEMENTS, { namespace, name });
    const messageOf = async (name: string) =>
      findCondition((await placement(name)).status?.conditions, 'Scheduled')?.message;
    const [first, second, third] = objects('placements.yaml') as [Placement, Placement, Placement];
    for (const { metadata, ...wanted } of [first, second, third]) {
      await client.create(PLACEMENTS, { ...wanted, metadata: { ...metadata, namespace } } as Placement);
      await eventually(async () => (await messageOf(metadata.name)) !== undefined);
    }
    await eventually(async () => (await placement('training-1')).status?.nodeName === 'web-2');
    assert.is(
      await messageOf('training-2'),
      'exceeded quota: team-a, requested: cpu=96, used: cpu=100, limited: cpu=100',
    );
    const summary = async () => (await client.get(CAPACITY_QUOTAS, { namespace, name: 'team-a' })).status?.summary;
    await eventually(
      async () =>
        (await summary()) ===
        'cpu: 100/100, devices: 0/4, devices.gp.large: 0/1, gpu: 1/2, memory: 72Gi/200Gi, placements: 2/50',
    );
    await client.delete(PLACEMENTS, second.metadata);
    await eventually(async () => (await placement('training-2')).status?.phase === 'Bound');
    await client.delete(PLACEMENTS, third.metadata);
    const [evening, training] = objects('reservation.yaml') as [Placement, Placement];
    await client.create(PLACEMENTS, evening);
    await eventually(async () => (await placement('evening')).status?.phase === 'Reserved');
    await client.create(PLACEMENTS, training);
    await eventually(async () => (await placement('training-3')).status?.phase === 'Bound');
    const [held, taken] = [await placement('evening'), await placement('training-3')];
    assert.equal([held.status?.phase, held.status?.redeemedBy?.name], ['Redeemed', 'training-3']);
    assert.is(taken.status?.nodeName, held.status?.nodeName);
    await eventually(async () => (await summary())?.startsWith('cpu: 36/100, ') === true);
    for (const spec of [{ from: 'another' }, { reservation: true }]) {
      const answer = client.patch(PLACEMENTS, training.metadata, { type: 'merge', body: { spec } });
      const refusal = await answer.then(String, String);
      assert.match(refusal, 'cannot change: delete the placement and make another');
    }
  } finally {
    stop.abort();
    await ended;
  }
});

test.run();
