import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { createObjectServer, type Faults } from '../testing/object-server.ts';
import { createClientOver } from './client.ts';
import { ApiError } from './errors.ts';
import { createEventRecorder, type KubeEvent } from './events.ts';
import type { KubeObject } from './resource.ts';

const instance: KubeObject = {
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Instance',
  metadata: { name: 'web-1', namespace: 'shop', uid: 'u1', resourceVersion: '7' },
};
const device: KubeObject = { apiVersion: 'bmp.dev/v1alpha1', kind: 'Device', metadata: { name: 'r1-07', uid: 'u2' } };

function setUp(faults: Faults = {}) {
  const server = createObjectServer(faults);
  const client = createClientOver(server.transport);
  const clock = createFakeClock();
  const log = createLogRecorder();
  let dropped = 0;
  const observer = {
    dropped: (count: number) => {
      dropped += count;
    },
  };
  const recorder = () => createEventRecorder({ client, component: 'bmp-operator', log, clock, observer });
  return {
    dropped: () => dropped,
    clock,
    log,
    recorder,
    events: recorder(),
    exchanges: server.exchanges,
    objects: server.objects,
    written: () => [...server.objects.values()] as unknown as KubeEvent[],
  };
}

test('an event says what happened to which object, where kubectl describe looks for it', async () => {
  const { clock, events, written } = setUp();
  events.event(instance, 'Warning', 'FailedScheduling', 'no device fits');
  await clock.advance(0);
  const [event] = written();
  assert.equal(event!.involvedObject, {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Instance',
    name: 'web-1',
    namespace: 'shop',
    uid: 'u1',
    resourceVersion: '7',
  });
  const { type, reason, message, count, source, firstTimestamp, lastTimestamp, metadata } = event!;
  assert.equal(
    { type, reason, message, count, source, firstTimestamp, lastTimestamp, namespace: metadata.namespace },
    {
      type: 'Warning',
      reason: 'FailedScheduling',
      message: 'no device fits',
      count: 1,
      source: { component: 'bmp-operator' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      namespace: 'shop',
    },
  );
});

test('events of cluster-scoped objects live in the default namespace', async () => {
  const { clock, events, written } = setUp();
  events.event(device, 'Normal', 'InUse', 'on');
  await clock.advance(0);
  assert.is(written()[0]!.metadata.namespace, 'default');
  assert.is(written()[0]!.involvedObject.namespace, undefined);
});

test('a new Event per occurrence: the same event again raises the count of the first, at most once a minute', async () => {
  const { clock, events, written, exchanges } = setUp();
  for (let i = 0; i < 100; i++) {
    events.event(device, 'Warning', 'BMCUnreachable', 'BMC does not answer');
    await clock.advance(1_000);
  }
  assert.is(exchanges.length, 2);
  assert.is(written().length, 1);
  await clock.advance(60_000);
  const [event] = written();
  assert.is(event!.count, 100);
  assert.is(event!.firstTimestamp, '2026-01-01T00:00:00Z');
  assert.is(event!.lastTimestamp, '2026-01-01T00:01:39Z');
});

test('another process goes on counting where the first one stopped', async () => {
  const { clock, events, recorder, written } = setUp();
  events.event(device, 'Warning', 'BMCUnreachable', 'BMC does not answer');
  await clock.advance(0);
  const next = recorder();
  next.event(device, 'Warning', 'BMCUnreachable', 'BMC does not answer');
  await clock.advance(0);
  assert.is(written().length, 1);
  assert.is(written()[0]!.count, 2);
});

test('an event that the server has dropped meanwhile is written anew', async () => {
  const { clock, events, written, objects } = setUp();
  events.event(device, 'Normal', 'Available', 'fine');
  await clock.advance(0);
  objects.clear();
  events.event(device, 'Normal', 'Available', 'fine');
  await clock.advance(60_000);
  assert.is(written()[0]!.count, 1);
});

test('ever different notes of one reason end up in one event', async () => {
  const { clock, events, written } = setUp();
  for (let i = 0; i < 200; i++) events.event(device, 'Warning', 'HardwareEvent', `sensor ${i} failed`);
  await clock.advance(120_000);
  assert.is(written().length, 11);
  const combined = written().find(({ message }) => message.startsWith('(combined'))!;
  assert.is(combined.count, 190);
  assert.is(combined.message, '(combined from similar events) sensor 199 failed');
});

test('a server in trouble is tried again, and given up after some time with a line in the log', async () => {
  let fails = 2;
  const { clock, events, written, log } = setUp({
    before() {
      if (fails-- > 0) throw new ApiError(503, 'ServiceUnavailable', 'later');
    },
  });
  events.event(device, 'Normal', 'Registering', 'one');
  await clock.advance(60_000);
  assert.is(written().length, 1);
  fails = Infinity;
  events.event(device, 'Normal', 'Collecting', 'two');
  await clock.advance(300_000);
  assert.is(written().length, 1);
  assert.is(log.lines.length, 1);
  assert.is(clock.pending(), 0);
});

test('an event that the server refuses is dropped at once', async () => {
  const { clock, events, log, exchanges, dropped } = setUp({
    before() {
      throw new ApiError(403, 'Forbidden', 'the namespace is being deleted');
    },
  });
  events.event(instance, 'Normal', 'Deleting', 'gone');
  await clock.advance(600_000);
  assert.is(exchanges.length, 0);
  assert.is(log.lines.length, 1);
  assert.is(dropped(), 1);
});

test('an answer lost after the write makes no second event', async () => {
  let lost = true;
  const { clock, events, written } = setUp({
    after() {
      if (lost) {
        lost = false;
        throw new ApiError(0, 'BMCUnreachable', 'cut');
      }
    },
  });
  events.event(device, 'Normal', 'InUse', 'on');
  await clock.advance(60_000);
  assert.is(written().length, 1);
});

test('flush writes what is still held back', async () => {
  const { clock, events, written } = setUp();
  events.event(device, 'Normal', 'Available', 'fine');
  await clock.advance(0);
  events.event(device, 'Normal', 'Available', 'fine');
  events.event(device, 'Normal', 'Available', 'fine');
  await events.flush();
  assert.is(written()[0]!.count, 3);
  assert.is(clock.pending(), 0);
});

test('long notes and names are cut to what the API takes', async () => {
  const { clock, events, written } = setUp();
  events.event({ ...device, metadata: { name: 'd'.repeat(253), uid: 'u' } }, 'Normal', 'Imported', 'x'.repeat(5_000));
  await clock.advance(0);
  assert.is(written()[0]!.message.length, 1_024);
  assert.ok(written()[0]!.metadata.name.length <= 253);
});

test('thousands of different events are bounded in memory, and each is written', async () => {
  const { clock, events, written } = setUp();
  for (let i = 0; i < 3_000; i++)
    events.event({ ...device, metadata: { name: `d${i}`, uid: `u${i}` } }, 'Normal', 'Cleaning', 'here');
  await events.flush();
  await clock.advance(0);
  assert.is(written().length, 3_000);
});

test('events let all other calls go first; those beyond what is kept are counted, not kept', async () => {
  const { events, exchanges, dropped } = setUp();
  for (let i = 0; i < 5_000; i++)
    events.event({ ...device, metadata: { name: `d${i}`, uid: `u${i}` } }, 'Normal', 'Cleaning', 'here');
  await events.flush();
  assert.is(exchanges.length + dropped(), 5_000);
  assert.is(exchanges.length, 4_097);
  assert.ok(exchanges.every(({ background }) => background));
});

test.run();
