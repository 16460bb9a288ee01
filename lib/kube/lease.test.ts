// Two electors, one Lease: each with a clock of its own, so that one can be paused while the other lives on.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createFakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { createObjectServer, type Faults } from '../testing/object-server.ts';
import { createRandom } from '../testing/random.ts';
import { fenced } from './around-writes.ts';
import { createClientOver } from './client.ts';
import { ApiError, isNotLeader } from './errors.ts';
import { createElector, type Leadership, type Lease, leases } from './lease.ts';

const LEASE = { name: 'operator', namespace: 'ns' };
const unreachable = () => new ApiError(0, 'Unreachable', 'cut');

function setUp(faults: Faults = {}) {
  const server = createObjectServer(faults);
  const client = createClientOver(server.transport);
  const stop = new AbortController();
  /** A process that tries to lead, on a clock of its own. */
  function candidate(identity: string, clock = createFakeClock()) {
    const elector = createElector({ client, ...LEASE, identity, clock, random: () => 0, log: createLogRecorder() });
    const process: { term?: Leadership; readonly clock: FakeClock; leads(): boolean } = {
      clock,
      leads: () => process.term?.isLeader() ?? false,
    };
    const acquiring = elector.acquire(stop.signal).then((term) => {
      process.term = term;
    });
    acquiring.catch((error: unknown) => assert.is(error, stop.signal.reason));
    return process;
  }
  return {
    client,
    candidate,
    exchanges: server.exchanges,
    spec: () => ([...server.objects.values()][0] as unknown as Lease | undefined)?.spec,
    [Symbol.dispose]: () => stop.abort(new Error('the test has ended')),
  };
}

/** Lets the same time pass for all. */
async function pass(ms: number, ...processes: { clock: FakeClock }[]): Promise<void> {
  for (let left = ms; left > 0; left -= 500)
    for (const { clock } of processes) await clock.advance(Math.min(500, left));
}

test('the first to come leads, and renews; the second waits', async () => {
  using world = setUp();
  const a = world.candidate('a');
  await pass(100, a);
  const b = world.candidate('b');
  await pass(120_000, a, b);
  assert.ok(a.leads());
  assert.not.ok(b.leads());
  assert.is(world.spec()?.holderIdentity, 'a');
  assert.is(world.spec()?.leaseDurationSeconds, 12);
  assert.is(world.spec()?.leaseTransitions, 0);
  assert.match(world.spec()!.renewTime!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test('a leader that is killed at any moment is followed within 13.5 s, and not before its lease has run out', async () => {
  for (let moment = 20_000; moment < 22_500; moment += 100) {
    using world = setUp();
    const a = world.candidate('a');
    await pass(100, a);
    const b = world.candidate('b');
    await pass(moment, a, b);
    const renewed = Date.parse(world.spec()!.renewTime!);
    const killed = a.clock.now();
    while (!b.leads() && b.clock.now() < killed + 20_000) await pass(100, b);
    assert.ok(b.leads());
    assert.ok(b.clock.now() - killed <= 13_500, `killed at ${moment}: followed after ${b.clock.now() - killed} ms`);
    assert.ok(b.clock.now() - renewed >= 12_000, `killed at ${moment}: followed too soon`);
    assert.is(world.spec()?.leaseTransitions, 1);
  }
});

test('a leader that was paused knows at once that it leads no longer, and none of its writes gets out', async () => {
  using world = setUp();
  const a = world.candidate('a');
  await pass(100, a);
  const b = world.candidate('b');
  await pass(5_000, a, b);
  a.clock.freeze(60_000);
  await pass(60_000, b);
  assert.ok(b.leads());
  // The very first thing that runs after the pause, before any timer.
  assert.not.ok(a.leads());
  const before = world.exchanges.length;
  const write = fenced(world.client, () => a.leads()).delete(leases, LEASE);
  const error: unknown = await write.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isNotLeader(error));
  assert.is(world.exchanges.length, before);
  await pass(1_000, a, b);
  assert.ok(a.term!.signal.aborted);
  assert.ok(b.leads());
});

test('a leader whose machine was suspended, so that only the wall clock went on, leads no longer', async () => {
  let suspended = 0;
  const clock = createFakeClock();
  const wall = { ...clock, now: () => clock.now() + suspended };
  using world = setUp();
  const a = world.candidate('a', wall);
  await pass(2_000, a);
  assert.ok(a.leads());
  suspended = 3_600_000;
  assert.not.ok(a.leads());
});

test('a leader that cannot renew stops 3 s before anyone else may start', async () => {
  const cut = { for: '' };
  using world = setUp({
    before({ body }) {
      const holder = (body as Lease | undefined)?.spec?.holderIdentity;
      if (holder !== undefined && holder === cut.for) throw unreachable();
    },
  });
  const a = world.candidate('a');
  await pass(100, a);
  const b = world.candidate('b');
  await pass(4_000, a, b);
  cut.for = 'a';
  let bothStopped = 0;
  for (let ms = 0; ms < 20_000; ms += 100) {
    await pass(100, a, b);
    assert.not.ok(a.leads() && b.leads());
    if (!a.leads() && !b.leads()) bothStopped += 100;
  }
  assert.ok(b.leads());
  assert.ok(bothStopped >= 2_000, `${bothStopped} ms between`);
});

test('a renewal whose answer was lost is no reason to step down', async () => {
  let lost = 0;
  using world = setUp({
    after({ method }) {
      if (method === 'PUT' && lost++ % 3 === 0) throw unreachable();
    },
  });
  const a = world.candidate('a');
  await pass(60_000, a);
  assert.ok(a.leads());
  assert.ok(lost > 5);
});

test('an answer to the taking itself that was lost: the same process leads a moment later', async () => {
  let lost = false;
  using world = setUp({
    after({ method }) {
      if (method === 'POST' && !lost) {
        lost = true;
        throw unreachable();
      }
    },
  });
  const a = world.candidate('a');
  await pass(3_000, a);
  assert.ok(lost);
  assert.ok(a.leads());
});

test('whoever finds another holder steps down', async () => {
  using world = setUp();
  const a = world.candidate('a');
  await pass(3_000, a);
  const lease = await world.client.get(leases, LEASE);
  await world.client.update(leases, { ...lease, spec: { ...lease.spec, holderIdentity: 'usurper' } });
  await pass(3_000, a);
  assert.not.ok(a.leads());
  assert.match(String(a.term!.signal.reason), /usurper/);
});

test('a released lease is taken by the next one at once', async () => {
  using world = setUp();
  const a = world.candidate('a');
  await pass(100, a);
  const b = world.candidate('b');
  await pass(5_000, a, b);
  await a.term!.release();
  assert.not.ok(a.leads());
  await pass(2_500, b);
  assert.ok(b.leads());
});

test('giving up before leading takes nothing', async () => {
  using world = setUp();
  const a = world.candidate('a');
  await pass(100, a);
  const b = world.candidate('b');
  await pass(3_000, a, b);
  world[Symbol.dispose]();
  await pass(40_000, b);
  assert.not.ok(b.leads());
});

test('of three processes that crash, pause, lose answers and come back, never two lead', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = createRandom(seed);
    const chance = (share: number) => random() < share;
    let bad = 0.2;
    using world = setUp({
      before: () => {
        if (chance(bad / 2)) throw unreachable();
      },
      after: () => {
        if (chance(bad / 2)) throw unreachable();
      },
    });
    const processes = ['a', 'b', 'c'].map((name) => world.candidate(name));
    const pausedUntil = new Map<unknown, number>();
    let lead = 0;
    for (let second = 0; second < 240; second += 0.5) {
      if (chance(0.02)) bad = random() * 0.8;
      for (const [index, process] of processes.entries()) {
        if (second < (pausedUntil.get(process) ?? 0)) process.clock.freeze(500);
        else {
          await process.clock.advance(500);
          if (chance(0.01)) pausedUntil.set(process, second + random() * 60);
        }
        // A process that has lost its term ends, and a new one takes its place.
        if (process.term?.signal.aborted) processes[index] = world.candidate(`${seed}-${second}-${index}`);
      }
      const leading = processes.filter((process) => process.leads()).length;
      assert.ok(leading <= 1, `seed ${seed}: ${leading} lead after ${second} s`);
      lead += leading;
    }
    assert.ok(lead > 40, `seed ${seed}: somebody led for ${lead / 2} s only`);
  }
});

test.run();
