// CapacityQuotas of devices: what counts, who waits for room, and that nothing is counted for ever.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CAPACITY_QUOTAS, DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import type { ModelApi } from './model/api.ts';
import { aDevice, anInstance, aQuota } from './model/fixtures.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const quota = (api: ModelApi) => api.get(CAPACITY_QUOTAS, inTeam('few')).status ?? {};
const scheduled = (api: ModelApi, name: string) =>
  findCondition(api.get(INSTANCES, inTeam(name)).status?.conditions, 'Scheduled');
const owners = (api: ModelApi) => api.all(DEVICES).map(({ spec }) => spec.claimRef?.name ?? '');

/** What the Device controller does when the Instance on it is gone. */
function giveBack(api: ModelApi, device: string): void {
  const { uid } = api.get(DEVICES, { name: device }).spec.claimRef!;
  api.patch(DEVICES, { name: device }, { status: { phase: 'Available', releasedClaimUID: uid } }, 'status');
}

test('what exceeds a quota waits, says so as a ResourceQuota does, and is served when room appears', async () => {
  const api = world({
    devices: [aDevice('d1'), aDevice('d2')],
    instances: [anInstance('a', { spec: { priority: 1 } }), anInstance('b')],
    quotas: [aQuota('few', { devices: 1, 'devices.large': 5 })],
  });
  const events = await runRounds(api);
  const { status, reason, message } = scheduled(api, 'b')!;
  assert.equal([status, reason], ['False', 'QuotaExceeded']);
  assert.is(message, 'exceeded quota: few, requested: devices=1, used: devices=1, limited: devices=1');
  assert.equal(
    events.filter(({ name }) => name === 'b').map(({ note }) => note),
    [message],
  );
  assert.is(quota(api).summary, 'devices: 1/1, devices.large: 0/5');
  api.delete(INSTANCES, inTeam('a'));
  giveBack(api, 'd1');
  await runRounds(api);
  assert.is(scheduled(api, 'b')?.reason, 'Claimed');
  assert.equal(
    quota(api).claims?.map(({ name }) => name),
    ['b'],
  );
});

test('where one type is used up, a device of another is taken if it may be', async () => {
  const anyType = (name: string) =>
    anInstance(name, { spec: { deviceType: undefined as never, deviceSelector: { matchLabels: { rack: 'r1' } } } });
  const inRack = { metadata: { labels: { rack: 'r1' } } };
  const large = { ...inRack, spec: { deviceType: 'large' } };
  const api = world({
    devices: [aDevice('s1', inRack), aDevice('s2', inRack), aDevice('x1', large), aDevice('x2', large)],
    instances: ['a', 'b', 'c'].map(anyType),
    quotas: [aQuota('few', { 'devices.small': 1, 'devices.large': 1 })],
  });
  await runRounds(api);
  assert.equal(owners(api), ['a', '', 'b', '']);
  assert.is(
    scheduled(api, 'c')?.message,
    'exceeded quota: few, requested: devices.small=1, used: devices.small=1, limited: devices.small=1',
  );
});

test('a quota that comes later counts what is there, takes nothing away, and is no concern of other namespaces', async () => {
  const other = (name: string) => anInstance(name, { metadata: { namespace: 'team-b' } });
  const api = world({
    devices: ['d1', 'd2', 'd3'].map((name) => aDevice(name)),
    instances: [anInstance('a'), anInstance('b'), other('c')],
  });
  await runRounds(api);
  api.create(CAPACITY_QUOTAS, aQuota('few', { devices: 1 }));
  await runRounds(api);
  assert.equal(
    owners(api).toSorted((a, b) => a.localeCompare(b)),
    ['a', 'b', 'c'],
  );
  assert.equal(quota(api).used, { devices: '2' });
});

test('one that gave up its selection is counted no longer', async () => {
  const api = world({
    devices: [aDevice('d1')],
    instances: [anInstance('b')],
    quotas: [aQuota('few', { devices: 1 })],
  });
  const { resourceVersion } = api.get(DEVICES, { name: 'd1' }).metadata;
  const claims = [{ uid: `gone@d1@${resourceVersion}`, kind: 'Instance', name: 'gone', amounts: { devices: '1' } }];
  api.patch(CAPACITY_QUOTAS, inTeam('few'), { status: { claims } }, 'status');
  await runRounds(api);
  assert.equal(owners(api), ['b']);
  assert.not.equal(api.get(DEVICES, { name: 'd1' }).metadata.annotations, undefined, 'the version ended first');
});

test.run();
