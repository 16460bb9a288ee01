import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PATIENT, withSimulatedBmc } from '../sim/bmc/lab.ts';
import { eventually } from '../testing/eventually.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import type { BmcTarget, Driver, PowerState } from './driver.ts';
import { BmcError, type BmcErrorCode } from './errors.ts';
import { openDriver } from './open.ts';
import { FleetPoller, type PollerOptions } from './poller.ts';
import { BmcPool } from './pool.ts';

const target = (name: string, password = 'p'): BmcTarget => ({
  address: `ipmi://${name}`,
  credentials: { username: 'u', password },
});

/** A fleet whose answers a test decides: a state, an error, or nothing until the question is given up. */
function fleet(periods: PollerOptions['periods'], deadlineMs = 5000, limits: Pick<PollerOptions, 'concurrency'> = {}) {
  const clock = createFakeClock();
  const answers = new Map<string, PowerState | BmcErrorCode | 'silence'>();
  const asked: { key: string; kind: string; at: number }[] = [];
  const seen: { key: string; kind: string; value: unknown }[] = [];
  const failures: { key: string; kind: string; code: string; failures: number }[] = [];
  const driver = (key: string): Driver => {
    const reply =
      <T>(kind: string, value: T) =>
      (signal: AbortSignal): Promise<T> => {
        asked.push({ key, kind, at: clock.monotonic() });
        const answer = answers.get(key) ?? 'Off';
        if (answer === 'On' || answer === 'Off') return Promise.resolve(kind === 'power' ? (answer as T) : value);
        if (answer !== 'silence') return Promise.reject(new BmcError(answer, `ipmi://${key}`, 'as told'));
        return new Promise((_, reject) => {
          const give = () => reject(new BmcError('unreachable', `ipmi://${key}`, 'nothing', { cause: signal.reason }));
          signal.addEventListener('abort', give, { once: true });
        });
      };
    const real = openDriver(target(key));
    real.power = reply<PowerState>('power', 'Off');
    real.sensors = reply('sensors', []);
    real.eventLog = reply('eventLog', []);
    return real;
  };
  const poller = new FleetPoller({
    driver,
    clock,
    periods,
    deadlineMs,
    ...limits,
    observed: (key, { kind, value }) => seen.push({ key, kind, value }),
    failed: (key, kind, { code }, count) => failures.push({ key, kind, code, failures: count }),
  });
  return { clock, answers, asked, seen, failures, poller };
}

test('a thousand devices are asked once a period, evenly', async () => {
  const { clock, asked, seen, poller } = fleet({ power: 10_000 });
  for (let i = 0; i < 1000; i++) poller.watch(`dev-${i}`, target(`dev-${i}`));
  await clock.advance(10_000);
  assert.is(new Set(asked.map(({ key }) => key)).size, 1000);
  assert.is(seen.length, asked.length);
  const seconds = Array.from({ length: 10 }, (_, s) => asked.filter(({ at }) => Math.floor(at / 1000) === s).length);
  assert.ok(Math.min(...seconds) > 60 && Math.max(...seconds) < 140, seconds.join(' '));
  await poller.close();
  assert.is(clock.pending(), 0);
});

test('each comes back at its own place, although answers take time', async () => {
  const { clock, asked, poller } = fleet({ power: 1000 });
  poller.watch('a', target('a'));
  await clock.advance(5000);
  const places = new Set(asked.map(({ at }) => Math.round(at % 1000)));
  assert.is(asked.length, 5);
  assert.is(places.size, 1);
  await poller.close();
});

test('dead devices delay no others, and are asked less and less', async () => {
  const { clock, answers, asked, failures, poller } = fleet({ power: 1000 }, 5000);
  answers.set('dead', 'silence');
  poller.watch('dead', target('dead'));
  poller.watch('alive', target('alive'));
  await clock.advance(120_000);
  const times = (name: string) => asked.filter(({ key }) => key === name).length;
  assert.is(times('alive'), 120);
  assert.ok(times('dead') < 18, `${times('dead')} times`);
  assert.ok(failures.every(({ key }) => key === 'dead'));
  assert.equal(
    failures.map((failure) => failure.failures),
    failures.map((_, index) => index + 1),
  );
  await poller.close();
});

test('a process that cannot keep up asks later, not more at once', async () => {
  const { clock, answers, asked, poller } = fleet({ power: 1000 }, 10_000, { concurrency: 3 });
  for (let i = 0; i < 20; i++) {
    answers.set(`slow-${i}`, 'silence');
    poller.watch(`slow-${i}`, target(`slow-${i}`));
  }
  await clock.advance(9000);
  assert.is(asked.length, 20, 'all have had their turn');
  for (const { at } of asked) {
    const together = asked.filter((other) => other.at >= at && other.at < at + 1000);
    assert.ok(together.length <= 3, `${together.length} questions within a second`);
  }
  await poller.close();
  assert.is(clock.pending(), 0);
});

test('ironic-image 688, omni 785: a silent device is asked for nothing but power, and one answer brings everything back', async () => {
  const { clock, answers, asked, seen, poller } = fleet({ power: 1000, sensors: 2000, eventLog: 3000 });
  answers.set('a', 'timeout');
  poller.watch('a', target('a'));
  await clock.advance(10_000);
  asked.length = 0;
  await clock.advance(60_000);
  assert.equal(new Set(asked.map(({ kind }) => kind)), new Set(['power']));
  answers.set('a', 'On');
  await clock.advance(60_000);
  assert.equal(new Set(seen.map(({ kind }) => kind)), new Set(['power', 'sensors', 'eventLog']));
  await poller.close();
});

test('devices that die all at once keep no place from the others for long', async () => {
  const { clock, answers, asked, poller } = fleet({ power: 10_000 }, 10_000, { concurrency: 1 });
  answers.set('dead', 'silence');
  for (const name of ['dead', 'a', 'b']) poller.watch(name, target(name));
  await clock.advance(10_000);
  const at = new Map(asked.map((question) => [question.key, question.at]));
  await clock.advance(10_000);
  const again = asked.filter(({ key, at: later }) => key !== 'dead' && later > 10_000);
  for (const { key, at: later } of again) assert.ok(later - at.get(key)! <= 11_000, `${key} at ${later}`);
  assert.is(again.length, 2);
  await poller.close();
});

test('wrong credentials are tried once, and again when they have changed', async () => {
  const { clock, answers, asked, seen, failures, poller } = fleet({ power: 1000, sensors: 1000 });
  answers.set('a', 'credentials');
  poller.watch('a', target('a', 'wrong'));
  await clock.advance(60_000);
  assert.is(asked.length, 1);
  assert.is(failures.length, 1);
  poller.watch('a', target('a', 'wrong'));
  await clock.advance(10_000);
  assert.is(asked.length, 1);
  answers.set('a', 'On');
  poller.watch('a', target('a', 'right'));
  await clock.advance(1000);
  assert.ok(seen.length > 0);
  await poller.close();
});

test('what a BMC does not have is asked once, and counts as no failure', async () => {
  const { clock, answers, asked, poller } = fleet({ sensors: 1000 });
  answers.set('a', 'unsupported');
  poller.watch('a', target('a'));
  await clock.advance(20_000);
  assert.is(asked.length, 1);
  await poller.close();
});

test('nothing is reported of a device that was forgotten meanwhile', async () => {
  const { clock, answers, seen, failures, poller } = fleet({ power: 1000 }, 100_000);
  answers.set('a', 'silence');
  poller.watch('a', target('a'));
  await clock.advance(2000);
  poller.forget('a');
  await setImmediate();
  assert.equal([seen.length, failures.length, clock.pending()], [0, 0, 0]);
  await poller.close();
});

test('over the wire: a change of power and a new log entry are seen, and the session is shared', async () => {
  await withSimulatedBmc(async ({ bmc, chassis, port, transport }) => {
    const clock = createFakeClock();
    const pool = new BmcPool((each) => openDriver(each, { transport, ipmi: PATIENT }));
    const powers: PowerState[] = [];
    const messages: string[] = [];
    const poller = new FleetPoller({
      driver: (key, each) => pool.driver(key, each),
      clock,
      periods: { power: 1000, eventLog: 1000 },
      deadlineMs: 1e9, // the clock runs far ahead of the network here
      observed: (_key, { kind, value }) => {
        if (kind === 'power') powers.push(value);
        if (kind === 'eventLog') messages.push(...value.map(({ message }) => message));
      },
      failed: (_key, _kind, error) => assert.unreachable(error.message),
    });
    const at = { address: `ipmi://127.0.0.1:${port}`, credentials: { username: 'admin', password: 'a-secret' } };
    try {
      poller.watch('a', at);
      bmc.logEvent({ sensorNumber: 0x31, asserted: true, data: [0x03, 0xff, 0xff] });
      const until = (condition: () => boolean) =>
        eventually(async () => {
          await clock.advance(1000);
          return condition();
        });
      await until(() => powers.at(-1) === 'Off' && messages.length === 1);
      await pool.driver('a', at).setPower('on', AbortSignal.timeout(60_000));
      await until(() => powers.at(-1) === 'On');
      assert.is(chassis.power(), 'On');
      assert.is(messages.length, 1, 'an entry is reported once');
      assert.is(bmc.sessions, 1);
    } finally {
      await poller.close();
      await pool.close();
    }
  });
});

test.run();
