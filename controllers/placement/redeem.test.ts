// Reservations: they hold room and count as any other, and are taken up once, by who names them, in their place.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { entriesOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aQuota } from '../claim/model/fixtures.ts';
import { claimOf } from './ledger.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { ModelScheduler } from './model/scheduler.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const small = (name: string) => aHost(name, { status: { capacity: { cpu: '4', memory: '64Gi' } } });
const vm = (name: string, cpu: string, spec: Partial<Placement['spec']> = {}) =>
  aPlacement(name, { spec: { resources: { cpu, memory: '1Gi' }, ...spec } });
const held = (name: string, cpu: string, spec: Partial<Placement['spec']> = {}) =>
  vm(name, cpu, { reservation: true, ...spec });
const create = (api: ModelApi, placement: Placement) => api.create(PLACEMENTS, placement);
const listed = (api: ModelApi) =>
  api.all(INSTANCES).map((host) =>
    entriesOf(host)
      .map(({ name, cpu }) => `${name} ${cpu}`)
      .join(', '),
  );
/** Phase, host, and what is said: reason and message. */
const said = (api: ModelApi, name: string) => {
  const { phase, nodeName, conditions } = api.get(PLACEMENTS, inTeam(name)).status!;
  const { reason, message } = conditions!.find(({ type }) => type === 'Scheduled')!;
  return [phase, nodeName, reason, message];
};
/** One round of a scheduler whose caches see nothing meanwhile. */
async function roundOf(scheduler: ModelScheduler): Promise<void> {
  scheduler.start();
  while (!scheduler.isIdle) {
    for (const call of scheduler.process.calls.splice(0)) call.happen('answered');
    await setImmediate();
  }
}
const quotaUsed = (api: ModelApi) => api.all(CAPACITY_QUOTAS)[0]?.status?.summary;

test('a reservation holds room that nobody else gets, and who names it takes the room up', async () => {
  const api = world({ hosts: [small('web-1')], placements: [held('room', '3')] });
  await runRounds(api);
  assert.equal(said(api, 'room'), ['Reserved', 'web-1', 'Reserved', 'holds room on web-1']);
  create(api, vm('other', '2'));
  create(api, vm('mine', '2', { from: 'room' }));
  const events = await runRounds(api);
  assert.equal(said(api, 'mine').slice(0, 2), ['Bound', 'web-1']);
  assert.equal(said(api, 'room'), ['Redeemed', 'web-1', 'Redeemed', 'taken up by mine']);
  assert.is(api.get(PLACEMENTS, inTeam('room')).status?.redeemedBy?.name, 'mine');
  assert.equal(said(api, 'other').slice(0, 2), ['Bound', 'web-1'], 'what is not asked for is given back');
  assert.equal(listed(api), ['mine 2, other 2']);
  assert.equal(
    events.filter(({ name }) => name !== 'other').map(({ name, reason }) => `${name} ${reason}`),
    ['room Redeemed', 'mine Scheduled'],
  );
  const before = api.changes.length;
  await runRounds(api);
  assert.is(api.changes.length, before);
});

test('of two that name a reservation the first in turn has it, and the other waits and says so', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [held('room', '3')] });
  await runRounds(api);
  create(api, vm('low', '1', { from: 'room' }));
  create(api, vm('high', '1', { from: 'room', priority: 1 }));
  await runRounds(api);
  assert.equal(said(api, 'high').slice(0, 2), ['Bound', 'web-1']);
  assert.equal(said(api, 'low'), ['Pending', undefined, 'ReservationTaken', 'reservation room was taken up by high']);
  api.delete(PLACEMENTS, inTeam('high'));
  await runRounds(api);
  assert.is(said(api, 'low')[2], 'ReservationTaken', 'for good');
  assert.equal(listed(api), ['', '']);
});

test('a reservation that is not there, is none, or has no room is waited for', async () => {
  const api = world({
    hosts: [small('web-1')],
    placements: [vm('a', '1', { from: 'later' }), vm('b', '1', { from: 'a' }), vm('c', '3')],
  });
  await runRounds(api);
  assert.equal(said(api, 'a'), ['Pending', undefined, 'ReservationPending', 'reservation later is not there']);
  assert.equal(said(api, 'b'), ['Pending', undefined, 'ReservationPending', 'placement a is no reservation']);
  create(api, held('later', '2'));
  await runRounds(api);
  assert.is(said(api, 'later')[0], 'Unschedulable');
  assert.equal(said(api, 'a'), ['Pending', undefined, 'ReservationPending', 'reservation later has no room yet']);
  api.delete(PLACEMENTS, inTeam('c'));
  await runRounds(api);
  assert.equal(said(api, 'a').slice(0, 2), ['Bound', 'web-1']);
});

test('what is asked for beyond the reservation has to fit beside it', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [held('room', '2'), vm('beside', '1')] });
  await runRounds(api);
  assert.equal(listed(api), ['beside 1, room 2', '']);
  create(api, vm('mine', '4', { from: 'room', priority: 9 }));
  await runRounds(api);
  assert.equal(said(api, 'mine'), [
    'Unschedulable',
    undefined,
    'Unschedulable',
    'on the host of reservation room: 0/2 nodes fit: 1 other node, 1 too little cpu',
  ]);
  assert.is(said(api, 'room')[0], 'Reserved', 'it is still to be had');
  api.delete(PLACEMENTS, inTeam('beside'));
  await runRounds(api);
  assert.equal(said(api, 'mine').slice(0, 2), ['Bound', 'web-1']);
  assert.equal(listed(api), ['mine 4', '']);
});

test('a quota counts the reservation, and then its redeemer in its place', async () => {
  const api = world({
    hosts: [small('web-1')],
    quotas: [aQuota('small', { cpu: '3', placements: '1' })],
    placements: [held('room', '3')],
  });
  await runRounds(api);
  assert.is(quotaUsed(api), 'cpu: 3/3, placements: 1/1');
  create(api, vm('other', '1', { priority: 9 }));
  create(api, vm('more', '4', { from: 'room', priority: 8 }));
  create(api, vm('mine', '3', { from: 'room' }));
  await runRounds(api);
  assert.equal(said(api, 'mine').slice(0, 2), ['Bound', 'web-1']);
  assert.is(said(api, 'other')[2], 'QuotaExceeded');
  assert.is(said(api, 'more')[2], 'ReservationTaken');
  assert.is(quotaUsed(api), 'cpu: 3/3, placements: 1/1');
});

test('who had the room is placed as any other from then on, also when the reservation is deleted', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [held('room', '2')] });
  await runRounds(api);
  create(api, vm('mine', '2', { from: 'room' }));
  await runRounds(api);
  api.delete(PLACEMENTS, inTeam('room'));
  api.delete(INSTANCES, inTeam('web-1'));
  await runRounds(api, '2026-01-03T00:00:00Z');
  assert.equal(said(api, 'mine').slice(0, 2), ['Bound', 'web-2']);
});

test('a redeemed reservation whose host is lost before its room was taken up leaves its redeemer to any host', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [held('room', '2')] });
  await runRounds(api);
  const mine = create(api, vm('mine', '2', { from: 'room' }));
  const { uid } = mine.metadata;
  api.delete(INSTANCES, inTeam('web-1'));
  const status = { phase: 'Redeemed', redeemedBy: { name: 'mine', uid } };
  api.patch(PLACEMENTS, inTeam('room'), { status }, 'status');
  await runRounds(api);
  assert.equal(said(api, 'mine').slice(0, 2), ['Bound', 'web-2']);
});

test('a redeemer that is deleted before it has its place gives the room back', async () => {
  const api = world({ hosts: [small('web-1')], placements: [held('room', '4')] });
  await runRounds(api);
  const status = { phase: 'Redeemed', redeemedBy: { name: 'gone', uid: 'uid-of-gone' } };
  api.patch(PLACEMENTS, inTeam('room'), { status }, 'status');
  create(api, vm('other', '4'));
  await runRounds(api);
  assert.equal(listed(api), ['other 4']);
});

test('a reservation of the same name that comes after one that was deleted is another one', async () => {
  const api = world({ hosts: [small('web-1')], placements: [held('room', '4'), vm('mine', '4', { from: 'room' })] });
  const { uid } = api.get(PLACEMENTS, inTeam('room')).metadata;
  const from = { name: 'room', uid: 'uid-of-another' };
  api.patch(PLACEMENTS, inTeam('mine'), { status: { phase: 'Pending', from } }, 'status');
  await runRounds(api);
  assert.equal(api.get(PLACEMENTS, inTeam('mine')).status?.from, { name: 'room', uid, taken: true });
  assert.equal(listed(api), ['mine 4']);
});

test('promised room stays: not for a higher priority, and not by one who has yet to see where it is', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [held('room', '4')] });
  await runRounds(api);
  const late = new ModelScheduler(api, createFakeClock(Date.parse('2026-01-02T00:00:00Z')));
  api.patch(PLACEMENTS, inTeam('room'), { spec: { requests: { move: 'web-2' } } });
  await runRounds(api, '2026-01-03T00:00:00Z');
  const more = create(api, vm('more', '5', { from: 'room' }));
  const { uid, name } = more.metadata;
  const status = { phase: 'Redeemed', redeemedBy: { name, uid } };
  api.patch(PLACEMENTS, inTeam('room'), { status }, 'status');
  assert.equal(listed(api), ['', 'room 4']);
  // It knows of the ledgers as they are, and of the reservation as it was.
  late.process.deliverAll(INSTANCES);
  await roundOf(late);
  assert.is(listed(api)[1], 'room 4');
  create(api, vm('filler', '4', { priority: 1 }));
  await runRounds(api, '2026-01-04T00:00:00Z');
  assert.equal(listed(api), ['filler 4', 'room 4']);
  create(api, vm('urgent', '4', { priority: 9 }));
  await runRounds(api, '2026-01-05T00:00:00Z');
  assert.equal(listed(api), ['urgent 4', 'room 4']);
});

test('room is lost by the word of the server alone, not by ledgers as they were', async () => {
  const labels = { disk: 'nvme' };
  const api = world({ hosts: [small('web-1'), aHost('web-2', { metadata: { labels } })] });
  const late = new ModelScheduler(api, createFakeClock(Date.parse('2026-01-02T00:00:00Z')));
  create(api, held('room', '4'));
  await runRounds(api);
  // It would go elsewhere, were it placed as any other.
  const nodeSelector = { matchLabels: labels };
  const { uid, name } = create(api, vm('mine', '4', { from: 'room', nodeSelector })).metadata;
  api.patch(PLACEMENTS, inTeam('room'), { status: { phase: 'Redeemed', redeemedBy: { name, uid } } }, 'status');
  late.process.deliverAll(PLACEMENTS);
  await roundOf(late);
  assert.equal(listed(api), ['room 4', '']);
  await runRounds(api);
  assert.is(said(api, 'mine')[3], 'on the host of reservation room: 0/2 nodes fit: 1 other labels, 1 other node');
});

test('who may be about to get the room keeps the stay that it would be entered for, and what it counts', async () => {
  const quota = aQuota('small', { cpu: '20' });
  const api = world({ hosts: [small('web-1')], quotas: [quota], placements: [held('room', '4')] });
  await runRounds(api);
  create(api, vm('more', '5', { from: 'room' }));
  await runRounds(api);
  const waits = api.get(PLACEMENTS, inTeam('more'));
  const { claims = [] } = api.all(CAPACITY_QUOTAS)[0]!.status!;
  const claim = { uid: claimOf(waits), kind: 'Placement', name: 'more', amounts: { cpu: '5', placements: '1' } };
  api.patch(CAPACITY_QUOTAS, quota.metadata, { status: { claims: [...claims, claim] } }, 'status');
  await runRounds(api);
  assert.is(claimOf(api.get(PLACEMENTS, inTeam('more'))), claimOf(waits));
  api.delete(PLACEMENTS, inTeam('room'));
  await runRounds(api);
  assert.is(quotaUsed(api), 'cpu: 0/20', 'and gives it back when the reservation is gone');
});

test('a reservation gives way to a higher priority as any other does, and is waited for anew', async () => {
  const api = world({ hosts: [small('web-1')], placements: [held('room', '4')] });
  await runRounds(api);
  create(api, vm('urgent', '4', { priority: 1 }));
  await runRounds(api);
  create(api, vm('mine', '1', { from: 'room' }));
  await runRounds(api);
  assert.equal(said(api, 'mine'), ['Pending', undefined, 'ReservationPending', 'reservation room has no room yet']);
  assert.is(said(api, 'room')[0], 'Unschedulable');
});

test.run();
