import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createRandom } from '../testing/random.ts';
import { createWorkqueue, type WorkqueueOptions } from './workqueue.ts';

const BACKOFF = { initialMs: 100, maxMs: 1_000, jitter: 0 };

function setUp(options: Partial<WorkqueueOptions> = {}) {
  const clock = createFakeClock();
  const queue = createWorkqueue({ clock, random: () => 0, backoff: BACKOFF, ...options });
  /** Everything that is ready, in order. */
  async function drain(): Promise<string[]> {
    const keys: string[] = [];
    while (queue.depth > 0) {
      const key = (await queue.take())!;
      keys.push(key);
      queue.done(key);
    }
    return keys;
  }
  return { clock, queue, drain };
}

test('a key added often is taken once', async () => {
  const { queue, drain } = setUp();
  for (let i = 0; i < 5; i++) queue.add('a');
  assert.equal(await drain(), ['a']);
});

test('a key added while it is under way is taken again, and not before it is done', async () => {
  const { queue } = setUp();
  queue.add('a');
  assert.is(await queue.take(), 'a');
  queue.add('a');
  queue.add('a');
  assert.is(queue.depth, 0);
  queue.done('a');
  assert.is(queue.depth, 1);
  assert.is(await queue.take(), 'a');
  queue.done('a');
  assert.is(queue.depth, 0);
});

test('higher priorities go first, and among equals the first to come', async () => {
  const { queue, drain } = setUp();
  queue.add('low', { priority: -1 });
  queue.add('a');
  queue.add('b');
  queue.add('high', { priority: 5 });
  assert.equal(await drain(), ['high', 'a', 'b', 'low']);
});

test('asked for again with a higher priority, a key moves up', async () => {
  const { queue, drain } = setUp();
  queue.add('a', { priority: -100 });
  queue.add('b', { priority: -100 });
  queue.add('b');
  assert.equal(await drain(), ['b', 'a']);
});

test('a delayed key comes at its time, and at the earliest of those asked for', async () => {
  const { clock, queue, drain } = setUp();
  queue.add('a', { delayMs: 500 });
  queue.add('a', { delayMs: 200 });
  queue.add('a', { delayMs: 900 });
  await clock.advance(199);
  assert.is(queue.depth, 0);
  await clock.advance(1);
  assert.equal(await drain(), ['a']);
  await clock.advance(1_000);
  assert.is(queue.depth, 0);
});

test('a change overtakes the delay of a key', async () => {
  const { queue, drain } = setUp();
  queue.add('a', { delayMs: 60_000 });
  queue.add('a');
  assert.equal(await drain(), ['a']);
  assert.is(queue.delayed, 0);
});

test('who waits gets a key as soon as it is ready', async () => {
  const { clock, queue } = setUp();
  const taken = queue.take();
  queue.add('a', { delayMs: 10 });
  await clock.advance(10);
  assert.is(await taken, 'a');
});

test('failures back off exponentially up to the cap, and forget starts over', async () => {
  const { queue } = setUp();
  const delays = [];
  for (let i = 0; i < 6; i++) delays.push(queue.retry('a'));
  assert.equal(delays, [100, 200, 400, 800, 1_000, 1_000]);
  queue.forget('a');
  assert.is(queue.retry('a'), 100);
});

test('a server that asks to wait longer than the backoff is obeyed', () => {
  const { queue } = setUp();
  assert.is(queue.retry('a', 7_000), 7_000);
});

test('jitter spreads the delays below the full one', () => {
  const { queue } = setUp({ backoff: { initialMs: 1_000, maxMs: 1_000, jitter: 0.5 }, random: createRandom(7) });
  const delays = Array.from({ length: 50 }, () => queue.retry('a'));
  assert.ok(delays.every((delay) => delay > 500 && delay <= 1_000));
  assert.ok(new Set(delays).size > 40);
});

test('a stream of urgent keys does not starve the others', async () => {
  const { queue } = setUp();
  queue.add('start', { priority: -100 });
  const taken: string[] = [];
  for (let i = 0; i < 20 && !taken.includes('start'); i++) {
    queue.add(`urgent-${i}`, { priority: 10 });
    queue.add(`more-${i}`, { priority: 10 });
    const key = (await queue.take())!;
    taken.push(key);
    queue.done(key);
  }
  assert.ok(taken.includes('start'), taken.join(' '));
});

test('a full queue refuses new keys and keeps those it has', () => {
  const { queue } = setUp({ limit: 2 });
  assert.ok(queue.add('a'));
  assert.ok(queue.add('b', { delayMs: 10 }));
  assert.not.ok(queue.add('c'));
  assert.ok(queue.add('b'));
});

test('closing ends all waiting and lets no key out', async () => {
  const { clock, queue } = setUp();
  const waiting = queue.take();
  queue.add('later', { delayMs: 10 });
  queue.close();
  assert.is(await waiting, undefined);
  await clock.advance(10);
  assert.is(await queue.take(), undefined);
  assert.not.ok(queue.add('a'));
  assert.is(clock.pending(), 0);
});

test('under any history no key is lost, doubled, early, or with two workers', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const { clock, queue } = setUp({ random });
    /** When each key was asked for at the earliest, since it was last taken. */
    const asked = new Map<string, number>();
    const working: string[] = [];
    for (let i = 0; i < 400; i++) {
      const key = `k${pick(12)}`;
      const action = pick(4);
      if (action === 0) {
        const delayMs = pick(2) * pick(300);
        queue.add(key, { delayMs, priority: pick(3) - 1 });
        asked.set(key, Math.min(asked.get(key) ?? Infinity, clock.monotonic() + delayMs));
      } else if (action === 1 && queue.depth > 0) {
        const taken = (await queue.take())!;
        assert.not.ok(working.includes(taken), `seed ${seed}: ${taken} has two workers`);
        assert.ok(asked.get(taken)! <= clock.monotonic(), `seed ${seed}: ${taken} came early`);
        asked.delete(taken);
        working.push(taken);
      } else if (action === 2 && working.length > 0) {
        queue.done(working.splice(pick(working.length), 1)[0]!);
      } else if (action === 3) await clock.advance(pick(100));
    }
    for (const key of working) queue.done(key);
    await clock.advance(1_000);
    const rest: string[] = [];
    while (queue.depth > 0) rest.push((await queue.take())!);
    assert.equal(rest.sort(), [...asked.keys()].sort(), `seed ${seed}: lost or doubled`);
    assert.is(queue.delayed, 0);
  }
});

test('when everything fails at once, tries are spread: a burst, then so many a second', () => {
  const { queue } = setUp({ rateLimit: { perSecond: 10, burst: 5 } });
  const delays = Array.from({ length: 20 }, (_, i) => queue.retry(`key-${i}`));
  assert.equal(delays.slice(0, 6), [100, 100, 100, 100, 100, 100]);
  assert.equal(delays.slice(6), [200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500]);
});

test('the rate limit fills up again, and no further than its burst', async () => {
  const { clock, queue } = setUp({ rateLimit: { perSecond: 10, burst: 2 }, backoff: { ...BACKOFF, initialMs: 1 } });
  const some = (prefix: string) => Array.from({ length: 4 }, (_, i) => queue.retry(`${prefix}${i}`));
  assert.equal(some('a'), [1, 1, 100, 200]);
  await clock.advance(60_000);
  assert.equal(some('b'), [1, 1, 100, 200]);
});

test('what is asked for by a change or a requeue is not limited', async () => {
  const { queue, drain } = setUp({ rateLimit: { perSecond: 0.001, burst: 1 } });
  for (let i = 0; i < 50; i++) queue.add(`key-${i}`);
  assert.is((await drain()).length, 50);
});

test('it tells how long keys waited, were worked on, and are under way', async () => {
  const told: string[] = [];
  const observer = {
    added: () => void told.push('added'),
    taken: (ms: number) => void told.push(`taken after ${ms}`),
    done: (ms: number) => void told.push(`done after ${ms}`),
    retried: () => void told.push('retried'),
  };
  const { clock, queue } = setUp({ observer });
  queue.add('a');
  await clock.advance(30);
  await queue.take();
  await clock.advance(200);
  assert.equal(queue.workingMs(), [200]);
  queue.retry('a');
  queue.done('a');
  assert.equal(queue.workingMs(), []);
  assert.equal(told, ['added', 'taken after 30', 'retried', 'done after 200', 'added']);
});

test.run();
