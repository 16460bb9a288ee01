// Hosts that somebody else runs: places on them are committed as on Instances, and neither is taken for the other.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../../lib/api/generated.ts';
import { API_VERSION, HOSTS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const foreign = (name: string, spec: Partial<Host['spec']> = {}): Host => ({
  apiVersion: API_VERSION,
  kind: 'Host',
  metadata: { ...inTeam(name), generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { resources: { cpu: '4', memory: '64Gi' }, address: '198.51.100.7', ...spec },
});
const wants = (name: string, cpu: string) => aPlacement(name, { spec: { resources: { cpu, memory: '1Gi' } } });
const statusOf = (api: ModelApi, name: string) => api.get(PLACEMENTS, inTeam(name)).status ?? {};
const listed = (api: ModelApi, name: string) =>
  api.get(HOSTS, inTeam(name)).status?.allocated?.claims?.map((claim) => claim.name) ?? [];

test('a place on a Host is entered in its ledger, marked with its kind and address, and given back', async () => {
  const api = world({ placements: [wants('a', '3'), wants('b', '2')] });
  api.create(HOSTS, foreign('bm01'));
  await runRounds(api);
  const { phase, nodeName, nodeKind, address, deviceName } = statusOf(api, 'a');
  assert.equal([phase, nodeName, nodeKind, address, deviceName], ['Bound', 'bm01', 'Host', '198.51.100.7', undefined]);
  assert.equal(listed(api, 'bm01'), ['a']);
  const waiting = findCondition(statusOf(api, 'b').conditions, 'Scheduled');
  assert.is(waiting?.message, '0/1 nodes fit: 1 too little cpu');
  api.delete(PLACEMENTS, inTeam('a'));
  await runRounds(api);
  assert.equal([listed(api, 'bm01'), statusOf(api, 'b').nodeName], [['b'], 'bm01']);
});

test('an Instance of the same name is another host', async () => {
  const api = world({ hosts: [aHost('bm01')], placements: [wants('a', '16')] });
  api.create(HOSTS, foreign('bm01'));
  await runRounds(api);
  assert.equal([statusOf(api, 'a').nodeName, statusOf(api, 'a').nodeKind], ['bm01', undefined]);
  api.create(PLACEMENTS, wants('b', '4'));
  await runRounds(api);
  assert.equal([statusOf(api, 'b').nodeName, statusOf(api, 'b').nodeKind], ['bm01', 'Host']);
  api.delete(INSTANCES, inTeam('bm01'));
  await runRounds(api, '2026-01-03T00:00:00Z');
  assert.equal(
    [statusOf(api, 'a').phase, statusOf(api, 'b').phase, listed(api, 'bm01')],
    ['Unschedulable', 'Bound', ['b']],
  );
  api.delete(HOSTS, inTeam('bm01'));
  await runRounds(api, '2026-01-04T00:00:00Z');
  assert.is(statusOf(api, 'b').phase, 'Unschedulable');
});

test('a Host that is cordoned, or that its source says is not ready, takes nothing new', async () => {
  const api = world({ placements: [wants('a', '1')] });
  api.create(HOSTS, foreign('cordoned', { unschedulable: true }));
  api.create(HOSTS, foreign('silent'));
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: 'NodeNotReady',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  api.patch(HOSTS, inTeam('silent'), { status: { conditions: [ready] } }, 'status');
  await runRounds(api);
  assert.is(
    findCondition(statusOf(api, 'a').conditions, 'Scheduled')?.message,
    '0/2 nodes fit: 1 cordoned, 1 not ready',
  );
});

test.run();
