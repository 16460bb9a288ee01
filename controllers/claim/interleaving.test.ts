// test-deadline: 600
// Two schedulers at once, paused and killed anywhere, with lagging caches and lost calls: at no moment has a device two
// claims, an Instance two devices or a namespace more than its quota, and in the end everybody who can be served is.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CapacityQuota, Device } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, DEVICE_TYPES, DEVICES, IMAGES, INSTANCES, SITES } from '../../lib/api/resources.ts';
import { holderOf } from '../../lib/scheduler/kubernetes/allowance.ts';
import { type Change, ModelApi } from './model/api.ts';
import { type Choices, createChoices } from './model/choices.ts';
import { aDevice, anImage, anInstance, aQuota, aSite, aType } from './model/fixtures.ts';
import type { Call, Fate } from './model/process.ts';
import { ModelScheduler } from './model/scheduler.ts';

const DEVICE_COUNT = 4;
/** Each a race of its own; thousands for a soak. */
const SEEDS = Number(process.env.SEEDS ?? 60);
const STEPS = 250;

const QUOTA = { namespace: 'team-a', name: 'few' };
const limitOf = ({ spec }: CapacityQuota): number => Number(spec.hard['devices']);
const claimsOf = ({ status }: CapacityQuota) => status?.claims ?? [];

const FATES: readonly Fate[] = ['answered', 'answered', 'answered', 'answered', 'answer lost', 'lost'];

/** The world around the schedulers: people, and the Device and Instance controllers in the shortest form. */
class World {
  readonly api = new ModelApi();
  /** What was found wrong, at the moment when it was. */
  violation: string | undefined;
  readonly #random: Choices;
  #instances = 0;
  #counted = 0;

  constructor(random: Choices) {
    this.#random = random;
    this.api.create(SITES, aSite('fra1'));
    this.api.create(DEVICE_TYPES, aType('small'));
    this.api.create(IMAGES, anImage('debian-12'));
    for (let index = 1; index <= DEVICE_COUNT; index++) this.api.create(DEVICES, aDevice(`d${index}`));
    if (random.chance(0.5)) this.api.create(CAPACITY_QUOTAS, aQuota(QUOTA.name, { devices: 1 + random.below(4) }));
    this.api.observe = (change) => {
      this.#check(change);
      this.#checkQuota(change);
    };
  }

  /** There from the beginning, so that nothing is claimed without it. */
  get quota(): CapacityQuota | undefined {
    return this.api.all(CAPACITY_QUOTAS)[0];
  }

  #checkQuota({ resource }: Change): void {
    const { quota } = this;
    if (!quota) return;
    const holders = claimsOf(quota).map(holderOf);
    if (new Set(holders).size < holders.length) this.violation = 'somebody is counted twice';
    const devices = this.api.all(DEVICES);
    for (const { metadata, spec } of devices) {
      if (!spec.claimRef || holders.includes(spec.claimRef.uid)) continue;
      this.violation = `${metadata.name} is claimed, and the quota does not count it`;
    }
    // Who has yet to see that a device was given back may count it once more: void, by which nothing is claimed.
    const good = claimsOf(quota).filter(({ uid }) => {
      const [holder, name, resourceVersion] = uid.split('@');
      const device = devices.find(({ metadata }) => metadata.name === name);
      return device?.spec.claimRef?.uid === holder || device?.metadata.resourceVersion === resourceVersion;
    });
    if (resource === CAPACITY_QUOTAS && good.length > this.#counted && good.length > limitOf(quota)) {
      this.violation = `the quota of ${limitOf(quota)} grew to ${good.length}`;
    }
    this.#counted = good.length;
  }

  #check(change: Change): void {
    if (change.resource !== DEVICES) return;
    const uids = this.api.all(DEVICES).flatMap(({ spec }) => spec.claimRef?.uid ?? []);
    if (new Set(uids).size < uids.length) this.violation = `an Instance has two devices: ${uids.join(' ')}`;
  }

  step(): void {
    const { api } = this;
    const random = this.#random;
    const devices = api.all(DEVICES);
    const device = random.pick(devices);
    const instances = api.all(INSTANCES);
    const action = random.below(7);
    if (action === 0 && instances.length < DEVICE_COUNT + 2) {
      api.create(INSTANCES, anInstance(`i${++this.#instances}`, { spec: { priority: random.below(3) } }));
    } else if (action === 1 && instances.length > 0) api.delete(INSTANCES, random.pick(instances).metadata);
    else if (action === 2) this.#runDevice(device);
    else if (action === 3 && instances.length > 0) this.#runInstance(random.pick(instances).metadata.name);
    else if (action === 4)
      api.patch(
        DEVICES,
        device.metadata,
        { status: { power: { observedAt: String(random.below(1_000_000)) } } },
        'status',
      );
    else if (action === 5) {
      const enabled = !device.spec.maintenance?.enabled && random.chance(0.3);
      api.patch(DEVICES, device.metadata, { spec: { maintenance: { enabled } } });
    } else if (action === 6 && this.quota) {
      api.patch(CAPACITY_QUOTAS, QUOTA, { spec: { hard: { devices: 1 + random.below(4) } } });
    }
  }

  /** Takes a claim up; lets it go when its Instance does; is offered again when it has none. */
  #runDevice(device: Device): void {
    const { claimRef } = device.spec;
    const owner = claimRef && this.api.all(INSTANCES).find(({ metadata }) => metadata.uid === claimRef.uid);
    const goes = claimRef && (!owner || owner.metadata.deletionTimestamp !== undefined);
    if (goes) this.#status(device, { phase: 'Cleaning', releasedClaimUID: claimRef.uid });
    else if (claimRef) this.#status(device, { phase: 'InUse', installed: { instanceUID: claimRef.uid } });
    else this.#status(device, { phase: 'Available', installed: null, releasedClaimUID: null });
  }

  #status(device: Device, status: object): void {
    this.api.patch(DEVICES, device.metadata, { status }, 'status');
  }

  /** Lets an Instance on its way out go once no device is claimed by it. */
  #runInstance(name: string): void {
    const instance = this.api.get(INSTANCES, { namespace: 'team-a', name });
    const held = this.api.all(DEVICES).some(({ spec }) => spec.claimRef?.uid === instance.metadata.uid);
    if (instance.metadata.deletionTimestamp === undefined || held) return;
    this.api.patch(INSTANCES, instance.metadata, { metadata: { finalizers: null } });
  }

  /** Everything that the other controllers have to do, until there is nothing left. */
  finish(): void {
    for (const device of this.api.all(DEVICES)) {
      this.api.patch(DEVICES, device.metadata, { spec: { maintenance: null } });
      this.#runDevice(this.api.get(DEVICES, device.metadata));
    }
    for (const instance of this.api.all(INSTANCES)) this.#runInstance(instance.metadata.name);
  }
}

/** Two schedulers, and what is left under way of those that were killed. */
class Race {
  readonly world: World;
  readonly #random: Choices;
  readonly #schedulers: ModelScheduler[];
  readonly #orphaned: Call[] = [];

  constructor(random: Choices) {
    this.#random = random;
    this.world = new World(random);
    this.#schedulers = [new ModelScheduler(this.world.api), new ModelScheduler(this.world.api)];
  }

  async step(): Promise<void> {
    const random = this.#random;
    const index = random.below(this.#schedulers.length);
    const scheduler = this.#schedulers[index]!;
    const action = random.below(20);
    if (action < 3) this.world.step();
    else if (action < 11 && scheduler.process.calls.length > 0) this.#happen(scheduler.process.calls);
    else if (action < 16) this.#deliver(scheduler);
    else if (action === 16 && random.chance(0.2)) this.#restart(index);
    else if (action === 17 && this.#orphaned.length > 0) this.#happen(this.#orphaned);
    else if (scheduler.isIdle) scheduler.start();
    await setImmediate();
  }

  #happen(calls: Call[]): void {
    calls.splice(this.#random.below(calls.length), 1)[0]!.happen(this.#random.pick(FATES));
  }

  #deliver({ process }: ModelScheduler): void {
    const behind = process.behind();
    const cache = this.#random.below(behind.length);
    for (let left = Math.min(behind[cache]!, 1 + this.#random.below(4)); left > 0; left--) process.deliver(cache);
  }

  #restart(index: number): void {
    const old = this.#schedulers[index]!;
    this.#orphaned.push(...old.process.calls);
    old.kill();
    this.#schedulers[index] = new ModelScheduler(this.world.api);
  }

  /** No more faults: rounds until nothing changes any more, also not by a round that began on what is current. */
  async finish(): Promise<void> {
    for (const call of this.#orphaned) call.happen('answer lost');
    const { api } = this.world;
    for (let quiet = 0; quiet < 2; ) {
      const before = api.changes.length;
      for (const scheduler of this.#schedulers) {
        scheduler.process.settle();
        if (scheduler.isIdle) scheduler.start();
        while (!scheduler.isIdle) {
          scheduler.process.settle();
          await setImmediate();
        }
      }
      this.world.finish();
      quiet = api.changes.length === before ? quiet + 1 : 0;
    }
  }
}

test('CAPM3 3516: one claim per device and per Instance at every moment, and nobody is forgotten', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const race = new Race(createChoices(seed));
    for (let step = 0; step < STEPS; step++) await race.step();
    await race.finish();
    assert.is(race.world.violation, undefined, `seed ${seed}`);
    const { api } = race.world;
    const claims = api.all(DEVICES).flatMap(({ spec }) => spec.claimRef?.uid ?? []);
    const instances = api.all(INSTANCES);
    assert.ok(
      instances.every(({ metadata }) => metadata.deletionTimestamp === undefined),
      `seed ${seed}: somebody cannot leave`,
    );
    const { quota } = race.world;
    const most = Math.min(DEVICE_COUNT, instances.length);
    const isFull = quota !== undefined && claims.length >= limitOf(quota);
    assert.ok(claims.length === most || isFull, `seed ${seed}: a device is free and somebody waits`);
    if (quota) {
      const message = `seed ${seed}: the quota counts what is claimed, and nothing else`;
      assert.equal(claimsOf(quota).map(holderOf).sort(), claims.toSorted(), message);
    }
    assert.ok(
      claims.every((uid) => instances.some(({ metadata }) => metadata.uid === uid)),
      `seed ${seed}: a claim of nobody`,
    );
  }
});

test.run();
