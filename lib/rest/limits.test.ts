import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RateLimits } from './limits.ts';

test('a caller has its burst, then its rate, and is told when to come again', () => {
  let now = 0;
  const limits = new RateLimits({ perSecond: 2, burst: 3 }, () => now);
  assert.equal(
    [1, 2, 3].map(() => limits.take('a')),
    [0, 0, 0],
  );
  assert.is(limits.take('a'), 0.5);
  now = 499;
  assert.ok(limits.take('a') > 0);
  now = 500;
  assert.is(limits.take('a'), 0);
  now = 60_000;
  assert.equal(
    [1, 2, 3].map(() => limits.take('a')),
    [0, 0, 0],
  );
  assert.ok(limits.take('a') > 0);
});

test('callers do not use up what others have', () => {
  const limits = new RateLimits({ perSecond: 1, burst: 1 }, () => 0);
  assert.is(limits.take('a'), 0);
  assert.ok(limits.take('a') > 0);
  assert.is(limits.take('b'), 0);
});

test('it goes on when more callers come than are remembered', () => {
  const limits = new RateLimits({ perSecond: 1, burst: 1 }, () => 0);
  for (let index = 0; index < 20_000; index++) assert.is(limits.take(`caller-${index}`), 0);
  assert.ok(limits.take('caller-19999') > 0);
});

test.run();
