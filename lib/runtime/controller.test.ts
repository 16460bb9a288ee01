import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createClientOver } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { createStore } from '../kube/store.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { createObjectServer } from '../testing/object-server.ts';
import { type ControllerOptions, createController, type Outcome } from './controller.ts';
import { createExpectations, expectingWrites } from './expectations.ts';
import { done, type Reconciler, requeue, TerminalError } from './reconcile.ts';
import { exceptStatus, watch } from './source.ts';

const widgets: Resource = { group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };
const widget = (name: string, version: number, more: object = {}): KubeObject => ({
  apiVersion: 'example.dev/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'n', uid: name, resourceVersion: String(version) },
  ...more,
});

/** A controller over a store that the test fills by hand. */
function start(reconcile: Reconciler, options: Partial<ControllerOptions> = {}, objects: KubeObject[] = []) {
  const clock = createFakeClock();
  const log = createLogRecorder();
  const { store, writer } = createStore(widgets);
  writer.replace(new Map(objects.map((object) => [`n/${object.metadata.name}`, object])));
  const outcomes: Outcome[] = [];
  const settling = new Map<string, Promise<void>>();
  const controller = createController({
    name: 'widgets',
    watches: [watch(store)],
    backoff: { initialMs: 1_000, maxMs: 8_000, jitter: 0 },
    reconcile,
    ...options,
  });
  const stop = new AbortController();
  const environment = {
    clock,
    random: () => 0,
    log,
    observer: { reconciled: (outcome: Outcome) => void outcomes.push(outcome) },
    settling: (_store: unknown, key: string) => settling.get(key),
  };
  const ended = controller.run(environment, stop.signal);
  return { clock, log, store, writer, outcomes, settling, controller, stop, ended };
}

test('what is there at the start is looked at, and then what changes', async () => {
  const seen: string[] = [];
  const world = start(
    async ({ key, name, namespace }) => {
      seen.push(`${key}=${namespace}+${name}`);
      return done;
    },
    {},
    [widget('a', 1)],
  );
  await world.clock.advance(0);
  world.writer.upsert(widget('b', 2));
  await world.clock.advance(0);
  world.writer.remove('n/a');
  await world.clock.advance(0);
  assert.equal(seen, ['n/a=n+a', 'n/b=n+b', 'n/a=n+a']);
  assert.equal(world.outcomes, ['done', 'done', 'done']);
});

test('requeue looks again after its time, and sooner when something changes', async () => {
  const times: number[] = [];
  const world = start(
    async () => {
      times.push(world.clock.monotonic());
      return requeue(10_000);
    },
    {},
    [widget('a', 1)],
  );
  await world.clock.advance(12_000);
  world.writer.upsert(widget('a', 2));
  await world.clock.advance(12_000);
  assert.equal(times, [0, 10_000, 12_000, 22_000]);
});

test('an error is tried again with growing delays, and success starts over', async () => {
  const times: number[] = [];
  let fail = true;
  const world = start(
    async () => {
      times.push(world.clock.monotonic() / 1_000);
      if (fail) throw new Error('no');
      return done;
    },
    {},
    [widget('a', 1)],
  );
  await world.clock.advance(20_000);
  assert.equal(times, [0, 1, 3, 7, 15]);
  fail = false;
  await world.clock.advance(20_000);
  times.length = 0;
  fail = true;
  const base = world.clock.monotonic() / 1_000;
  world.writer.upsert(widget('a', 2));
  await world.clock.advance(3_500);
  assert.equal(
    times.map((time) => time - base),
    [0, 1, 3],
  );
});

test('Retry-After of the server is obeyed when it is longer than the backoff', async () => {
  const times: number[] = [];
  const world = start(
    async () => {
      times.push(world.clock.monotonic());
      throw new ApiError(429, 'TooManyRequests', 'later', { retryAfterMs: 5_000 });
    },
    {},
    [widget('a', 1)],
  );
  await world.clock.advance(6_000);
  assert.equal(times, [0, 5_000]);
});

test('a terminal error is not tried again before something changes', async () => {
  let runs = 0;
  const world = start(
    async () => {
      runs++;
      throw new TerminalError('the password is wrong');
    },
    {},
    [widget('a', 1)],
  );
  await world.clock.advance(3_600_000);
  assert.is(runs, 1);
  world.writer.upsert(widget('a', 2));
  await world.clock.advance(0);
  assert.is(runs, 2);
  assert.equal(world.outcomes, ['terminal', 'terminal']);
  assert.ok(world.log.lines.every(({ level }) => level === 'warn'));
});

test('outcomes tell bugs, conflicts and faults apart', async () => {
  const errors = [
    new TypeError('x is undefined'),
    new ApiError(409, 'Conflict', 'changed'),
    new ApiError(500, 'InternalError', 'oops'),
    new ApiError(0, 'NotLeader', 'fenced'),
  ];
  const world = start(async () => {
    throw errors.shift()!;
  }, {});
  for (let i = 0; i < 4; i++) {
    world.controller.trigger('n/a');
    await world.clock.advance(0);
  }
  assert.equal(world.outcomes, ['panic', 'conflict', 'error', 'aborted']);
});

test('no key has two workers, and a change meanwhile means one more look', async () => {
  const open: (() => void)[] = [];
  let underWay = 0;
  let runs = 0;
  const world = start(
    async () => {
      runs++;
      assert.is(++underWay, 1);
      await new Promise<void>((resolve) => open.push(resolve));
      underWay--;
      return done;
    },
    { concurrency: 4 },
    [widget('a', 1)],
  );
  await world.clock.advance(0);
  for (let version = 2; version < 9; version++) world.writer.upsert(widget('a', version));
  await world.clock.advance(0);
  assert.is(runs, 1);
  open.shift()!();
  await world.clock.advance(0);
  assert.is(runs, 2);
  open.shift()!();
  await world.clock.advance(0);
  assert.is(runs, 2);
});

test('as many keys are under way as allowed', async () => {
  let underWay = 0;
  let most = 0;
  const world = start(
    async () => {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => world.clock.after(100, resolve));
      underWay--;
      return done;
    },
    { concurrency: 3 },
    Array.from({ length: 10 }, (_, i) => widget(`w${i}`, i + 1)),
  );
  await world.clock.advance(1_000);
  assert.is(most, 3);
  assert.is(world.outcomes.length, 10);
});

test('at its deadline the signal of a reconcile aborts, and it is tried again', async () => {
  const reasons: unknown[] = [];
  const world = start(
    (_request, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(signal.reason);
        });
      }),
    { deadlineMs: 5_000 },
    [widget('a', 1)],
  );
  await world.clock.advance(11_500);
  assert.is(reasons.length, 2);
  assert.match(String(reasons[0]), /not reconciled within 5000 ms/);
  assert.equal(world.outcomes, ['error', 'error']);
});

test('a reconcile that ignores its deadline is told of, and never run twice', async () => {
  let runs = 0;
  const open = Promise.withResolvers<void>();
  const world = start(
    async () => {
      runs++;
      await open.promise;
      return done;
    },
    { deadlineMs: 5_000 },
    [widget('a', 1)],
  );
  await world.clock.advance(64_000);
  assert.is(world.controller.stats().overdue, 0);
  await world.clock.advance(2_000);
  assert.is(world.controller.stats().overdue, 1);
  world.writer.upsert(widget('a', 2));
  await world.clock.advance(600_000);
  assert.is(runs, 1);
  open.resolve();
  await world.clock.advance(0);
  assert.is(world.controller.stats().overdue, 0);
  assert.is(runs, 2);
});

test('a stop aborts what is under way, waits for it, and starts nothing more', async () => {
  let ended = false;
  let runs = 0;
  const world = start(
    async (_request, signal) => {
      runs++;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise<void>((resolve) => world.clock.after(100, resolve));
      ended = true;
      throw signal.reason;
    },
    { concurrency: 1 },
    [widget('a', 1), widget('b', 2)],
  );
  await world.clock.advance(0);
  world.stop.abort(new Error('stop'));
  world.writer.upsert(widget('c', 3));
  await world.clock.advance(100);
  await world.ended;
  assert.ok(ended);
  assert.is(runs, 1);
  assert.equal(world.outcomes, ['aborted']);
  assert.is(world.clock.pending(), 0);
});

test('an object whose own writes are not seen yet is looked at when they are', async () => {
  const settled = Promise.withResolvers<void>();
  let runs = 0;
  const world = start(async () => {
    runs++;
    return done;
  });
  world.settling.set('n/a', settled.promise);
  world.writer.upsert(widget('a', 1));
  world.writer.upsert(widget('b', 1));
  await world.clock.advance(0);
  assert.is(runs, 1);
  world.settling.delete('n/a');
  settled.resolve();
  await world.clock.advance(0);
  assert.is(runs, 2);
});

test('a key is looked at again only when the cache shows what it wrote to another kind', async () => {
  const clock = createFakeClock();
  const gadgets: Resource = { ...widgets, plural: 'gadgets', kind: 'Gadget' };
  const { store, writer } = createStore(gadgets);
  const expectations = createExpectations(store, clock);
  const client = expectingWrites(createClientOver(createObjectServer().transport), () => [expectations]);
  const gadget = { ...widget('g', 1), kind: 'Gadget' };
  const runs: string[] = [];
  let written: KubeObject | undefined;
  const world = start(async ({ name }) => {
    runs.push(name);
    if (name === 'a') written ??= await client.create(gadgets, gadget);
    return done;
  });
  world.writer.upsert(widget('a', 1));
  await world.clock.advance(0);
  world.writer.upsert(widget('a', 2));
  world.writer.upsert(widget('b', 1));
  await world.clock.advance(0);
  assert.equal(runs, ['a', 'b']);
  writer.upsert(written!);
  await world.clock.advance(0);
  assert.equal(runs, ['a', 'b', 'a']);
});

test('a predicate or mapper that throws is told of, and the other objects are looked at', async () => {
  const seen: string[] = [];
  const { store, writer } = createStore(widgets);
  writer.replace(new Map([['n/bad', widget('bad', 1)]]));
  const keys = ({ metadata }: KubeObject) => {
    if (metadata.name === 'bad') throw new Error('cannot map');
    return [`mapped/${metadata.name}`];
  };
  const world = start(
    async ({ key }) => {
      seen.push(key);
      return done;
    },
    { watches: [watch(store, { keys })] },
  );
  writer.upsert(widget('bad', 2));
  writer.upsert(widget('good', 3));
  await world.clock.advance(0);
  assert.equal(seen, ['mapped/good']);
  assert.is(world.log.lines.filter(({ level }) => level === 'error').length, 2);
});

test('an update wakes what the old and the new object point to', async () => {
  const seen = new Set<string>();
  const { store, writer } = createStore(widgets);
  writer.replace(new Map([['n/a', widget('a', 1, { spec: { on: 'host-1' } })]]));
  const keys = (object: KubeObject) => [(object as unknown as { spec: { on: string } }).spec.on];
  const world = start(
    async ({ key }) => {
      seen.add(key);
      return done;
    },
    { watches: [watch(store, { keys })] },
  );
  await world.clock.advance(0);
  seen.clear();
  writer.upsert(widget('a', 2, { spec: { on: 'host-2' } }));
  await world.clock.advance(0);
  assert.equal([...seen].sort(), ['host-1', 'host-2']);
});

test('exceptStatus lets spec, labels and deletion through, and not the status', () => {
  const old = widget('a', 1, { spec: { x: 1 }, status: { y: 1 } });
  const updated = (object: KubeObject) => exceptStatus({ type: 'updated', old, object });
  assert.not.ok(updated(widget('a', 2, { spec: { x: 1 }, status: { y: 2 } })));
  assert.ok(updated(widget('a', 2, { spec: { x: 2 }, status: { y: 1 } })));
  const marked = widget('a', 2, { spec: { x: 1 }, status: { y: 1 } });
  assert.ok(updated({ ...marked, metadata: { ...marked.metadata, labels: { l: '1' } } }));
  assert.ok(updated({ ...marked, metadata: { ...marked.metadata, deletionTimestamp: 'now' } }));
  assert.ok(exceptStatus({ type: 'deleted', object: old }));
});

test.run();
