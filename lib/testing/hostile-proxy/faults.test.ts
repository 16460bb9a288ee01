import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultOf, type Hostility, isOutage } from './faults.ts';

const hostility: Hostility = {
  seed: 7,
  calls: 0.5,
  watches: 0.5,
  delayMs: 100,
  outages: { everyMs: 60_000, lastMs: 10_000 },
};
const run = (seed: number) =>
  Array.from({ length: 200 }, (_, nth) =>
    faultOf({ ...hostility, seed }, { method: 'PATCH', path: '/x', isWatch: false, nth }),
  );

test('the same seed gives the same faults, another one others', () => {
  assert.equal(run(1), run(1));
  assert.not.equal(run(1), run(2));
});

test('what befalls a request does not depend on the requests around it', () => {
  const request = { method: 'GET', path: '/a', isWatch: true, nth: 3 };
  const alone = faultOf(hostility, request);
  run(7);
  assert.equal(faultOf(hostility, request), alone);
});

test('about the share asked for is struck, by every fault there is', () => {
  const faults = run(3);
  const struck = faults.filter(({ type }) => type !== 'none').length;
  assert.ok(struck > 70 && struck < 130, `${struck} of 200`);
  const types = new Set<string>();
  for (const isWatch of [true, false]) {
    for (const method of ['GET', 'PATCH']) {
      for (let nth = 0; nth < 500; nth++) types.add(faultOf(hostility, { method, path: '/x', isWatch, nth }).type);
    }
  }
  const all = [
    'none',
    'delay',
    'reset',
    'status',
    'lost-answer',
    'half-open',
    'cut',
    'silence',
    'truncation',
    'expiry',
  ];
  assert.equal([...types].sort(), all.sort());
});

test('nothing is asked of no hostility', () => {
  const kind = { ...hostility, calls: 0, watches: 0 };
  assert.equal(faultOf(kind, { method: 'GET', path: '/', isWatch: false, nth: 0 }), { type: 'none' });
  assert.not.ok(isOutage({ ...hostility, outages: undefined }, 30_000));
});

test('outages come once a period and end within it', () => {
  let away = 0;
  for (let period = 0; period < 20; period++) {
    let changes = 0;
    let before = false;
    for (let ms = 0; ms < 60_000; ms += 100) {
      const is = isOutage(hostility, period * 60_000 + ms);
      if (is !== before) changes++;
      before = is;
      if (is) away += 100;
    }
    assert.is(changes, 2, `period ${period}`);
  }
  assert.ok(away / 20 > 5_000 && away / 20 < 15_000);
});

test.run();
