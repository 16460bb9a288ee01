import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../api/generated.ts';
import { Problem } from './problem.ts';
import { asksForTheSame, placementFor, readRequest, resultOf, TASK_PATTERN, taskIdOf } from './task.ts';

const GOOD = { requested_cpu: 4, requested_memory: 8192, requested_pool: 'default', dedicated: false };

function told(body: unknown): Problem {
  try {
    readRequest(body);
  } catch (error) {
    assert.instance(error, Problem);
    return error as Problem;
  }
  throw new Error(`was accepted: ${JSON.stringify(body)}`);
}

test('what virtflow clients send is read as it is', () => {
  assert.equal(readRequest(GOOD), GOOD);
  assert.equal(readRequest({ ...GOOD, requested_cpu: 0.5 }).requested_cpu, 0.5);
});

test('every field is checked, and the answer names field, expected and seen', () => {
  const bad: readonly (readonly [field: string, seen: unknown])[] = [
    ['requested_cpu', -1],
    ['requested_cpu', 0],
    ['requested_cpu', '4'],
    ['requested_cpu', 1e99],
    ['requested_cpu', 0.0001],
    ['requested_memory', -8192],
    ['requested_memory', 1.5],
    ['requested_memory', null],
    ['requested_pool', ''],
    ['requested_pool', '../x'],
    ['requested_pool', 7],
    ['dedicated', 'yes'],
    ['dedicated', null],
  ];
  for (const [field, seen] of bad) {
    const problem = told({ ...GOOD, [field]: seen });
    assert.is(problem.status, 422);
    assert.is(problem.told.field, field);
    assert.equal(problem.told.seen, seen);
    assert.ok(problem.told.expected);
  }
  assert.is(told({ ...GOOD, requested_gpu: 1 }).told.field, 'requested_gpu');
  for (const body of [null, 1, 'x', [], undefined]) assert.is(told(body).told.field, 'body');
});

test('what was seen is cut short', () => {
  const seen = told({ ...GOOD, requested_pool: 'x'.repeat(10_000) }).told.seen;
  assert.ok(String(seen).length < 200);
});

test('a Placement asks for what the request did', () => {
  const { metadata, spec } = placementFor({ ...GOOD, requested_cpu: 0.25 }, 'id', 'team-a');
  assert.equal(metadata, { name: 'id', namespace: 'team-a' });
  assert.equal(spec, { resources: { cpu: '250m', memory: '8192Mi' }, pool: 'default', dedicated: false });
  const other = placementFor({ ...GOOD, dedicated: true }, 'id', 'team-a');
  assert.is(asksForTheSame(placementFor(GOOD, 'id', 'team-a'), placementFor(GOOD, 'id', 'team-a')), true);
  assert.is(asksForTheSame(placementFor(GOOD, 'id', 'team-a'), other), false);
});

test('results have the bodies that clients know', () => {
  const withStatus = (status: object) => ({ ...placementFor(GOOD, 'id', 'n'), status }) as Placement;
  assert.equal(resultOf(placementFor(GOOD, 'id', 'n')), { status: 'processing' });
  assert.equal(resultOf(withStatus({ phase: 'Pending' })), { status: 'processing' });
  assert.equal(resultOf(withStatus({ phase: 'Bound', nodeName: 'bm-001', address: '10.0.0.1' })), {
    status: 'completed',
    result: { name: 'bm-001', ip: '10.0.0.1' },
  });
  const conditions = [{ type: 'Scheduled', status: 'False', message: '0/3 nodes fit: 3 too little cpu' }];
  const failed = withStatus({ phase: 'Unschedulable', conditions });
  assert.equal(resultOf(failed), { status: 'failed', error: 'No available nodes' });
  assert.equal(resultOf(failed, true), {
    status: 'failed',
    error: 'No available nodes',
    reason: '0/3 nodes fit: 3 too little cpu',
  });
  const message = 'exceeded quota: small, requested: cpu=4, used: cpu=8, limited: cpu=10';
  const beyond = { type: 'Scheduled', status: 'False', reason: 'QuotaExceeded', message };
  assert.equal(resultOf(withStatus({ phase: 'Pending', conditions: [beyond] }), true), {
    status: 'failed',
    error: 'No available nodes',
    reason: message,
  });
});

test('a key stands for one task in a namespace, for ever', () => {
  assert.match(taskIdOf('key', 'a'), new RegExp(TASK_PATTERN));
  assert.is(taskIdOf('key', 'a'), taskIdOf('key', 'a'));
  assert.is.not(taskIdOf('key', 'a'), taskIdOf('key', 'b'));
  assert.is.not(taskIdOf('key', 'a'), taskIdOf('other', 'a'));
});

test.run();
