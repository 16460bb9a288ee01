// Moves that are asked for: to where there is room, within what the group can do without, and never at the price of the place.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { entriesOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const small = (name: string) => aHost(name, { status: { capacity: { cpu: '4', memory: '64Gi' } } });
const vm = (name: string, cpu: string, spec: Partial<Placement['spec']> = {}) =>
  aPlacement(name, { spec: { resources: { cpu, memory: '1Gi' }, ...spec } });
const homeOf = (api: ModelApi, name: string) => api.get(PLACEMENTS, inTeam(name)).status?.nodeName;
const listed = (api: ModelApi) =>
  api.all(INSTANCES).map((host) =>
    entriesOf(host)
      .map(({ name }) => name)
      .join(' '),
  );
const ask = (api: ModelApi, name: string, move: string) =>
  api.patch(PLACEMENTS, inTeam(name), { spec: { requests: { move } } });
const answer = (api: ModelApi, name: string) => {
  const { value, result, message } = api.get(PLACEMENTS, inTeam(name)).status?.requests?.move ?? {};
  return [value, result, message];
};

test('a Placement moves to the host that is asked for, once, and its old place is free', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [vm('a', '1')] });
  await runRounds(api);
  assert.is(homeOf(api, 'a'), 'web-1');
  ask(api, 'a', 'web-2');
  const events = await runRounds(api);
  assert.equal([homeOf(api, 'a'), listed(api)], ['web-2', ['', 'a']]);
  assert.equal(answer(api, 'a'), ['web-2', 'Succeeded', 'has a place on web-2']);
  assert.equal(
    events.map(({ reason }) => reason),
    ['Moving', 'Scheduled'],
  );
  const before = api.changes.length;
  await runRounds(api);
  assert.is(api.changes.length, before);
});

test('where there is no room, or nothing of that name, nothing moves and the answer says why', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [vm('a', '3'), vm('b', '3')] });
  await runRounds(api);
  ask(api, 'a', 'web-2');
  ask(api, 'b', 'web-9');
  await runRounds(api);
  assert.equal([homeOf(api, 'a'), homeOf(api, 'b')], ['web-1', 'web-2']);
  assert.equal(answer(api, 'a'), ['web-2', 'Refused', '0/2 nodes fit: 1 other node, 1 too little cpu']);
  assert.equal(answer(api, 'b'), ['web-9', 'Refused', '0/2 nodes fit: 2 other node']);
  ask(api, 'a', 'web-1');
  await runRounds(api);
  assert.equal(answer(api, 'a'), ['web-1', 'Succeeded', 'it is there already']);
  api.delete(PLACEMENTS, inTeam('b'));
  ask(api, 'a', 'web-2@again');
  await runRounds(api);
  assert.equal([homeOf(api, 'a'), ...answer(api, 'a')], ['web-2', 'web-2@again', 'Succeeded', 'has a place on web-2']);
});

test('a group that can miss one has one moved, and one that can miss nobody has none', async () => {
  const grouped = (name: string, group: string, maxUnavailable: number) =>
    vm(name, '1', { group: { name: group, size: 2, maxUnavailable } });
  const api = world({
    hosts: [aHost('web-1'), aHost('web-2')],
    placements: [grouped('a', 'some', 1), grouped('b', 'some', 1), grouped('c', 'all', 0), grouped('d', 'all', 0)],
  });
  await runRounds(api);
  for (const name of ['a', 'b', 'c']) ask(api, name, 'web-2');
  await runRounds(api);
  assert.equal(answer(api, 'a').slice(0, 2), ['web-2', 'Succeeded']);
  assert.equal(answer(api, 'b'), ['web-2', 'Refused', 'group some has 1 of 2 members, and may miss 1']);
  assert.equal(answer(api, 'c'), ['web-2', 'Refused', 'group all has 2 of 2 members, and may miss 0']);
  assert.equal(
    ['a', 'b', 'c', 'd'].map((name) => homeOf(api, name)),
    ['web-2', 'web-1', 'web-1', 'web-1'],
  );
});

test('who finds the host full on the way there keeps a place, and is told', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [vm('a', '3')] });
  await runRounds(api);
  const status = {
    phase: 'Pending',
    requests: { move: { value: 'web-2', result: 'Running', at: '2026-01-01T00:00:00Z' } },
  };
  api.patch(INSTANCES, inTeam('web-2'), { spec: { vmHost: { reserved: { cpu: '4' } } } });
  api.patch(PLACEMENTS, inTeam('a'), { spec: { requests: { move: 'web-2' } } });
  const { conditions } = api.get(PLACEMENTS, inTeam('a')).status!;
  const waits = conditions!.map((each) => ({ ...each, status: 'False', lastTransitionTime: '2026-01-03T00:00:00Z' }));
  api.patch(PLACEMENTS, inTeam('a'), { status: { ...status, nodeName: null, conditions: waits } }, 'status');
  await runRounds(api, '2026-01-04T00:00:00Z');
  assert.is(homeOf(api, 'a'), 'web-1');
  assert.equal(answer(api, 'a'), ['web-2', 'Refused', 'host web-2 has no room any more']);
});

test.run();
