import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError } from '../../lib/kube/errors.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { attempts } from './attempts.ts';
import { aDevice } from './model/fixtures.ts';

const refuse = (status: number, reason: string) => () => Promise.reject(new ApiError(status, reason, reason));

test('an error of any kind brings another round, and holds up nobody', async () => {
  for (const [status, reason] of [
    [403, 'Forbidden'],
    [422, 'Invalid'],
    [503, 'ServiceUnavailable'],
    [0, 'Unreachable'],
  ] as const) {
    const trying = attempts(createLogRecorder(), createFakeClock(), new AbortController().signal);
    let served = false;
    await trying.make(aDevice('a'), refuse(status, reason));
    await trying.make(aDevice('b'), async () => {
      served = true;
      return 'settled';
    });
    assert.ok(served);
    assert.throws(() => trying.result(), reason);
  }
});

test('what somebody else has just written brings another round soon, and is no error', async () => {
  const trying = attempts(createLogRecorder(), createFakeClock(), new AbortController().signal);
  await trying.make(aDevice('a'), refuse(409, 'Conflict'));
  assert.is(trying.result().type, 'requeue');
});

test('a round ends at once when another process leads', async () => {
  const trying = attempts(createLogRecorder(), createFakeClock(), new AbortController().signal);
  await trying.make(aDevice('a'), refuse(0, 'NotLeader')).then(
    () => assert.unreachable('the round went on'),
    (error: ApiError) => assert.is(error.reason, 'NotLeader'),
  );
});

test('a round that takes long leaves the rest to the next one, before it is aborted', async () => {
  const clock = createFakeClock();
  const trying = attempts(createLogRecorder(), clock, new AbortController().signal);
  const served: string[] = [];
  const serve = (name: string, ms: number) =>
    trying.make(aDevice(name), async () => {
      clock.freeze(ms);
      served.push(name);
      return 'settled';
    });
  await serve('a', 60_000);
  await serve('b', 1);
  assert.equal(served, ['a']);
  assert.is(trying.result().type, 'requeue');
});

test.run();
