// What may work later is tried again, for a while; what cannot, and what is told to stop, is not.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError } from '../kube/errors.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { retried } from './retry.ts';

const away = () => new ApiError(503, 'ServiceUnavailable', 'the server is away');
const refused = () => new ApiError(403, 'Forbidden', 'you may not');

function retrying(attempt: () => Promise<string>, signal = new AbortController().signal) {
  const clock = createFakeClock();
  const log = createLogRecorder();
  const options = { what: 'the key', backoff: { initialMs: 1_000, maxMs: 4_000, jitter: 0 }, forMs: 10_000 };
  return { clock, result: retried(attempt, { ...options, clock, random: () => 0, log }, signal) };
}

test('a server that is away for a while is no reason to end', async () => {
  let tries = 0;
  const { clock, result } = retrying(async () => {
    if (++tries < 4) throw away();
    return 'there';
  });
  await clock.advance(7_000);
  assert.is(await result, 'there');
  assert.is(tries, 4);
});

test('a server that stays away is', async () => {
  let tries = 0;
  const { clock, result } = retrying(async () => {
    tries++;
    throw away();
  });
  const failed = result.catch((error: Error) => error.message);
  await clock.advance(60_000);
  assert.match(await failed, 'the server is away');
  // After 0, 1, 3, 7 and 11 s.
  assert.is(tries, 5);
});

test('what the server refuses is not asked for again', async () => {
  let tries = 0;
  const { result } = retrying(async () => {
    tries++;
    throw refused();
  });
  const failed = await result.catch((error: Error) => error.message);
  assert.match(failed, 'you may not');
  assert.is(tries, 1);
});

test('told to stop, it waits no longer', async () => {
  const stop = new AbortController();
  const { clock, result } = retrying(async () => {
    throw away();
  }, stop.signal);
  const failed = result.catch((error: Error) => error.message);
  await clock.advance(500);
  stop.abort(new Error('enough'));
  assert.is(await failed, 'enough');
});

test.run();
