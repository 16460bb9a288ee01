// What rounds come to when nothing goes wrong on the way: who gets which device, and what people are told.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { DEVICE_INVENTORIES, DEVICE_TYPES, DEVICES, IMAGES, INSTANCES, SITES } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { PASSED_OVER, SELECTED_DEVICE } from './claims.ts';
import type { ModelApi } from './model/api.ts';
import { aDevice, anImage, anInstance, aSite, aType } from './model/fixtures.ts';
import type { Call } from './model/process.ts';
import { ModelScheduler } from './model/scheduler.ts';
import { runRounds as run, world } from './model/world.ts';

const claimOf = (api: ModelApi, device: string) => api.get(DEVICES, { name: device }).spec.claimRef?.name;
const inTeam = (name: string) => ({ namespace: 'team-a', name });
const scheduled = (api: ModelApi, name: string) =>
  findCondition(api.get(INSTANCES, inTeam(name)).status?.conditions, 'Scheduled');

test('a device is claimed, the Instance says so, and an event tells it once', async () => {
  const api = world({ devices: [aDevice('d1')], instances: [anInstance('web-1')] });
  const events = await run(api);
  const { claimRef } = api.get(DEVICES, { name: 'd1' }).spec;
  assert.equal(claimRef, { namespace: 'team-a', name: 'web-1', uid: api.get(INSTANCES, inTeam('web-1')).metadata.uid });
  const { status, reason, message } = scheduled(api, 'web-1')!;
  assert.equal([status, reason, message], ['True', 'Claimed', 'has device d1']);
  assert.equal(events, [{ name: 'web-1', reason: 'Scheduled', note: 'has device d1' }]);
});

test('one free device goes to the first in turn: by priority, then age, then name', async () => {
  const older = { creationTimestamp: '2025-12-31T00:00:00Z' };
  const turns: [Instance, Instance][] = [
    [anInstance('b', { spec: { priority: 10 } }), anInstance('a', { metadata: older })],
    [anInstance('b', { metadata: older }), anInstance('a')],
    [anInstance('a'), anInstance('b')],
  ];
  for (const [first, second] of turns) {
    const api = world({ devices: [aDevice('d1')], instances: [second, first] });
    await run(api);
    assert.is(claimOf(api, 'd1'), first.metadata.name);
    assert.is(scheduled(api, second.metadata.name)?.message, '0/1 devices fit: 1 in use');
  }
});

test('what cannot be served says why over all devices, and holds up nobody', async () => {
  const other = (name: string, spec: Partial<Device['spec']>) => aDevice(name, { spec });
  const api = world({
    devices: [
      aDevice('free'),
      other('large-1', { deviceType: 'large' }),
      other('large-2', { deviceType: 'large' }),
      other('pool', { pool: 'lab' }),
      other('taint', { taints: [{ key: 'broken-fan', effect: 'NoSchedule' }] }),
      other('kept', { maintenance: { enabled: true } }),
      aDevice('cleaning', { status: { phase: 'Cleaning' } }),
      aDevice('new', { status: { phase: 'Registering' } }),
      aDevice('unready', { status: { phase: 'Available', conditions: [] } }),
    ],
    instances: [
      anInstance('nowhere', { spec: { priority: 100, site: 'ams1' } }),
      anInstance('first', { spec: { priority: 1 } }),
      anInstance('second'),
    ],
  });
  const events = await run(api);
  assert.is(claimOf(api, 'free'), 'first');
  assert.is(scheduled(api, 'nowhere')?.message, '0/9 devices fit: 8 other site, 1 other pool');
  assert.is(
    scheduled(api, 'second')?.message,
    '0/9 devices fit: 2 other type, 1 being cleaned, 1 in maintenance, 1 in use, 1 not available, 1 not ready, 1 other pool, 1 taint broken-fan',
  );
  assert.is(scheduled(api, 'second')?.reason, 'Unschedulable');
  assert.is(events.filter(({ name, reason }) => name === 'second' && reason === 'FailedScheduling').length, 1);
});

test('deviceName, labels, region and tolerations choose', async () => {
  const api = world({
    devices: [
      aDevice('d1'),
      aDevice('d2'),
      aDevice('d3', { metadata: { labels: { disk: 'nvme' } } }),
      aDevice('d4', { spec: { taints: [{ key: 'gpu', value: 'a100', effect: 'NoSchedule' }], site: 'ams1' } }),
    ],
    instances: [
      anInstance('by-name', { spec: { deviceName: 'd2', priority: 3 } }),
      anInstance('by-label', { spec: { deviceSelector: { matchLabels: { disk: 'nvme' } }, priority: 2 } }),
      anInstance('by-region', {
        spec: { region: 'west', tolerations: [{ key: 'gpu', operator: 'Exists' }], priority: 1 },
      }),
      anInstance('by-type'),
    ],
  });
  api.create(SITES, aSite('ams1', { region: 'west' }));
  await run(api);
  const claims = ['d1', 'd2', 'd3', 'd4'].map((device) => claimOf(api, device));
  assert.equal(claims, ['by-type', 'by-name', 'by-label', 'by-region']);
});

test('the smallest machine that is enough is taken, by what was collected on it', async () => {
  const api = world({
    devices: [aDevice('a-huge'), aDevice('b-small'), aDevice('c-middle')],
    instances: [anInstance('web-1')],
  });
  for (const [name, cores] of [
    ['a-huge', 64],
    ['b-small', 8],
    ['c-middle', 16],
  ] as const) {
    api.create(DEVICE_INVENTORIES, {
      metadata: { name },
      spec: { collectedAt: '', operationID: 'op', serialNumber: name, cpu: { cores }, memory: { total: '64Gi' } },
    });
  }
  await run(api);
  assert.is(claimOf(api, 'b-small'), 'web-1');
});

test('among equals, a namespace gets its devices in different racks', async () => {
  const inRack = (name: string, rack: string) => aDevice(name, { spec: { location: { rack } } });
  const api = world({
    devices: [inRack('d1', 'r1'), inRack('d2', 'r1'), inRack('d3', 'r2'), inRack('d4', 'r3')],
    instances: [anInstance('a'), anInstance('b'), anInstance('c')],
  });
  await run(api);
  assert.equal(
    ['d1', 'd2', 'd3', 'd4'].map((device) => claimOf(api, device)),
    ['a', undefined, 'b', 'c'],
  );
});

test('an image that is not there claims nothing and says what to do; once it is there, the claim is made', async () => {
  const api = world({ devices: [aDevice('d1')], instances: [anInstance('web-1', { spec: { image: 'plan9' } })] });
  await run(api);
  assert.is(claimOf(api, 'd1'), undefined);
  assert.is(scheduled(api, 'web-1')?.reason, 'ImageNotFound');
  assert.match(scheduled(api, 'web-1')?.message ?? '', 'create it');
  api.create(IMAGES, anImage('plan9'));
  await run(api);
  assert.is(claimOf(api, 'd1'), 'web-1');
});

test('an image of another architecture, boot mode or not allowed on the type fits no device', async () => {
  const api = world({ devices: [aDevice('d1')] });
  api.create(DEVICE_TYPES, aType('picky', { allowedImages: ['debian-12'] }));
  api.create(DEVICES, aDevice('d2', { spec: { deviceType: 'picky' } }));
  api.create(IMAGES, anImage('arm', { architecture: 'aarch64' }));
  api.create(IMAGES, anImage('old', { bootModes: ['BIOS'] }));
  api.create(IMAGES, anImage('other'));
  api.create(INSTANCES, anInstance('arm', { spec: { image: 'arm' } }));
  api.create(INSTANCES, anInstance('old', { spec: { image: 'old' } }));
  api.create(INSTANCES, anInstance('other', { spec: { image: 'other', deviceType: 'picky' } }));
  await run(api);
  assert.is(scheduled(api, 'arm')?.message, '0/2 devices fit: 1 cannot run the image, 1 other type');
  assert.is(scheduled(api, 'old')?.message, '0/2 devices fit: 1 cannot run the image, 1 other type');
  assert.is(scheduled(api, 'other')?.message, '0/2 devices fit: 1 cannot run the image, 1 other type');
});

test('an Instance that names volumes gets a device whose type gives them', async () => {
  const api = world({ devices: [aDevice('d1')] });
  api.create(DEVICE_TYPES, aType('storage', { volumes: [{ name: 'root' }, { name: 'data' }] }));
  api.create(DEVICES, aDevice('d2', { spec: { deviceType: 'storage' } }));
  for (const [name, ...volumes] of [
    ['files', 'data'],
    ['tapes', 'data', 'tapes'],
  ] as const) {
    const { spec, ...rest } = anInstance(name);
    const { deviceType: _any, ...wanted } = { ...spec, volumes: volumes.map((volume) => ({ name: volume })) };
    api.create(INSTANCES, { ...rest, spec: wanted });
  }
  await run(api);
  assert.is(claimOf(api, 'd2'), 'files');
  assert.is(scheduled(api, 'tapes')?.message, '0/2 devices fit: 2 other volumes');
});

test('CAPM3 1004: of two schedulers that decide for one device at once, one gets it, and the other finds it taken', async () => {
  const api = world({ devices: [aDevice('d1')], instances: [anInstance('a')] });
  const [one, other] = [new ModelScheduler(api), new ModelScheduler(api)];
  // Only the second one sees it yet, and prefers it.
  api.create(INSTANCES, anInstance('b', { spec: { priority: 10 } }));
  other.process.deliverAll(INSTANCES);
  const isClaim = ({ what }: Call) => what.includes('claimRef');
  for (const scheduler of [one, other]) {
    scheduler.start();
    while (!scheduler.process.calls.some(isClaim)) {
      for (const call of scheduler.process.calls.splice(0)) call.happen('answered');
      await setImmediate();
    }
  }
  while (!one.isIdle || !other.isIdle) {
    for (const { process } of [one, other]) for (const call of process.calls.splice(0)) call.happen('answered');
    await setImmediate();
  }
  assert.is(claimOf(api, 'd1'), 'a');
  assert.is(scheduled(api, 'b'), undefined, 'it has nothing, and was told nothing');
  const claims = api.changes.flatMap(({ resource, object }) =>
    resource === DEVICES ? ((object as Device).spec.claimRef?.name ?? []) : [],
  );
  assert.equal([...new Set(claims)], ['a'], "it was never anybody else's");
  await run(api);
  assert.is(claimOf(api, 'd1'), 'a');
  assert.is(scheduled(api, 'b')?.message, '0/1 devices fit: 1 in use');
});

test('who is first in turn stays so when somebody else has just written to it', async () => {
  const api = world({ devices: [aDevice('d1')], instances: [anInstance('a'), anInstance('b')] });
  const scheduler = new ModelScheduler(api);
  // The cache does not show it yet, so the first try for "a" is refused.
  api.patch(INSTANCES, inTeam('a'), { status: { phase: 'Pending' } }, 'status');
  scheduler.start();
  while (!scheduler.isIdle) {
    for (const call of scheduler.process.calls.splice(0)) call.happen('answered');
    await setImmediate();
  }
  assert.is(claimOf(api, 'd1'), undefined);
  assert.is(scheduled(api, 'b'), undefined);
  await run(api);
  assert.is(claimOf(api, 'd1'), 'a');
});

test('no claim is made for an Instance without the finalizer or on its way out', async () => {
  const api = world({
    devices: [aDevice('d1')],
    instances: [anInstance('bare', { metadata: { finalizers: [] } }), anInstance('going')],
  });
  api.delete(INSTANCES, inTeam('going'));
  await run(api);
  assert.is(claimOf(api, 'd1'), undefined);
});

test('a claim goes when the device is done with it, and only then', async () => {
  const api = world({ devices: [aDevice('d1')], instances: [anInstance('web-1')] });
  await run(api);
  const { uid } = api.get(INSTANCES, inTeam('web-1')).metadata;
  api.delete(INSTANCES, inTeam('web-1'));
  api.patch(DEVICES, { name: 'd1' }, { status: { phase: 'Cleaning', releasedClaimUID: 'another' } }, 'status');
  await run(api);
  assert.is(claimOf(api, 'd1'), 'web-1');
  api.patch(DEVICES, { name: 'd1' }, { status: { releasedClaimUID: uid } }, 'status');
  const events = await run(api);
  assert.is(claimOf(api, 'd1'), undefined);
  assert.is(events[0]?.reason, 'Released');
});

test('a claim whose Instance is gone goes while nothing was done on the device; afterwards the device decides', async () => {
  const claimRef = { namespace: 'team-a', name: 'gone', uid: 'uid-gone' };
  const installed = { instanceUID: claimRef.uid };
  const api = world({
    devices: [
      aDevice('idle', { spec: { claimRef } }),
      aDevice('busy', { spec: { claimRef: { ...claimRef, uid: 'uid-2' } }, status: { phase: 'InUse' } }),
      aDevice('full', {
        spec: { claimRef: { ...claimRef, uid: 'uid-3' } },
        status: { phase: 'Available', installed: { ...installed, instanceUID: 'uid-3' } },
      }),
    ],
  });
  await run(api);
  assert.equal(
    ['idle', 'busy', 'full'].map((name) => claimOf(api, name)),
    [undefined, 'gone', 'gone'],
  );
});

test('cluster-api-provider-baremetal 275: of two claims of one Instance the one on which nothing was done goes, never both', async () => {
  for (const started of ['d1', 'd2', undefined]) {
    const api = world({ devices: [aDevice('d1'), aDevice('d2')], instances: [anInstance('web-1')] });
    const { uid = '' } = api.get(INSTANCES, inTeam('web-1')).metadata;
    for (const name of ['d1', 'd2']) {
      api.patch(DEVICES, { name }, { spec: { claimRef: { namespace: 'team-a', name: 'web-1', uid } } });
    }
    if (started) api.patch(DEVICES, { name: started }, { status: { phase: 'InUse' } }, 'status');
    await run(api);
    const kept = started ?? 'd1';
    assert.equal(
      ['d1', 'd2'].filter((name) => claimOf(api, name)),
      [kept],
    );
    assert.is(scheduled(api, 'web-1')?.message, `has device ${kept}`);
  }
});

test('a claim whose answer was lost is found, not made again elsewhere', async () => {
  const api = world({ devices: [aDevice('d1'), aDevice('d2')], instances: [anInstance('web-1')] });
  const scheduler = new ModelScheduler(api);
  scheduler.start();
  while (!scheduler.isIdle) {
    for (const call of scheduler.process.calls.splice(0)) {
      call.happen(call.what.includes('claimRef') ? 'answer lost' : 'answered');
    }
    await setImmediate();
  }
  scheduler.kill();
  await run(api);
  assert.equal(
    ['d1', 'd2'].map((name) => claimOf(api, name)),
    ['web-1', undefined],
  );
});

test('metal-api 195, 215, 228: a selection that a crash left is carried out if it still fits, and passed over if not', async () => {
  for (const fits of [true, false]) {
    const api = world({ devices: [aDevice('d1'), aDevice('d2')] });
    const { resourceVersion } = api.get(DEVICES, { name: 'd2' }).metadata;
    const annotations = { [SELECTED_DEVICE]: `d2@${resourceVersion}` };
    api.create(INSTANCES, anInstance('web-1', { metadata: { annotations }, spec: fits ? {} : { deviceName: 'd1' } }));
    await run(api);
    assert.is(claimOf(api, fits ? 'd2' : 'd1'), 'web-1');
    assert.is(PASSED_OVER in (api.get(DEVICES, { name: 'd2' }).metadata.annotations ?? {}), !fits);
  }
});

test.run();
