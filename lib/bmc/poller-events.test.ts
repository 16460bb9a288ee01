// BMCs that tell by themselves what happens: asked at once, never more than is right, and asked as ever when they fall quiet.
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withSimulatedBmc } from '../sim/bmc/lab.ts';
import { eventually } from '../testing/eventually.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import type { BmcEvent, BmcTarget, Driver, PowerState } from './driver.ts';
import { BmcError, type BmcErrorCode } from './errors.ts';
import { openDriver } from './open.ts';
import { FleetPoller } from './poller.ts';

const TARGET: BmcTarget = { address: 'redfish://a', credentials: { username: 'u', password: 'p' } };
const EVENT: BmcEvent = { message: 'The resource has powered on.', severity: 'ok' };
const PERIOD = 3_600_000;

/** One device, the moments at which its power was asked, and its streams of events in the test's hand. */
function telling() {
  const clock = createFakeClock();
  const asked: number[] = [];
  const opened: number[] = [];
  const hand = new EventTarget();
  let refusal: BmcErrorCode | undefined;
  let answer: Promise<PowerState> = Promise.resolve('On');
  const driver: Driver = openDriver(TARGET);
  driver.power = () => {
    asked.push(clock.monotonic());
    return answer;
  };
  driver.events = async function* (signal) {
    opened.push(clock.monotonic());
    for (;;) {
      if (refusal) throw new BmcError(refusal, TARGET.address, 'as told');
      const [what] = (await once(hand, 'what', { signal })) as [Event];
      if ((what as CustomEvent).detail === 'end') return;
      yield EVENT;
    }
  };
  const poller = new FleetPoller({
    driver: () => driver,
    clock,
    periods: { power: PERIOD },
    deadlineMs: 1e9,
    observed: () => undefined,
    failed: () => undefined,
  });
  return {
    clock,
    asked,
    opened,
    poller,
    tell: async (what: 'event' | 'end') => {
      hand.dispatchEvent(new CustomEvent('what', { detail: what }));
      await clock.advance(0);
    },
    refuse: (code: BmcErrorCode) => {
      refusal = code;
    },
    answerWith: (promise: Promise<PowerState>) => {
      answer = promise;
    },
  };
}

/** Watched, answered once, and listened to. */
async function listening() {
  const world = telling();
  world.poller.watch('a', TARGET);
  await world.clock.advance(PERIOD);
  assert.equal([world.asked.length, world.opened.length], [1, 1]);
  return world;
}

test('an event is asked about at once, and the place in the period stays', async () => {
  const { clock, asked, poller, tell } = await listening();
  const place = asked[0]!;
  await tell('event');
  assert.equal(asked.slice(1), [clock.monotonic()]);
  await clock.advance(PERIOD);
  assert.equal(asked.slice(2), [place + PERIOD]);
  await poller.close();
  assert.is(clock.pending(), 0);
});

test('a flood of events makes one question a second', async () => {
  const { clock, asked, poller, tell } = await listening();
  const begun = clock.monotonic();
  for (let i = 0; i < 100; i++) {
    await tell('event');
    await clock.advance(20);
  }
  await clock.advance(5000);
  assert.equal(
    asked.slice(1).map((at) => at - begun),
    [0, 1000, 2000],
  );
  await poller.close();
});

test('an event that comes while the BMC is being asked is asked about once more', async () => {
  const { clock, asked, poller, tell, answerWith } = await listening();
  const { promise, resolve } = Promise.withResolvers<PowerState>();
  answerWith(promise);
  await tell('event');
  await tell('event');
  assert.is(asked.length, 2);
  resolve('Off');
  await clock.advance(1000);
  assert.is(asked.length, 3);
  await poller.close();
});

test('a stream that ends is opened again, ever later, and the BMC is asked as ever', async () => {
  const { clock, asked, opened, poller, tell, refuse } = await listening();
  const ended = clock.monotonic();
  refuse('unreachable');
  await tell('end');
  await clock.advance(PERIOD);
  const pauses = opened.slice(1).map((at, place) => at - (place === 0 ? ended : opened[place]!));
  assert.equal(pauses.slice(0, 4), [1000, 2000, 4000, 8000]);
  assert.is(Math.max(...pauses), 300_000);
  assert.ok(asked.length > 2, 'what was not told meanwhile is asked');
  await poller.close();
  assert.is(clock.pending(), 0);
});

test('a BMC that has no stream after all is not asked for one again', async () => {
  const { clock, opened, poller, tell, refuse } = await listening();
  refuse('unsupported');
  await tell('end');
  await clock.advance(5000);
  const { length } = opened;
  await clock.advance(10 * PERIOD);
  assert.is(opened.length, length);
  await poller.close();
});

test('over the wire: a change of power is seen long before it would have been asked for', async () => {
  await withSimulatedBmc(async ({ bmc, chassis, openRedfish }) => {
    const clock = createFakeClock();
    const powers: PowerState[] = [];
    const driver = openRedfish();
    const poller = new FleetPoller({
      driver: () => driver,
      clock,
      periods: { power: PERIOD },
      deadlineMs: 1e9,
      observed: (_key, { kind, value }) => kind === 'power' && powers.push(value),
      failed: (_key, _kind, error) => assert.unreachable(error.message),
    });
    try {
      poller.watch('a', TARGET);
      await clock.advance(PERIOD);
      await eventually(() => bmc.eventStreams === 1);
      const { length } = powers;
      const since = clock.monotonic();
      chassis.control('on');
      await eventually(async () => {
        await clock.advance(0);
        return powers.at(-1) === 'On';
      });
      assert.equal([powers.length, clock.monotonic()], [length + 1, since], 'time has stood still meanwhile');
      // The BMC restarts: the stream is opened again, and tells again.
      bmc.reboot();
      await eventually(async () => {
        await clock.advance(1000);
        return bmc.eventStreams === 1;
      });
      chassis.control('off');
      await eventually(async () => {
        await clock.advance(100);
        return powers.at(-1) === 'Off';
      });
      assert.is(bmc.redfishSessions, 1);
    } finally {
      await poller.close();
    }
    await eventually(() => bmc.eventStreams === 0);
  });
});

test.run();
