// What rounds come to when nothing goes wrong on the way: who gets a place where, and what people are told.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Instance } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES, PLACEMENTS, SITES } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aDevice, aSite } from '../claim/model/fixtures.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { runRounds as run, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const statusOf = (api: ModelApi, name: string) => api.get(PLACEMENTS, inTeam(name)).status ?? {};
const scheduled = (api: ModelApi, name: string) => findCondition(statusOf(api, name).conditions, 'Scheduled');
const ledgerOf = (api: ModelApi, host: string) => api.get(INSTANCES, inTeam(host)).status?.allocated;
const wants = (cpu: string, memory = '1Gi') => ({ spec: { resources: { cpu, memory } } });

test('a place is entered in the ledger, marked on the Placement, and told in an event once', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('vm-1')] });
  const events = await run(api);
  const { uid } = api.get(PLACEMENTS, inTeam('vm-1')).metadata;
  const claims = [{ uid, name: 'vm-1', cpu: '2', memory: '8Gi' }];
  assert.equal(ledgerOf(api, 'web-1'), { cpu: '2', memory: '8Gi', placements: 1, claims });
  const { phase, nodeName, address, deviceName, score } = statusOf(api, 'vm-1');
  assert.equal([phase, nodeName, address, deviceName], ['Bound', 'web-1', '192.0.2.31', 'device-of-web-1']);
  assert.type(score, 'number');
  assert.is(scheduled(api, 'vm-1')?.status, 'True');
  const note = 'Successfully assigned team-a/vm-1 to web-1';
  assert.equal(events, [{ name: 'vm-1', reason: 'Scheduled', note }]);
});

test('all binds of a round on one host are one write', async () => {
  const placements = Array.from({ length: 8 }, (_, index) => aPlacement(`vm-${index}`));
  const api = world({ hosts: [aHost('web-1')], placements });
  await run(api);
  assert.is(api.changes.filter(({ resource, type }) => resource === INSTANCES && type === 'MODIFIED').length, 1);
  assert.is(ledgerOf(api, 'web-1')?.placements, 8);
});

test('capacity is what is left after reservation, times overcommit, up to the most placements', async () => {
  const four = Array.from({ length: 4 }, (_, index) => aPlacement(`vm-${index}`, wants('8')));
  const cases: [Instance['spec']['vmHost'], number][] = [
    [{}, 2],
    [{ overcommit: { cpu: 1.5 } }, 3],
    [{ reserved: { cpu: '1' } }, 1],
    [{ reserved: { cpu: '8' }, overcommit: { cpu: 4 } }, 4],
    [{ overcommit: { cpu: 4 }, maxPlacements: 1 }, 1],
  ];
  for (const [vmHost, fit] of cases) {
    const api = world({ hosts: [aHost('web-1', { vmHost })], placements: four });
    await run(api);
    assert.is(ledgerOf(api, 'web-1')?.placements, fit, JSON.stringify(vmHost));
  }
});

test('other resources are what a host offers, with reservation and overcommit as any, and nothing where it offers none', async () => {
  const wantsGpu = (name: string, gpu: number, storage = '0') =>
    aPlacement(name, { spec: { resources: { cpu: '1', memory: '1Gi', gpu, storage } } });
  const offers = { resources: { gpu: 4, storage: '1Ti' }, reserved: { gpu: 1 }, overcommit: { storage: 2 } };
  const api = world({
    hosts: [aHost('plain'), aHost('gpus', { vmHost: offers })],
    placements: [wantsGpu('a', 2, '2Ti'), wantsGpu('b', 1), wantsGpu('c', 1), aPlacement('d', wants('15'))],
  });
  await run(api);
  const homes = ['a', 'b', 'c', 'd'].map((name) => statusOf(api, name).nodeName);
  assert.equal(homes, ['gpus', 'gpus', undefined, 'plain']);
  assert.is(scheduled(api, 'c')?.message, '0/2 nodes fit: 2 too little gpu');
  const ledger = ledgerOf(api, 'gpus')!;
  assert.equal(
    [ledger.others, ledger.claims?.map(({ others }) => others?.['gpu'])],
    [{ gpu: '3', storage: '2Ti' }, ['2', '1']],
  );
  api.delete(PLACEMENTS, inTeam('a'));
  await run(api, '2026-01-03T00:00:00Z');
  assert.equal([statusOf(api, 'c').nodeName, ledgerOf(api, 'gpus')?.others], ['gpus', { gpu: '2', storage: '0' }]);
});

test('hosts with labels that are preferred come first, and others do where those are full', async () => {
  const prefers = (name: string) =>
    aPlacement(name, {
      spec: {
        resources: { cpu: '16', memory: '1Gi' },
        nodeAffinity: { preferred: [{ weight: 10, preference: { matchLabels: { disk: 'nvme' } } }] },
      },
    });
  const api = world({
    hosts: [aHost('a'), aHost('b', { metadata: { labels: { disk: 'nvme' } } })],
    placements: [prefers('first'), prefers('second')],
  });
  await run(api);
  assert.equal([statusOf(api, 'first').nodeName, statusOf(api, 'second').nodeName], ['b', 'a']);
});

test('what fits nowhere says why over all hosts of the namespace, and holds up nobody', async () => {
  const api = world({
    hosts: [
      aHost('full', { status: { capacity: { cpu: '1', memory: '64Gi' } } }),
      aHost('dedicated', { vmHost: { dedicated: true } }),
      aHost('tainted', { vmHost: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } }),
      aHost('starting', { status: { phase: 'Starting' } }),
      aHost('no-host', { vmHost: { enabled: false } }),
      aHost('other-team', { metadata: { namespace: 'team-b' } }),
    ],
    placements: [
      aPlacement('huge', { spec: { resources: { cpu: '1000', memory: '1Gi' }, priority: 9 } }),
      aPlacement('lab', { spec: { pool: 'lab', priority: 5 } }),
      aPlacement('small', wants('1')),
    ],
  });
  const events = await run(api);
  assert.is(scheduled(api, 'huge')?.message, '0/4 nodes fit: 1 dedicated, 1 not ready, 1 taint gpu, 1 too little cpu');
  assert.is(scheduled(api, 'lab')?.message, '0/4 nodes fit: 4 other pool');
  assert.equal([statusOf(api, 'huge').phase, scheduled(api, 'huge')?.reason], ['Unschedulable', 'Unschedulable']);
  assert.is(statusOf(api, 'small').nodeName, 'full');
  const failures = events.filter(({ reason }) => reason === 'FailedScheduling').map(({ name }) => name);
  assert.equal(failures.sort(), ['huge', 'lab']);
});

test('dedicated, pool, site, region and tolerations choose; pool and site are those of the device', async () => {
  const on = (deviceName: string) => ({ status: { deviceName } });
  const api = world({
    hosts: [
      aHost('common'),
      aHost('dedicated', { vmHost: { dedicated: true } }),
      aHost('lab', on('d-lab')),
      aHost('west', on('d-west')),
      aHost('tainted', { vmHost: { taints: [{ key: 'gpu', effect: 'NoSchedule' }], maxPlacements: 1 } }),
    ],
    placements: [
      aPlacement('dedicated', { spec: { dedicated: true } }),
      aPlacement('lab', { spec: { pool: 'lab' } }),
      aPlacement('site', { spec: { site: 'ams1' } }),
      aPlacement('region', { spec: { region: 'west' } }),
      aPlacement('big', {
        spec: {
          resources: { cpu: '16', memory: '1Gi' },
          tolerations: [{ key: 'gpu', operator: 'Exists' }],
          priority: 1,
        },
      }),
      aPlacement('big-too', {
        spec: {
          resources: { cpu: '16', memory: '1Gi' },
          tolerations: [{ key: 'gpu', operator: 'Exists' }],
          priority: 1,
        },
      }),
    ],
  });
  api.create(SITES, aSite('ams1', { region: 'west' }));
  api.create(DEVICES, aDevice('d-lab', { spec: { pool: 'lab' } }));
  api.create(DEVICES, aDevice('d-west', { spec: { site: 'ams1' } }));
  await run(api);
  const homes = ['dedicated', 'lab', 'site', 'region'].map((name) => statusOf(api, name).nodeName);
  assert.equal(homes, ['dedicated', 'lab', 'west', 'west']);
  const bigHomes = ['big', 'big-too'].map((name) => statusOf(api, name).nodeName);
  assert.equal(new Set(bigHomes), new Set(['common', 'tainted']));
});

test('what waits is served in turn as soon as there is room: by priority, then age, then name', async () => {
  const older = { creationTimestamp: '2025-12-31T00:00:00Z' };
  const api = world({
    hosts: [aHost('web-1', { vmHost: { maxPlacements: 1 } })],
    placements: [
      aPlacement('d-last'),
      aPlacement('c-old', { metadata: older }),
      aPlacement('b-high', { spec: { priority: 10 } }),
      aPlacement('a-last'),
    ],
  });
  const order: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await run(api);
    const bound = api.all(PLACEMENTS).find(({ status }) => status?.phase === 'Bound')!;
    order.push(bound.metadata.name);
    api.delete(PLACEMENTS, bound.metadata);
  }
  assert.equal(order, ['b-high', 'c-old', 'a-last', 'd-last']);
  await run(api);
  assert.is(ledgerOf(api, 'web-1')?.placements, 0);
});

test('a deleted Placement leaves the ledger first, then goes', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('vm-1'), aPlacement('vm-2')] });
  await run(api);
  api.delete(PLACEMENTS, inTeam('vm-1'));
  await run(api);
  assert.equal(
    ledgerOf(api, 'web-1')?.claims?.map(({ name }) => name),
    ['vm-2'],
  );
  assert.equal(
    api.all(PLACEMENTS).map(({ metadata }) => metadata.name),
    ['vm-2'],
  );
});

test('when a host goes its Placements wait again, and get another', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('vm-1')] });
  await run(api);
  api.delete(INSTANCES, inTeam('web-1'));
  const events = await run(api, '2026-01-03T00:00:00Z');
  assert.is(statusOf(api, 'vm-1').phase, 'Unschedulable');
  assert.is(statusOf(api, 'vm-1').nodeName, undefined);
  assert.equal(
    events.map(({ reason }) => reason),
    ['HostGone', 'FailedScheduling'],
  );
  api.create(INSTANCES, aHost('web-2'));
  await run(api, '2026-01-04T00:00:00Z');
  assert.is(statusOf(api, 'vm-1').nodeName, 'web-2');
});

test('a host that came anew under the name of the old one has none of its Placements', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('vm-1')] });
  await run(api);
  api.delete(INSTANCES, inTeam('web-1'));
  api.create(INSTANCES, aHost('web-1', { metadata: { creationTimestamp: '2026-01-03T00:00:00Z' } }));
  const events = await run(api, '2026-01-04T00:00:00Z');
  assert.equal(
    events.map(({ reason }) => reason),
    ['HostGone', 'Scheduled'],
  );
  assert.is(ledgerOf(api, 'web-1')?.placements, 1);
});

test('what a crash interrupted is finished from the ledger', async () => {
  const api = world({ hosts: [aHost('web-1'), aHost('web-2')], placements: [aPlacement('vm-1')] });
  const { uid = '' } = api.get(PLACEMENTS, inTeam('vm-1')).metadata;
  const claims = [{ uid, name: 'vm-1', cpu: '2', memory: '8Gi' }];
  api.patch(INSTANCES, inTeam('web-2'), { status: { allocated: { claims } } }, 'status');
  await run(api);
  assert.is(statusOf(api, 'vm-1').nodeName, 'web-2');
  assert.is(ledgerOf(api, 'web-1'), undefined);
});

test('a ledger that was lost is made anew from the Placements, as far as there is room', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('vm-1'), aPlacement('vm-2')] });
  await run(api);
  api.patch(INSTANCES, inTeam('web-1'), { status: { allocated: null } }, 'status');
  await run(api);
  assert.is(ledgerOf(api, 'web-1')?.placements, 2);
  api.patch(INSTANCES, inTeam('web-1'), { status: { allocated: null, capacity: { cpu: '2' } } }, 'status');
  await run(api);
  assert.is(ledgerOf(api, 'web-1')?.placements, 1);
  const phases = api.all(PLACEMENTS).map(({ status }) => status?.phase);
  assert.equal(new Set(phases), new Set(['Bound', 'Unschedulable']));
});

test('entries of Placements that are gone, or bound elsewhere, leave the ledger', async () => {
  const api = world({ hosts: [aHost('web-1'), aHost('web-2')], placements: [aPlacement('vm-1')] });
  await run(api);
  const { uid = '' } = api.get(PLACEMENTS, inTeam('vm-1')).metadata;
  const [cpu, memory] = ['2', '8Gi'];
  const claims = [
    { uid: 'uid-gone', name: 'gone', cpu, memory },
    { uid, name: 'vm-1', cpu, memory },
  ];
  const other = statusOf(api, 'vm-1').nodeName === 'web-1' ? 'web-2' : 'web-1';
  api.patch(INSTANCES, inTeam(other), { status: { allocated: { claims } } }, 'status');
  await run(api);
  assert.equal(ledgerOf(api, other)?.claims, []);
});

test('a Placement follows the address of its host', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('vm-1')] });
  await run(api);
  const { score } = statusOf(api, 'vm-1');
  api.patch(INSTANCES, inTeam('web-1'), { status: { addresses: ['192.0.2.99'] } }, 'status');
  assert.equal(await run(api), []);
  assert.equal([statusOf(api, 'vm-1').address, statusOf(api, 'vm-1').score], ['192.0.2.99', score]);
});

test('amounts that make no sense refuse one Placement and leave one host out, and hold up nobody', async () => {
  const api = world({
    hosts: [aHost('broken', { status: { capacity: { cpu: 'many', memory: '1Gi' } } }), aHost('web-1')],
    placements: [
      aPlacement('absurd', { spec: { resources: { cpu: '99999999999999999', memory: '1' }, priority: 9 } }),
      aPlacement('vm-1'),
    ],
  });
  await run(api);
  assert.match(scheduled(api, 'absurd')?.message ?? '', 'too large');
  assert.is(statusOf(api, 'vm-1').nodeName, 'web-1');
});

test('more Placements than one round takes are all served', async () => {
  const hosts = Array.from({ length: 70 }, (_, index) =>
    aHost(`web-${index}`, { vmHost: { overcommit: { cpu: 100, memory: 100 } } }),
  );
  const placements = Array.from({ length: 1200 }, (_, index) => aPlacement(`vm-${index}`));
  const api = world({ hosts, placements });
  await run(api);
  assert.ok(api.all(PLACEMENTS).every(({ status }) => status?.phase === 'Bound'));
});

test('a status goes by the spec as it is, and a request that no host could ever meet stalls', async () => {
  const placements = [aPlacement('vm-1'), aPlacement('vm-2', wants('99')), aPlacement('vm-3', wants('4Q'))];
  const api = world({ hosts: [aHost('web-1')], placements });
  await run(api);
  const stalled = (name: string) => findCondition(statusOf(api, name).conditions, 'Stalled')?.status;
  assert.equal(['vm-1', 'vm-2', 'vm-3'].map(stalled), [undefined, undefined, 'True']);
  for (const name of ['vm-1', 'vm-2']) {
    api.patch(PLACEMENTS, inTeam(name), { metadata: { generation: 2 } });
  }
  const events = await run(api);
  for (const name of ['vm-1', 'vm-2']) {
    assert.is(statusOf(api, name).observedGeneration, 2, name);
    assert.is(findCondition(statusOf(api, name).conditions, 'Ready')?.observedGeneration, 2, name);
  }
  assert.equal(events, [], 'nothing is told twice');
});

test.run();
