import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../lib/provision/operations/failures.ts';
import { advanced, atPercent, begun, failed, heldUntil, MOST_ROUNDS, reset, type Status } from './status.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const backoff = { initialMs: 1000, maxMs: 60_000 };
const retry = (now = NOW, inputs = 'a') => ({ now, inputs, backoff, random: () => 0 });
const lost = new Failure('AgentLost', 'silent');

const creating = (): Status =>
  begun({ phase: 'InUse' }, { kind: 'Create', id: 'create-1', now: NOW, instanceUID: 'i' });
/** At the step with this name, every one before it seen done. */
function at(step: string, status = creating()): Status {
  let now = status;
  while (now.operation && now.operation.step !== step) now = advanced(now, NOW);
  return now;
}

test('an operation that begins gives up the one under way, and says so in the history', () => {
  const cleaning = begun(at('write-image'), { kind: 'Clean', id: 'clean-1', now: NOW });
  assert.is(cleaning.operation?.kind, 'Clean');
  assert.equal(
    cleaning.history?.map(({ id, result }) => [id, result]),
    [['create-1', 'Aborted']],
  );
});

test('from the step that writes on, nobody believes that the disk holds what it held', () => {
  const installed = { instanceUID: 'i', image: 'debian-12' };
  const before = at('await-agent', { ...creating(), installed });
  assert.equal(before.installed, installed);
  assert.is(before.dirty, undefined);
  const writing = advanced(before, NOW);
  assert.is(writing.installed, undefined);
  assert.is(writing.dirty, true);
});

test('each network boot has a number of its own, and no session', () => {
  const first = at('await-agent');
  assert.equal(first.operation?.boot, { number: 1 });
  const admitted = { ...first, operation: { ...first.operation!, boot: { number: 1, nonceHash: 'x' } } };
  const again = at('await-agent', failed(advanced(admitted, NOW), lost, retry()));
  assert.equal(again.operation?.boot, { number: 2 });
});

test('a failure at the agent starts a new round where the machine was last off, after a pause that grows', () => {
  const pauses: number[] = [];
  let status = at('write-image');
  for (let round = 2; round <= 5; round++) {
    status = failed(status, lost, retry());
    assert.is(status.operation?.step, 'power-off');
    assert.is(status.operation?.round, round);
    pauses.push(Date.parse(status.operation!.nextAttemptAt!) - NOW);
    status = at('write-image', status);
  }
  assert.equal(pauses, [2000, 4000, 8000, 16_000]);
});

test('omni-infra-provider-bare-metal 37, rufio 53: rounds are not started anew for ever', () => {
  let status = at('write-image');
  for (let round = 1; round < MOST_ROUNDS; round++) status = at('write-image', failed(status, lost, retry()));
  assert.is(failed(status, lost, retry()).error?.code, 'GaveUp');
  assert.is(heldUntil(failed(status, lost, retry()), 'a', NOW), Number.POSITIVE_INFINITY);
});

test('what only asks the BMC may go on for ever: it may come back any day', () => {
  const silent = new Failure('BMCUnreachable', 'nobody there');
  let status = begun({}, { kind: 'Register', id: 'register-1', now: NOW });
  for (let tries = 0; tries < 3 * MOST_ROUNDS; tries++) status = failed(status, silent, retry());
  assert.is(status.error?.code, 'BMCUnreachable');
  assert.is(status.error?.count, 3 * MOST_ROUNDS);
  assert.is(Date.parse(status.operation!.nextAttemptAt!) - NOW, backoff.maxMs);
});

test('a permanent failure waits for one of its inputs to change, or for resetStatus', () => {
  const wrong = failed(at('await-agent'), new Failure('IdentityMismatch', 'another machine'), retry());
  assert.is(heldUntil(wrong, 'a', NOW), Number.POSITIVE_INFINITY);
  assert.is(heldUntil(wrong, 'b', NOW), undefined);
  const mended = reset(wrong, NOW);
  assert.is(mended.error, undefined);
  assert.is(heldUntil(mended, 'a', NOW), undefined);
  assert.is(mended.operation?.round, 1);
});

test('a transient failure waits for its time', () => {
  const status = failed(at('write-image'), lost, retry());
  assert.is(heldUntil(status, 'a', NOW), NOW + 2000);
  assert.is(heldUntil(status, 'a', NOW + 2000), undefined);
});

test('an error is told until the step that failed has been done', () => {
  let status = failed(at('write-image'), lost, retry());
  status = at('write-image', status);
  assert.is(status.error?.code, 'AgentLost', 'steps before it do not clear it');
  assert.is(advanced(status, NOW).error, undefined);
});

test('the percentage is of the whole operation, and nothing changes when it does not', () => {
  const status = at('write-image');
  const half = atPercent(status, 50);
  assert.is(half.operation?.percent, Math.floor((4.5 / 10) * 100));
  assert.is(atPercent(half, 50), half);
});

test('the history keeps the last twenty', () => {
  let status: Status = {};
  for (let id = 1; id <= 25; id++) status = advanced(begun(status, { kind: 'Stop', id: `stop-${id}`, now: NOW }), NOW);
  assert.is(status.history?.length, 20);
  assert.is(status.history?.at(-1)?.id, 'stop-25');
});

test.run();
