// Requests that fit nowhere, however many and whatever they ask for, hold up none that fits: counted in decisions and in writes.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { PLACEMENTS } from '../../lib/api/resources.ts';
import { Scheduler } from '../../lib/scheduler/scheduler.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { ModelScheduler } from './model/scheduler.ts';
import { world } from './model/world.ts';

const phaseOf = (api: ModelApi, name: string) => api.get(PLACEMENTS, { namespace: 'team-a', name }).status?.phase;

const affinityTerm = (index: number) => ({
  topologyKey: 'rack',
  selector: { matchLabels: Object.fromEntries(Array.from({ length: 16 }, (_, term) => [`l${term}`, `v${index}`])) },
});

/** Ways to ask for what no host has, each a class of its own. */
const HOPELESS: ((index: number) => Partial<Placement['spec']>)[] = [
  (index) => ({ resources: { cpu: String(1000 + index), memory: '1Gi' } }),
  (index) => ({ pool: `nowhere-${index}` }),
  (index) => ({ spread: [{ topologyKey: `invented-${index}`, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] }),
  (index) => ({ affinity: { required: Array.from({ length: 8 }, () => affinityTerm(index)) } }),
];

const flood = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    aPlacement(`hopeless-${index}`, { spec: HOPELESS[index % HOPELESS.length]!(index) }),
  );

/** A gang that could have a place but for its last members. */
const hugeGang = (name: string, size: number) =>
  Array.from({ length: size }, (_, index) =>
    aPlacement(`${name}-${index}`, {
      spec: { group: { name, size, gang: true }, resources: { cpu: '1', memory: '1Gi' } },
    }),
  );

/** Rounds until nothing changes any more, and one call or cache behind no other. */
async function settled(api: ModelApi, scheduler: ModelScheduler): Promise<void> {
  for (let before = -1; before !== api.changes.length; ) {
    before = api.changes.length;
    await oneRound(scheduler);
  }
}

async function oneRound(scheduler: ModelScheduler): Promise<void> {
  scheduler.process.settle();
  scheduler.start();
  while (!scheduler.isIdle) {
    scheduler.process.settle();
    await setImmediate();
  }
}

/** How often the scheduler decides while `work` runs. */
async function decisionsOf(work: () => Promise<void>): Promise<number> {
  const { decide, decideGang } = Object.getOwnPropertyDescriptors(Scheduler.prototype);
  let count = 0;
  Scheduler.prototype.decide = function counted(request) {
    count++;
    return decide.value!.call(this, request);
  };
  Scheduler.prototype.decideGang = function counted(requests) {
    count += requests.length;
    return decideGang.value!.call(this, requests);
  };
  try {
    await work();
    return count;
  } finally {
    Object.defineProperties(Scheduler.prototype, { decide, decideGang });
  }
}

test('a bind beside those that fit nowhere costs decisions for it alone, and for a bounded number of those that may gain by it', async () => {
  const costs: number[] = [];
  for (const count of [100, 600]) {
    const api = world({ hosts: [aHost('web-1')], placements: [...flood(count), ...hugeGang('huge', 30)] });
    const scheduler = new ModelScheduler(api, createFakeClock());
    await settled(api, scheduler);
    const cost = await decisionsOf(async () => {
      api.create(PLACEMENTS, aPlacement('fits'));
      await oneRound(scheduler);
    });
    assert.is(phaseOf(api, 'fits'), 'Bound');
    costs.push(cost);
  }
  const [few, many] = costs as [number, number];
  // Half of them look at what others have: of these a round judges 200 again.
  assert.is(few, 1 + 50);
  assert.is(many, 1 + 200);
});

test('whoever fits is bound after a bounded number of writes, however many are to be told that they do not', async () => {
  const waits: number[] = [];
  for (const count of [100, 400]) {
    const api = world({ hosts: [aHost('web-1')], placements: flood(count) });
    const scheduler = new ModelScheduler(api, createFakeClock());
    scheduler.start();
    // The first of them are being told.
    while (scheduler.process.calls.length === 0) await setImmediate();
    api.create(PLACEMENTS, aPlacement('fits'));
    const before = api.changes.length;
    while (phaseOf(api, 'fits') !== 'Bound') {
      scheduler.process.settle();
      await setImmediate();
      if (scheduler.isIdle) scheduler.start();
    }
    waits.push(api.changes.length - before);
    scheduler.kill();
  }
  const [few, many] = waits as [number, number];
  assert.is(few, many);
  assert.ok(many <= 64 + 2, `${many} writes`);
});

test('a round refuses so many for the first time and no more, and all are told in the end', async () => {
  const api = world({ hosts: [aHost('web-1')], placements: flood(450) });
  const scheduler = new ModelScheduler(api, createFakeClock());
  const costs: number[] = [];
  for (let round = 0; round < 3; round++) costs.push(await decisionsOf(() => oneRound(scheduler)));
  assert.ok(Math.max(...costs) <= 200 + 64, `decisions: ${costs.join()}`);
  await settled(api, scheduler);
  const told = flood(450).map(({ metadata: { name } }) => api.get(PLACEMENTS, { namespace: 'team-a', name }).status);
  assert.is(told.filter((status) => (status?.conditions ?? []).length === 0).length, 0);
});

test('room that comes goes to the higher priority, though many more were refused before it', async () => {
  const full = { resources: { cpu: '15', memory: '8Gi' } };
  const high = { priority: 10 };
  const api = world({ hosts: [aHost('web-1')], placements: [aPlacement('first', { spec: { ...full, ...high } })] });
  const scheduler = new ModelScheduler(api, createFakeClock());
  await settled(api, scheduler);
  const created = { creationTimestamp: '2026-01-02T00:00:00Z' };
  api.create(PLACEMENTS, aPlacement('patient', { metadata: created, spec: { ...full, ...high } }));
  for (const { metadata, spec } of flood(450))
    api.create(PLACEMENTS, aPlacement(metadata.name, { spec: { ...spec, ...high } }));
  await settled(api, scheduler);
  api.delete(PLACEMENTS, { namespace: 'team-a', name: 'first' });
  api.create(PLACEMENTS, aPlacement('late', { spec: full }));
  await settled(api, scheduler);
  assert.is(phaseOf(api, 'patient'), 'Bound');
  assert.is.not(phaseOf(api, 'late'), 'Bound');
});

test.run();
