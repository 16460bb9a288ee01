import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createSlots, type Slots } from './slots.ts';

const never = new AbortController().signal;

/** Waits for a turn; tells when it has it. */
function queue(turn: Promise<Disposable>, name: string, order: string[]): Promise<Disposable> {
  return turn.then((slot) => {
    order.push(name);
    return slot;
  });
}

async function holding(slots: Slots, count: number): Promise<Disposable[]> {
  return Promise.all(Array.from({ length: count }, () => slots.take(never)));
}

test('who steps aside has its turn when nobody else has one or waits for it', async () => {
  const slots = createSlots(2);
  const order: string[] = [];
  const [a, b] = await holding(slots, 2);
  const last = queue(slots.takeAside(never), 'aside', order);
  const third = queue(slots.take(never), 'third', order);
  a![Symbol.dispose]();
  const c = await third;
  b![Symbol.dispose]();
  await setImmediate();
  assert.equal(order, ['third']);
  c[Symbol.dispose]();
  (await last)[Symbol.dispose]();
  assert.equal(order, ['third', 'aside']);
});

test('who steps aside gets on where there is never a pause', async () => {
  const slots = createSlots(2);
  const [a] = await holding(slots, 1);
  const slot = await slots.takeAside(never);
  slot[Symbol.dispose]();
  a![Symbol.dispose]();
});

test('nobody waits for those whose call is over', async () => {
  const slots = createSlots(1);
  const [a] = await holding(slots, 1);
  const stop = new AbortController();
  const both = [slots.takeAside(stop.signal), slots.take(stop.signal)];
  stop.abort(new Error('over'));
  for (const turn of both) {
    const error: unknown = await turn.catch((reason: unknown) => reason);
    assert.is((error as Error).message, 'over');
  }
  a![Symbol.dispose]();
  (await slots.take(never))[Symbol.dispose]();
});

test.run();
