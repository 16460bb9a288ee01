// Devices as nodes: what a table kept from round to round says is what one made anew says.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { profilesFor } from '../../lib/scheduler/kubernetes/device-profile.ts';
import { deviceRequest } from '../../lib/scheduler/kubernetes/device-request.ts';
import { type DeviceFacts, deviceNode, Fleet, stateOf } from '../../lib/scheduler/kubernetes/devices.ts';
import { builtIn } from '../../lib/scheduler/profiles.ts';
import { Scheduler } from '../../lib/scheduler/scheduler.ts';
import { type Choices, createChoices } from './model/choices.ts';
import { aDevice, anImage, anInstance, aSite, aType } from './model/fixtures.ts';
import { byTurn } from './turns.ts';

const types = [aType('small'), aType('large', { hardware: { minCores: 64 } })];

function randomDevice(random: Choices, name: string): DeviceFacts {
  const claimRef = { namespace: 'team-a', name: 'web-1', uid: `uid-${random.below(100)}` };
  const type = random.pick(types);
  const device = aDevice(name, {
    spec: {
      deviceType: type.metadata.name,
      location: { rack: `r${random.below(3)}` },
      ...(random.chance(0.3) && { claimRef }),
      ...(random.chance(0.1) && { taints: [{ key: 'slow', effect: 'NoSchedule' }] }),
      ...(random.chance(0.1) && { maintenance: { enabled: true } }),
    },
    status: { phase: random.pick(['Available', 'Available', 'Available', 'Cleaning', 'Registering'] as const) },
  });
  return { device, type, site: aSite('fra1') };
}

test('a fleet brought up to date answers as one made anew, whatever came, went and changed', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createChoices(seed);
    const kept = new Fleet();
    const keptScheduler = new Scheduler(kept.table, profilesFor(builtIn()));
    const devices = new Map<string, DeviceFacts>();
    for (let round = 0; round < 12; round++) {
      for (let change = 0; change < 3; change++) {
        const name = `d${random.below(8)}`;
        if (random.chance(0.3)) devices.delete(name);
        else devices.set(name, randomDevice(random, name));
      }
      kept.update(devices.values());
      const fresh = new Fleet();
      fresh.update(devices.values());
      const freshScheduler = new Scheduler(fresh.table, profilesFor(builtIn()));
      for (const deviceType of ['small', 'large']) {
        const request = deviceRequest(anInstance('web-1', { spec: { deviceType } }), anImage('debian-12'), types);
        assert.equal(keptScheduler.decide(request), freshScheduler.decide(request), `seed ${seed}, round ${round}`);
      }
      // A claim that could not be written, as the next round finds it.
      const [first] = devices.keys();
      if (first !== undefined) kept.claim(first, 'team-a');
    }
  }
});

test('only a device that is put away, ready and at peace is on offer', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'Ok', message: '', lastTransitionTime: '' } as const;
  const cases: [Partial<Device['spec']>, Device['status'], string | undefined][] = [
    [{}, { phase: 'Available' }, undefined],
    [{}, { phase: 'InUse', conditions: [] }, undefined],
    [{}, { phase: 'Available', conditions: [{ ...ready, status: 'False' }] }, 'not ready'],
    [{}, { phase: 'Cleaning' }, 'being cleaned'],
    [{}, { phase: 'Maintenance' }, 'in maintenance'],
    [{ maintenance: { enabled: true } }, { phase: 'Available' }, 'in maintenance'],
    ...(['Registering', 'Collecting', 'Imported', 'PuttingAway', 'Removed'] as const).map(
      (phase) => [{}, { phase }, 'not available'] as [object, Device['status'], string],
    ),
  ];
  for (const [spec, status, state] of cases) {
    assert.is(stateOf(aDevice('d1', { spec, status })), state, JSON.stringify({ spec, status }));
  }
  assert.is(stateOf(aDevice('d1', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })), 'being deleted');
});

test('sizes that make no sense count as none', () => {
  const spec = { collectedAt: '', operationID: 'op', serialNumber: 's', cpu: { cores: -4 }, memory: { total: 'lots' } };
  const inventory = {
    apiVersion: '',
    kind: '',
    metadata: { name: 'd1' },
    spec: { ...spec, disks: [{ size: '1Ti' }, { size: '?' }] },
  };
  const { capacity } = deviceNode({ device: aDevice('d1'), inventory });
  assert.equal(capacity, { cpu: 0, memory: 0, storage: 2 ** 40, gpu: 0 });
});

test('turns are a total order', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = createChoices(seed);
    const instances = Array.from({ length: 12 }, (_, index) =>
      anInstance(`i${index}`, {
        metadata: { creationTimestamp: `2026-01-01T00:00:0${random.below(3)}Z` },
        spec: { priority: random.below(3) - 1 },
      }),
    );
    const order = instances.toSorted(byTurn).map(({ metadata }) => metadata.name);
    assert.equal(
      instances
        .toReversed()
        .sort(byTurn)
        .map(({ metadata }) => metadata.name),
      order,
    );
    assert.ok(
      instances.every((a) => instances.every((b) => Math.sign(byTurn(a, b)) === -Math.sign(byTurn(b, a)) || a === b)),
    );
  }
});

test.run();
