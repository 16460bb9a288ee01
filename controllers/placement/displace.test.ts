// Who has to leave for others, and who must not: priorities, groups, maintenance; and what decides beside room.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { entriesOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aDevice } from '../claim/model/fixtures.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const homeOf = (api: ModelApi, name: string) => api.get(PLACEMENTS, inTeam(name)).status?.nodeName;
const told = (api: ModelApi, name: string) => {
  const condition = findCondition(api.get(PLACEMENTS, inTeam(name)).status?.conditions, 'Scheduled');
  return `${condition?.reason}: ${condition?.message}`;
};
const listed = (api: ModelApi, host: string) =>
  entriesOf(api.get(INSTANCES, inTeam(host)))
    .map(({ name }) => name)
    .sort();
const small = (name: string, capacity = { cpu: '4', memory: '64Gi' }) => aHost(name, { status: { capacity } });
const vm = (name: string, cpu: string, spec: Partial<Placement['spec']> = {}, labels?: Record<string, string>) =>
  aPlacement(name, { metadata: { ...(labels && { labels }) }, spec: { resources: { cpu, memory: '1Gi' }, ...spec } });

test('a higher priority takes the place of the lowest that are enough, and no other', async () => {
  const api = world({
    hosts: [small('web-1')],
    placements: [vm('low', '2', { priority: 1 }), vm('middle', '2', { priority: 5 })],
  });
  await runRounds(api);
  api.create(PLACEMENTS, vm('high', '2', { priority: 9 }));
  const events = await runRounds(api);
  assert.equal(listed(api, 'web-1'), ['high', 'middle']);
  assert.is(homeOf(api, 'high'), 'web-1');
  assert.is(homeOf(api, 'low'), undefined);
  assert.ok(events.some(({ name, reason }) => name === 'low' && reason === 'Preempted'));
  assert.match(told(api, 'low'), /^Unschedulable: 0\/1 nodes fit: 1 too little cpu/);
});

test('nobody leaves for an equal priority, for what would not fit anyway, or where it fits elsewhere', async () => {
  const api = world({ hosts: [small('web-1')], placements: [vm('first', '4', { priority: 3 })] });
  await runRounds(api);
  api.create(PLACEMENTS, vm('equal', '4', { priority: 3 }));
  api.create(PLACEMENTS, vm('huge', '5', { priority: 9 }));
  await runRounds(api);
  assert.is(homeOf(api, 'first'), 'web-1');
  api.create(INSTANCES, small('web-2'));
  api.create(PLACEMENTS, vm('high', '4', { priority: 9 }));
  await runRounds(api);
  assert.equal([homeOf(api, 'first'), homeOf(api, 'high')], ['web-1', 'web-2']);
});

test('a gang sends away whom it needs to, on as many hosts as it needs, or nobody', async () => {
  const hosts = ['web-1', 'web-2', 'web-3'].map((name) => small(name));
  const gang = (name: string, size: number, priority: number) =>
    Array.from({ length: size }, (_, index) =>
      vm(`${name}-${index}`, '4', { priority, group: { name, size, gang: true } }),
    );
  const low = ['a', 'b'].map((name) => vm(name, '2', { priority: 1 }));
  const api = world({ hosts, placements: [...low, vm('high', '2', { priority: 9 })] });
  await runRounds(api);
  for (const member of gang('three', 3, 5)) api.create(PLACEMENTS, member);
  await runRounds(api);
  assert.ok(
    ['a', 'b', 'high'].every((name) => homeOf(api, name) !== undefined),
    'nobody leaves in vain',
  );
  for (const member of gang('two', 2, 5)) api.create(PLACEMENTS, member);
  const events = await runRounds(api);
  assert.ok(['two-0', 'two-1', 'high'].every((name) => homeOf(api, name) !== undefined));
  assert.is(new Set(['two-0', 'two-1', 'high'].map((name) => homeOf(api, name))).size, 3);
  const notes = events.filter(({ reason }) => reason === 'Preempted').map(({ note }) => note);
  assert.ok(notes.length > 0 && notes.every((note) => note === 'makes room for gang team-a/two, of priority 5'));
});

test('a gang that waits for members sends nobody away, and a gang is not taken apart', async () => {
  const member = (name: string, group: string, priority: number) =>
    vm(name, '4', { priority, group: { name: group, size: 2, gang: true } });
  const api = world({
    hosts: [small('web-1'), small('web-2')],
    placements: [member('a', 'low', 1), member('b', 'low', 1), member('x', 'half', 9)],
  });
  await runRounds(api);
  assert.equal([homeOf(api, 'a') !== undefined, homeOf(api, 'b') !== undefined], [true, true]);
  api.create(PLACEMENTS, member('y', 'half', 9));
  await runRounds(api);
  assert.equal([homeOf(api, 'x'), homeOf(api, 'a') !== undefined], [undefined, true]);
});

test("preemption stops at what a group's maxUnavailable allows", async () => {
  const group = (maxUnavailable: number) => ({ name: 'db', size: 2, maxUnavailable });
  for (const [most, left] of [
    [0, 2],
    [1, 1],
    [2, 0],
  ] as const) {
    const api = world({
      hosts: [small('web-1')],
      placements: ['a', 'b'].map((name) => vm(name, '2', { group: group(most) })),
    });
    await runRounds(api);
    for (const name of ['x', 'y']) api.create(PLACEMENTS, vm(name, '2', { priority: 9 }));
    await runRounds(api);
    assert.is(listed(api, 'web-1').filter((name) => 'ab'.includes(name)).length, left, `maxUnavailable ${most}`);
  }
});

test('all leave a host in maintenance, members one after the other, as their group allows', async () => {
  const group = { name: 'db', size: 3, maxUnavailable: 1 };
  const never = { name: 'pinned', size: 1, maxUnavailable: 0 };
  const api = world({
    hosts: [aHost('web-1')],
    placements: [
      ...['a', 'b', 'c'].map((name) => vm(name, '1', { group })),
      vm('alone', '1'),
      vm('pinned', '1', { group: never }),
    ],
  });
  api.create(DEVICES, aDevice('device-of-web-1'));
  await runRounds(api);
  const before = listed(api, 'web-1').length;
  assert.is(before, 5);
  api.patch(DEVICES, { name: 'device-of-web-1' }, { spec: { maintenance: { enabled: true } } });
  await runRounds(api);
  assert.equal(listed(api, 'web-1'), ['a', 'alone', 'b', 'c', 'pinned'], 'there is nowhere to go');
  let fewest = 3;
  api.observe = () => {
    const bound = ['a', 'b', 'c'].filter((name) => homeOf(api, name) !== undefined).length;
    fewest = Math.min(fewest, bound);
  };
  api.create(INSTANCES, aHost('web-2'));
  await runRounds(api);
  assert.equal([listed(api, 'web-1'), listed(api, 'web-2')], [['pinned'], ['a', 'alone', 'b', 'c']]);
  assert.is(fewest, 2);
});

test('all leave a host that is to be installed anew or given back, and nothing new comes to it', async () => {
  for (const wish of ['reinstall', 'release'] as const) {
    const host = aHost('web-1');
    host.metadata.finalizers = ['bmp.dev/instance'];
    const api = world({ hosts: [host, aHost('web-2')], placements: [vm('a', '1'), vm('b', '1')] });
    await runRounds(api);
    const home = homeOf(api, 'a')!;
    const other = home === 'web-1' ? 'web-2' : 'web-1';
    if (wish === 'release') api.delete(INSTANCES, inTeam(home));
    else api.patch(INSTANCES, inTeam(home), { spec: { requests: { reinstall: 'now' } } });
    api.create(PLACEMENTS, vm('c', '1'));
    const events = await runRounds(api);
    assert.equal([listed(api, home), listed(api, other)], [[], ['a', 'b', 'c']], wish);
    const moved = events.filter(({ reason }) => reason === 'Draining');
    assert.equal(
      moved.map(({ name, note }) => `${name}: ${note}`).sort(),
      ['a', 'b'].map(
        (name) =>
          `${name}: host ${home} ${wish === 'release' ? 'is given back' : 'is installed anew'}: moves to another`,
      ),
    );
    if (wish === 'release') continue;
    // Once it is done, it takes part again.
    api.patch(
      INSTANCES,
      inTeam(home),
      { status: { requests: { reinstall: { value: 'now', result: 'Succeeded' } } } },
      'status',
    );
    api.patch(INSTANCES, inTeam(other), { spec: { requests: { reinstall: 'now' } } });
    await runRounds(api);
    assert.equal(listed(api, home), ['a', 'b', 'c']);
  }
});

test('labels of hosts, affinity, anti-affinity and spread decide; what has a place keeps others away', async () => {
  const app = (name: string) => ({ matchLabels: { app: name } });
  const apart = { required: [{ topologyKey: 'node', selector: app('db') }] };
  const hosts = ['web-1', 'web-2', 'web-3'].map((name, index) =>
    aHost(name, { metadata: { labels: { disk: index === 2 ? 'nvme' : 'sata' } } }),
  );
  const api = world({
    hosts,
    placements: [
      vm('fast', '1', { nodeSelector: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['nvme'] }] } }),
      vm('db-1', '1', { antiAffinity: apart }, { app: 'db' }),
      vm('db-2', '1', { antiAffinity: apart }, { app: 'db' }),
      vm('near', '1', {
        affinity: { required: [{ topologyKey: 'node', selector: { matchLabels: { app: 'cache' } } }] },
      }),
    ],
  });
  await runRounds(api);
  assert.is(homeOf(api, 'fast'), 'web-3');
  assert.is.not(homeOf(api, 'db-1'), homeOf(api, 'db-2'));
  assert.match(told(api, 'near'), /3 affinity/);
  // Rounds that start from nothing but the objects see the same.
  api.create(PLACEMENTS, vm('db-3', '1', { antiAffinity: apart }, { app: 'db' }));
  await runRounds(api);
  api.create(PLACEMENTS, vm('db-4', '1', {}, { app: 'db' }));
  await runRounds(api);
  assert.is(new Set(['db-1', 'db-2', 'db-3'].map((name) => homeOf(api, name))).size, 3);
  assert.match(told(api, 'db-4'), /3 anti-affinity of another/);
  const spread = [
    { topologyKey: 'node', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' as const, selector: app('web') },
  ];
  for (let index = 0; index < 6; index++) api.create(PLACEMENTS, vm(`w-${index}`, '1', { spread }, { app: 'web' }));
  await runRounds(api);
  const counts = Map.groupBy([0, 1, 2, 3, 4, 5], (index) => homeOf(api, `w-${index}`));
  assert.equal(
    [...counts.values()].map(({ length }) => length),
    [2, 2, 2],
  );
});

test.run();
