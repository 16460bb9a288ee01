import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Condition, type ConditionUpdate, isConditionTrue, removeCondition, setCondition } from './conditions.ts';

const [t1, t2] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const reachable = (status: Condition['status'], reason: ConditionUpdate['reason'] = 'BMCAnswers', message = '') => ({
  type: 'Reachable',
  status,
  reason,
  message,
});

test('the transition time moves with the status, and with nothing else', () => {
  const first = setCondition([], reachable('True'), t1);
  assert.is(first[0]!.lastTransitionTime, t1);
  const told = setCondition(first, reachable('True', 'BMCAnswers', 'in 3 ms'), t2);
  assert.is(told[0]!.lastTransitionTime, t1);
  assert.is(told[0]!.message, 'in 3 ms');
  const changed = setCondition(told, reachable('False', 'BMCTimeout'), t2);
  assert.is(changed[0]!.lastTransitionTime, t2);
});

test('nothing new gives the very same list, so that nothing is written', () => {
  const list = setCondition([], { ...reachable('True'), observedGeneration: 3 }, t1);
  assert.is(setCondition(list, { ...reachable('True'), observedGeneration: 3 }, t2), list);
  assert.is.not(setCondition(list, { ...reachable('True'), observedGeneration: 4 }, t2), list);
  assert.is(removeCondition(list, 'Other'), list);
});

test('Ready stands first, the others stay where they are', () => {
  let list = setCondition([], reachable('True'), t1);
  list = setCondition(list, { type: 'Collected', status: 'True', reason: 'Collected', message: '' }, t1);
  list = setCondition(list, { type: 'Ready', status: 'False', reason: 'Registering', message: '' }, t1);
  list = setCondition(list, reachable('False'), t2);
  assert.equal(
    list.map(({ type }) => type),
    ['Ready', 'Reachable', 'Collected'],
  );
  assert.equal(
    removeCondition(list, 'Ready').map(({ type }) => type),
    ['Reachable', 'Collected'],
  );
});

test('what is not there is not true', () => {
  assert.not.ok(isConditionTrue(undefined, 'Ready'));
  assert.not.ok(isConditionTrue([], 'Ready'));
  assert.ok(isConditionTrue(setCondition([], reachable('True'), t1), 'Reachable'));
});

test.run();
