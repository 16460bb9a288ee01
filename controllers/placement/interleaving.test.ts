// test-deadline: 600
// Two schedulers at once, paused and killed anywhere, with lagging caches and lost calls: at no moment does a host hold more
// than it has or a namespace more than its quota, nothing bound is without its entry in their ledgers, a reservation is
// redeemed once at most and its room its redeemer's at once, and in the end nothing is lost and nothing leaks.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CapacityQuota, Placement } from '../../lib/api/generated.ts';
import { millicores } from '../../lib/api/quantity.ts';
import { CAPACITY_QUOTAS, HOSTS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import type { Resource } from '../../lib/kube/resource.ts';
import { type Clock, timestamp } from '../../lib/runtime/clock.ts';
import { holderOf } from '../../lib/scheduler/kubernetes/allowance.ts';
import {
  entriesOf,
  type HostObject,
  hostKey,
  isForeign,
  placementOf,
} from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import { type Change, ModelApi } from '../claim/model/api.ts';
import { type Choices, createChoices } from '../claim/model/choices.ts';
import { aQuota } from '../claim/model/fixtures.ts';
import type { Call, Fate } from '../claim/model/process.ts';
import { isGangMember } from './gangs.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { ModelScheduler } from './model/scheduler.ts';
import { isVoid } from './quotas.ts';
import { awaitsReservation, boundTo, heldAt, isRedeemed, isReservation } from './status.ts';

const HOST_COUNT = 3;
/** Run by somebody else. */
const FOREIGN = 'h3';
const MOST_PLACEMENTS = 12;
/** Each a race of its own; thousands for a soak. */
const SEEDS = Number(process.env.SEEDS ?? 40);
const STEPS = 400;

const FATES: readonly Fate[] = ['answered', 'answered', 'answered', 'answered', 'answered', 'answer lost', 'lost'];
const inTeam = (name: string) => ({ namespace: 'team-a', name });
type Group = NonNullable<Placement['spec']['group']>;
const KEPT: Group = { name: 'kept', size: 1, maxUnavailable: 0 };
const SIZES = ['1', '2', '3', '1500m'];

/** Of twelve cores that hosts have. */
const QUOTAS = ['5', '8', '10', '20'];
const QUOTA = inTeam('small');

type Claims = NonNullable<NonNullable<CapacityQuota['status']>['claims']>;
const sumOf = (claims: Claims = []): number =>
  claims.reduce((sum, { amounts }) => sum + millicores(amounts['cpu'] ?? 0), 0);
const limitOf = ({ spec }: CapacityQuota): number => millicores(spec.hard['cpu'] ?? 0);

const cpuOf = (placement: Placement): number => millicores(placement.spec.resources.cpu);

const hostsIn = (api: ModelApi): HostObject[] => [...api.all(INSTANCES), ...api.all(HOSTS)];
const resourceOf = (host: HostObject): Resource => (isForeign(host) ? HOSTS : INSTANCES);

/** The world around the schedulers: people, and the Instance controller in the shortest form. */
class World {
  readonly api = new ModelApi();
  /** What was found wrong, at the moment when it was. */
  violation: string | undefined;
  /** A second passes with every other thing that happens out there. */
  readonly clock: Clock = { ...createFakeClock(), now: () => Date.UTC(2026, 0, 1) + this.#seconds * 1000 };
  readonly #random: Choices;
  #placements = 0;
  #devices = 0;
  #seconds = 0;
  #counted = 0;
  /** By uid of a reservation, the uid of who redeems it. */
  readonly #redeemers = new Map<string, string>();
  /** By uid of a redeemer, the reservation whose room it is to get. */
  readonly #promises = new Map<string, Placement>();

  constructor(random: Choices) {
    this.#random = random;
    for (let index = 1; index <= HOST_COUNT; index++) this.#addHost(`h${index}`);
    if (random.chance(0.5)) this.api.create(CAPACITY_QUOTAS, aQuota(QUOTA.name, { cpu: random.pick(QUOTAS) }));
    this.api.observe = (change) => {
      this.#check();
      this.#checkQuota(change);
      this.#checkReservations();
    };
  }

  /** Four cores, on another device each time. */
  #addHost(name: string): void {
    const creationTimestamp = timestamp(this.clock.now());
    const resources = { cpu: '4', memory: '64Gi' };
    const machine = `d${++this.#devices}`;
    if (name === FOREIGN) {
      const metadata = { ...inTeam(name), finalizers: ['example.com/kept'], creationTimestamp };
      this.api.create(HOSTS, {
        metadata,
        spec: { resources, address: machine },
      });
    } else {
      const metadata = { finalizers: ['bmp.dev/instance'], creationTimestamp };
      this.api.create(INSTANCES, aHost(name, { metadata, status: { capacity: resources, deviceName: machine } }));
    }
  }

  /** Some are in a group whose members nobody may send away, some are of a gang of two. */
  #group(): Group {
    if (this.#random.chance(0.2)) return { name: `gang-${this.#placements}`, size: 2, gang: true };
    return this.#random.chance(0.5) ? KEPT : { name: 'any', size: 1, maxUnavailable: 500 };
  }

  #check(): void {
    for (const host of hostsIn(this.api)) {
      const entries = entriesOf(host);
      const held = new Set(entries.map(placementOf));
      const sum = entries.reduce((total, entry) => total + millicores(entry.cpu), 0);
      if (sum > 4000) this.violation = `${host.metadata.name} holds ${sum}`;
      for (const placement of this.api.all(PLACEMENTS)) {
        if (boundTo(placement) !== hostKey(host) || this.#isOther(placement, host)) continue;
        if (placement.metadata.deletionTimestamp !== undefined) continue;
        if (held.has(placement.metadata.uid!)) continue;
        this.violation = `${placement.metadata.name} is bound to ${host.metadata.name}, whose ledger does not know`;
      }
    }
  }

  /** There from the beginning, so that nothing is bound without it. */
  get quota(): CapacityQuota | undefined {
    return this.api.all(CAPACITY_QUOTAS)[0];
  }

  #checkQuota({ resource }: Change): void {
    const { quota } = this;
    if (!quota) return;
    const counted = new Set((quota.status?.claims ?? []).map(holderOf));
    for (const placement of this.api.all(PLACEMENTS)) {
      const { name, uid, deletionTimestamp } = placement.metadata;
      if (boundTo(placement) === undefined || deletionTimestamp !== undefined || counted.has(uid!)) continue;
      this.violation = `${name} is bound, and the quota does not count it`;
    }
    if (counted.size < (quota.status?.claims ?? []).length) this.violation = 'somebody is counted twice';
    const byUid = new Map(this.api.all(PLACEMENTS).map((placement) => [placement.metadata.uid!, placement]));
    // Who has yet to see that somebody has left, or lost a place, may count them once more: void, by whom nothing is bound.
    const isGood = (claim: Claims[number]) => {
      const placement = byUid.get(holderOf(claim));
      // As is one who has yet to see that the room of a reservation was taken up.
      if (placement && counted.has(placement.status?.redeemedBy?.uid ?? '')) return false;
      return placement !== undefined && placement.metadata.deletionTimestamp === undefined && !isVoid(placement, claim);
    };
    const sum = sumOf(quota.status?.claims?.filter(isGood));
    if (resource === CAPACITY_QUOTAS && sum > this.#counted && sum > limitOf(quota)) {
      this.violation = `the quota of ${limitOf(quota)} grew to ${sum}`;
    }
    this.#counted = sum;
  }

  /** Whoever redeems a reservation is the only one ever, has its room in the ledger from then on, and gets it there. */
  #checkReservations(): void {
    const placements = this.api.all(PLACEMENTS);
    const byUid = new Map(placements.map((placement) => [placement.metadata.uid!, placement]));
    for (const reservation of placements) {
      const { name, uid, deletionTimestamp } = reservation.metadata;
      const by = reservation.status?.redeemedBy?.uid;
      const first = this.#redeemers.get(uid!);
      if (first !== undefined && by !== first) this.violation = `${name} was redeemed by ${first}, now ${by}`;
      if (isRedeemed(reservation) !== (by !== undefined)) this.violation = `${name} is redeemed by nobody`;
      if (by === undefined) continue;
      this.#redeemers.set(uid!, by);
      const redeemer = byUid.get(by);
      if (!redeemer || deletionTimestamp !== undefined || redeemer.metadata.deletionTimestamp !== undefined) continue;
      const home = hostsIn(this.api).find((host) => reservation.status?.nodeName === host.metadata.name);
      if (!home || this.#isOther(reservation, home)) continue;
      if (awaitsReservation(redeemer)) {
        this.#promises.set(by, reservation);
        const held = entriesOf(home).filter((entry) => [uid, by].includes(placementOf(entry)));
        if (held.length === 0) this.violation = `the room of ${name} is lost before ${redeemer.metadata.name} has it`;
      } else if (this.#promises.delete(by) && boundTo(redeemer) !== hostKey(home))
        this.violation = `${redeemer.metadata.name} is on ${boundTo(redeemer)}, not in the room of ${name}`;
    }
  }

  /** Bound to a host of that name that is gone. */
  #isOther({ status }: Placement, host: HostObject): boolean {
    return isForeign(host) ? status?.address !== host.spec.address : status?.deviceName !== host.status?.deviceName;
  }

  /** A reservation, or one who takes up what may be one. */
  #addReserving(resources: Placement['spec']['resources'], placements: readonly Placement[]): void {
    const reservations = placements.filter(isReservation);
    const isRedeemer = reservations.length > 0 && this.#random.chance(0.6);
    const taking = isRedeemer ? { from: this.#random.pick(reservations).metadata.name } : { reservation: true };
    const spec = { resources, priority: this.#random.below(3), ...taking };
    const metadata = this.#random.chance(0.3) ? { finalizers: ['example.com/kept'] } : {};
    this.api.create(PLACEMENTS, aPlacement(`p${++this.#placements}`, { metadata, spec }));
  }

  /** Where somebody holds it up, it goes when it is removed once more. */
  #remove({ metadata }: Placement): void {
    if (metadata.deletionTimestamp === undefined) this.api.delete(PLACEMENTS, metadata);
    else this.api.patch(PLACEMENTS, metadata, { metadata: { finalizers: null } });
  }

  /** Nobody holds anything up any more. */
  letGo(): void {
    for (const placement of this.api.all(PLACEMENTS)) {
      if (placement.metadata.deletionTimestamp !== undefined) this.#remove(placement);
    }
  }

  step(): void {
    const { api } = this;
    const random = this.#random;
    if (random.chance(0.5)) this.#seconds++;
    const placements = api.all(PLACEMENTS);
    const hosts = hostsIn(api);
    const action = random.below(10);
    if (action < 4 && placements.length < MOST_PLACEMENTS) {
      const cpu = random.pick(SIZES);
      const resources = { cpu, memory: '1Gi' };
      const group = this.#group();
      if (random.chance(0.4)) {
        this.#addReserving(resources, placements);
        return;
      }
      for (let members = group.gang ? group.size : 1; members > 0; members--) {
        const spec = { resources, priority: random.below(3), group };
        const metadata = random.chance(0.3) ? { finalizers: ['example.com/kept'] } : {};
        api.create(PLACEMENTS, aPlacement(`p${++this.#placements}`, { metadata, spec }));
      }
    } else if (action === 4 && placements.length > 0) this.#remove(random.pick(placements));
    else if (action === 5 && hosts.length > 0) {
      const host = random.pick(hosts);
      const reported = { observedGeneration: random.below(100) };
      api.patch(resourceOf(host), host.metadata, { status: reported }, 'status');
    } else if (action === 6 && hosts.length > 0 && random.chance(0.4)) {
      const host = random.pick(hosts);
      api.delete(resourceOf(host), host.metadata);
      api.patch(resourceOf(host), host.metadata, { metadata: { finalizers: null } });
    } else if (action === 7) {
      const missing = Array.from({ length: HOST_COUNT }, (_, index) => `h${index + 1}`).find(
        (name) => !hosts.some(({ metadata }) => metadata.name === name),
      );
      if (missing) this.#addHost(missing);
    } else if (action === 8 && this.quota) {
      api.patch(CAPACITY_QUOTAS, QUOTA, { spec: { hard: { cpu: random.pick(QUOTAS) } } });
    } else if (action === 9 && placements.length > 0) {
      const move = random.pick(['h1', 'h2', `host/${FOREIGN}`]);
      api.patch(PLACEMENTS, random.pick(placements).metadata, { spec: { requests: { move } } });
    }
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
    this.#schedulers = [
      new ModelScheduler(this.world.api, this.world.clock),
      new ModelScheduler(this.world.api, this.world.clock),
    ];
  }

  async step(): Promise<void> {
    const random = this.#random;
    const index = random.below(this.#schedulers.length);
    const scheduler = this.#schedulers[index]!;
    const action = random.below(20);
    if (action < 3) this.world.step();
    else if (action < 12 && scheduler.process.calls.length > 0) this.#happen(scheduler.process.calls);
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
    for (let left = Math.min(behind[cache]!, 1 + this.#random.below(8)); left > 0; left--) process.deliver(cache);
  }

  #restart(index: number): void {
    const old = this.#schedulers[index]!;
    this.#orphaned.push(...old.process.calls);
    old.kill();
    this.#schedulers[index] = new ModelScheduler(this.world.api, this.world.clock);
  }

  /** No more faults: rounds until nothing changes any more, also not by a round that began on what is current. */
  async finish(): Promise<void> {
    for (const call of this.#orphaned) call.happen('answer lost');
    this.world.letGo();
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
      quiet = api.changes.length === before ? quiet + 1 : 0;
    }
  }
}

const isLower = (one: Placement, other: Placement): boolean =>
  (one.spec.priority ?? 0) < (other.spec.priority ?? 0) && one.spec.group?.name !== KEPT.name && !isGangMember(one);

/** Who waits for a reservation that nobody took up has to ask for more than it holds, or not be let by a quota that was lowered. */
function checkWaits(
  placement: Placement,
  placements: readonly Placement[],
  quota: CapacityQuota | undefined,
  seed: number,
): void {
  const { name, uid } = placement.metadata;
  const reservation = placements.find(({ metadata }) => metadata.name === placement.spec.from);
  if (!reservation) return;
  if (isRedeemed(reservation) && reservation.status?.redeemedBy?.uid !== uid) return;
  const isHeld = boundTo(reservation) !== undefined || isRedeemed(reservation);
  if (!isHeld || cpuOf(placement) > cpuOf(reservation)) return;
  const lowered = quota && sumOf(quota.status?.claims) - cpuOf(reservation) + cpuOf(placement) > limitOf(quota);
  assert.ok(lowered, `seed ${seed}: ${name} waits though ${reservation.metadata.name} has room for it`);
}

function checkEnd({ api, quota }: World, seed: number): void {
  const placements = api.all(PLACEMENTS);
  const hosts = hostsIn(api);
  const waits = new Set(placements.filter(awaitsReservation).map(({ metadata }) => metadata.uid));
  const inLedgers = new Set(hosts.flatMap((host) => entriesOf(host).map(placementOf)));
  /** Redeemed, and its redeemer asks for more than there is. */
  const isHeld = ({ metadata, status }: Placement) =>
    waits.has(status?.redeemedBy?.uid) && inLedgers.has(metadata.uid!);
  /** Its room went with its host. */
  const isLost = ({ metadata }: Placement) =>
    placements.some((other) => other.status?.redeemedBy?.uid === metadata.uid && !isHeld(other));
  for (const placement of placements) {
    const { name, uid, deletionTimestamp } = placement.metadata;
    assert.is(deletionTimestamp, undefined, `seed ${seed}: ${name} cannot leave`);
    const listing = hosts.filter((host) => entriesOf(host).some((entry) => placementOf(entry) === uid)).map(hostKey);
    const home = boundTo(placement);
    assert.equal(
      listing,
      home !== undefined || isHeld(placement) ? [heldAt(placement)] : [],
      `seed ${seed}: ${name} is bound to ${home}, ledgers say ${listing.join(' ')}`,
    );
    const { move } = placement.status?.requests ?? {};
    assert.ok(move?.result !== 'Running' || home === undefined, `seed ${seed}: ${name} is still on its way`);
    if (home !== undefined)
      assert.is(move?.value, placement.spec.requests?.move, `seed ${seed}: ${name} got no answer`);
    // What a gang waits for is not told by one host's room.
    if (home !== undefined || isGangMember(placement) || isRedeemed(placement)) continue;
    if (awaitsReservation(placement) && !isLost(placement)) {
      checkWaits(placement, placements, quota, seed);
      continue;
    }
    if (quota && sumOf(quota.status?.claims) + cpuOf(placement) > limitOf(quota)) continue;
    for (const host of hosts) {
      const free = 4000 - millicores(host.status?.allocated?.cpu ?? 0);
      assert.ok(free < cpuOf(placement), `seed ${seed}: ${name} waits though ${host.metadata.name} has room`);
      const lower = placements.filter((other) => boundTo(other) === hostKey(host) && isLower(other, placement));
      const room = free + lower.reduce((sum, other) => sum + cpuOf(other), 0);
      assert.ok(
        room < cpuOf(placement),
        `seed ${seed}: ${name} waits though lower ones on ${host.metadata.name} could leave`,
      );
    }
  }
  if (quota) {
    const counted = placements.filter((placement) => boundTo(placement) !== undefined || isHeld(placement));
    // Where what a redeemer asks for beyond its reservation was taken meanwhile, it may be counted already.
    const heldFor = new Map(
      placements.filter(isHeld).map(({ metadata, status }) => [status?.redeemedBy?.uid, metadata.uid!]),
    );
    const holders = (quota.status?.claims ?? []).map(holderOf);
    assert.equal(
      holders.map((uid) => heldFor.get(uid) ?? uid).sort(),
      counted.map(({ metadata }) => metadata.uid!).sort(),
      `seed ${seed}: the quota counts what is bound, and nothing else`,
    );
  }
  for (const host of hosts) {
    const held = entriesOf(host).map(placementOf);
    assert.is(new Set(held).size, held.length, `seed ${seed}: somebody stands twice in one ledger`);
    for (const entry of entriesOf(host)) {
      const { uid } = api.get(PLACEMENTS, inTeam(entry.name)).metadata;
      assert.is(uid, placementOf(entry), `seed ${seed}: ${entry.name} leaks in a ledger`);
    }
  }
}

test('ledgers hold at every moment, and in the end say what is bound', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const race = new Race(createChoices(seed));
    for (let step = 0; step < STEPS; step++) await race.step();
    await race.finish();
    assert.is(race.world.violation, undefined, `seed ${seed}`);
    checkEnd(race.world, seed);
  }
});

test.run();
