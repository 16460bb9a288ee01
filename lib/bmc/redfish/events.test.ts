// The stream of events: taken apart however it arrives, and read from the simulated service.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withSimulatedBmc } from '../../sim/bmc/lab.ts';
import type { BmcEvent } from '../driver.ts';
import { BmcError } from '../errors.ts';
import { EventDecoder, eventsIn } from './events.ts';
import { ShapeError } from './json.ts';

const within = () => AbortSignal.timeout(60_000);

const STREAM =
  ': open\n\nid: 1\ndata: {"a":\ndata:1}\n\nevent: x\r\nid: 2\r\ndata: é\r\n\r\nretry: 5\n\ndata\n\ndata: cut off';

test('events are the same however their stream is cut into pieces', () => {
  const bytes = Buffer.from(STREAM);
  for (let size = 1; size <= bytes.length; size++) {
    const decoder = new EventDecoder();
    const events: string[] = [];
    for (let at = 0; at < bytes.length; at += size) events.push(...decoder.push(bytes.subarray(at, at + size)));
    assert.equal(events, ['{"a":\n1}', 'é', ''], `pieces of ${size}`);
  }
});

test('an event without end is given up, in one line or in many', () => {
  for (const piece of ['x'.repeat(10_000), `data: ${'x'.repeat(10_000)}\n`]) {
    const decoder = new EventDecoder();
    const flood = () => {
      for (let i = 0; i < 200; i++) decoder.push(Buffer.from(piece));
    };
    assert.throws(flood, (error: unknown) => error instanceof ShapeError);
  }
});

test('what a payload lacks is left out, and what is no event tells nothing', () => {
  assert.equal(eventsIn({ Events: [{ MessageId: 'Base.1.0.X', Severity: 'Warning' }, 'no object', {}] }), [
    { message: 'Base.1.0.X', severity: 'warning' },
    { message: '', severity: 'unknown' },
  ]);
  assert.equal(eventsIn({ MetricValues: [{ MetricId: 'x' }] }), []);
  assert.equal(eventsIn({ Events: Array.from({ length: 1000 }, () => ({})) }).length, 64);
});

test('power and log are told as they change, beside other questions, in one session', async () => {
  await withSimulatedBmc(
    async ({ bmc, chassis, openRedfish }) => {
      const driver = openRedfish();
      await driver.identify(within());
      assert.is(driver.capabilities().events, true);
      const told: BmcEvent[] = [];
      const stop = new AbortController();
      const stream = driver.events(stop.signal)[Symbol.asyncIterator]();
      const [first] = await Promise.all([
        stream.next(),
        (async () => {
          while (bmc.eventStreams === 0) await driver.power(within());
          chassis.control('on');
        })(),
      ]);
      told.push(first.value as BmcEvent);
      bmc.logEvent({ sensorNumber: 0x02, asserted: true, data: [0x59, 97, 95] });
      told.push((await stream.next()).value as BmcEvent);
      const time = '2026-01-02T00:00:00.000Z';
      assert.equal(told, [
        { time, message: 'The resource has powered on.', severity: 'ok' },
        {
          time,
          message: 'upper critical going high (reading 97, threshold 95)',
          severity: 'critical',
        },
      ]);
      assert.is(bmc.redfishSessions, 1);
      const ended = stream.next();
      stop.abort();
      assert.is((await ended).done, true);
    },
    { now: () => Date.UTC(2026, 0, 2) },
  );
});

test('a BMC that restarts breaks the stream, and the next one is let in anew', async () => {
  await withSimulatedBmc(async ({ bmc, openRedfish }) => {
    const driver = openRedfish();
    for (let times = 0; times < 2; times++) {
      const reading = driver.events(within())[Symbol.asyncIterator]().next();
      while (bmc.eventStreams === 0) await driver.power(within());
      bmc.reboot();
      await reading.then(
        ({ done }) => assert.is(done, true),
        (error: unknown) => assert.is((error as BmcError).code, 'timeout', String(error)),
      );
    }
    assert.is(bmc.redfishSessions <= 1, true);
  });
});

test('a service without a stream says so', async () => {
  await withSimulatedBmc(async ({ open }) => {
    const driver = open();
    assert.is(driver.capabilities().events, false);
    await driver
      .events(within())
      [Symbol.asyncIterator]()
      .next()
      .then(
        () => assert.unreachable('IPMI has none'),
        (error: unknown) => assert.is(error instanceof BmcError && error.code, 'unsupported'),
      );
  });
});

test.run();
