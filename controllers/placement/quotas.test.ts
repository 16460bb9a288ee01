// CapacityQuotas: what counts, who waits for room, and that nothing is counted twice or for ever.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CAPACITY_QUOTAS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aQuota } from '../claim/model/fixtures.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { ModelScheduler } from './model/scheduler.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const vm = (name: string, cpu: string, priority = 0) =>
  aPlacement(name, { spec: { resources: { cpu, memory: '1Gi' }, priority } });
const bound = (api: ModelApi) =>
  api
    .all(PLACEMENTS)
    .filter(({ status }) => status?.phase === 'Bound')
    .map(({ metadata }) => metadata.name)
    .sort();
const quota = (api: ModelApi, name = 'small') => api.get(CAPACITY_QUOTAS, inTeam(name)).status ?? {};
const counted = (api: ModelApi) => (quota(api).claims ?? []).map(({ name }) => name).sort();
const statusOf = (api: ModelApi, name: string) => api.get(PLACEMENTS, inTeam(name)).status ?? {};
const scheduled = (api: ModelApi, name: string) => findCondition(statusOf(api, name).conditions, 'Scheduled');

test('what exceeds a quota waits, says so as a ResourceQuota does, and is served when room appears', async () => {
  const api = world({
    hosts: [aHost('web-1')],
    placements: [vm('a', '4', 1), vm('b', '4'), vm('c', '1')],
    quotas: [aQuota('small', { cpu: '6', memory: '100Gi' })],
  });
  const events = await runRounds(api);
  assert.equal(bound(api), ['a', 'c']);
  const { phase } = statusOf(api, 'b');
  const { status, reason, message } = scheduled(api, 'b')!;
  assert.equal([phase, status, reason], ['Pending', 'False', 'QuotaExceeded']);
  assert.is(message, 'exceeded quota: small, requested: cpu=4, used: cpu=4, limited: cpu=6');
  assert.equal(
    events.filter(({ name }) => name === 'b').map(({ note }) => note),
    [message],
  );
  assert.equal(quota(api).used, { cpu: '5', memory: '2Gi' });
  assert.is(quota(api).summary, 'cpu: 5/6, memory: 2Gi/100Gi');
  api.delete(PLACEMENTS, inTeam('a'));
  await runRounds(api);
  assert.equal([bound(api), counted(api), quota(api).used], [['b', 'c'], ['b', 'c'], { cpu: '5', memory: '2Gi' }]);
});

test('all quotas of a namespace hold, and those of others do not', async () => {
  const other = aQuota('none', { placements: 0 });
  const api = world({
    hosts: [aHost('web-1')],
    placements: [vm('a', '1'), vm('b', '1'), vm('c', '1')],
    quotas: [
      aQuota('cpus', { cpu: 100 }),
      aQuota('few', { placements: 2, devices: 0 }),
      { ...other, metadata: { ...other.metadata, namespace: 'team-b' } },
    ],
  });
  await runRounds(api);
  assert.equal(bound(api), ['a', 'b']);
  assert.is(
    scheduled(api, 'c')?.message,
    'exceeded quota: few, requested: placements=1, used: placements=2, limited: placements=2',
  );
});

test('a quota that is lowered, or comes later, evicts nobody and counts what is there', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [vm('a', '2'), vm('b', '2')] });
  await runRounds(api);
  api.create(CAPACITY_QUOTAS, aQuota('small', { cpu: '3' }));
  api.create(PLACEMENTS, vm('c', '1'));
  await runRounds(api);
  assert.equal([bound(api), quota(api).summary], [['a', 'b'], 'cpu: 4/3']);
  api.patch(CAPACITY_QUOTAS, inTeam('small'), { spec: { hard: { cpu: '5' } } });
  await runRounds(api);
  assert.equal([bound(api), quota(api).summary], [['a', 'b', 'c'], 'cpu: 5/5']);
  assert.is(quota(api).observedGeneration, 2);
  api.patch(CAPACITY_QUOTAS, inTeam('small'), { spec: { hard: { cpu: '1' } } });
  await runRounds(api);
  assert.equal([bound(api), quota(api).summary], [['a', 'b', 'c'], 'cpu: 5/1']);
});

test('a ledger that was lost is made anew from what is bound', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [vm('a', '2')], quotas: [aQuota('small', { cpu: '3' })] });
  await runRounds(api);
  api.patch(CAPACITY_QUOTAS, inTeam('small'), { status: null }, 'status');
  await runRounds(api);
  assert.equal([counted(api), quota(api).used], [['a'], { cpu: '2' }]);
});

test('who finds no host keeps nothing of a quota, also where a crash came between', async () => {
  const api = world({
    hosts: [aHost('web-1', { status: { capacity: { cpu: '4', memory: '64Gi' } } })],
    placements: [vm('a', '3')],
    quotas: [aQuota('small', { cpu: '4' })],
  });
  const scheduler = new ModelScheduler(api, createFakeClock(Date.UTC(2026, 0, 2)));
  scheduler.process.settle();
  scheduler.start();
  while (counted(api).length === 0) {
    for (const call of scheduler.process.calls.splice(0)) call.happen('answered');
    await setImmediate();
  }
  scheduler.kill();
  assert.equal([bound(api), counted(api)], [[], ['a']]);
  api.delete(INSTANCES, inTeam('web-1'));
  api.create(INSTANCES, aHost('web-2', { status: { capacity: { cpu: '2', memory: '64Gi' } } }));
  api.create(PLACEMENTS, vm('b', '2'));
  await runRounds(api);
  assert.equal([bound(api), counted(api)], [['b'], ['b']]);
  assert.is(scheduled(api, 'a')?.message, 'exceeded quota: small, requested: cpu=3, used: cpu=2, limited: cpu=4');
});

test('a gang is within a quota with all its members, or waits', async () => {
  const member = (name: string) =>
    aPlacement(name, { spec: { resources: { cpu: '2', memory: '1Gi' }, group: { name: 'db', size: 2, gang: true } } });
  const api = world({
    hosts: [aHost('web-1')],
    placements: [member('x'), member('y')],
    quotas: [aQuota('small', { cpu: '3' })],
  });
  await runRounds(api);
  assert.equal([bound(api), counted(api)], [[], []]);
  assert.is(scheduled(api, 'x')?.message, 'exceeded quota: small, requested: cpu=4, used: cpu=0, limited: cpu=3');
  api.patch(CAPACITY_QUOTAS, inTeam('small'), { spec: { hard: { cpu: '4' } } });
  await runRounds(api);
  assert.equal(bound(api), ['x', 'y']);
});

test('a limit that cannot be counted lets nothing new in, and says so', async () => {
  const api = world({
    hosts: [aHost('web-1')],
    placements: [vm('a', '1')],
    quotas: [aQuota('absurd', { cpu: '99999999999999999P' })],
  });
  await runRounds(api);
  assert.equal([bound(api), scheduled(api, 'a')?.reason], [[], 'QuotaExceeded']);
  assert.is(findCondition(quota(api, 'absurd').conditions, 'Stalled')?.status, 'True');
});

test.run();
