// An auditor that overlooks something proves nothing: each fault is put in and must be found.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JournalEntry } from '../../../lib/sim/fleet.ts';
import type { SeenOperation } from './history.ts';
import { audit } from './record.ts';

const entry = (what: JournalEntry['what'], more: Partial<JournalEntry> = {}): JournalEntry => ({
  machine: 'm',
  at: 0,
  what,
  disk: 'd',
  ...more,
});
const wrote = (taskId: string, more: Partial<JournalEntry> = {}) =>
  entry('write-image', { detail: 'complete', sha256: 'x', taskId, ...more });

function seen(id: string, more: Partial<SeenOperation> = {}): [string, SeenOperation] {
  const operation: SeenOperation = {
    id,
    device: 'm',
    kind: 'Create',
    instanceUID: 'i',
    request: undefined,
    images: new Set(['x']),
    boots: 1,
    rounds: 1,
    ...more,
  };
  return [id, operation];
}
const GOOD = [
  entry('power', { detail: 'On' }),
  entry('write-image', { detail: 'begun', taskId: 'a/write-image/1' }),
  wrote('a/write-image/1'),
  entry('write-seed', { taskId: 'a/write-seed/1' }),
  entry('power', { detail: 'Off' }),
  entry('power', { detail: 'On' }),
];
const found = (record: readonly JournalEntry[], ...operations: [string, SeenOperation][]) =>
  audit(record, new Map(operations)).join('\n');

test('a creation as it should be', () => {
  assert.is(found(GOOD, seen('a')), '');
});

test('work for an operation that was never on record, or of another device, or of another kind', () => {
  assert.match(found([wrote('b/write-image/1')]), /no such operation/);
  assert.match(found(GOOD, seen('a', { device: 'n' })), /an operation of n/);
  assert.match(found([entry('wipe', { taskId: 'a/wipe/1' })], seen('a')), /a Create does no such thing/);
});

test('another image than was asked for', () => {
  assert.match(found(GOOD, seen('a', { images: new Set(['y']) })), /wrote x, wanted y/);
});

test('the same task twice', () => {
  assert.match(found([...GOOD, wrote('a/write-image/1')], seen('a', { rounds: 2, boots: 2 })), /, 2 times/);
});

test('an image written again without a failure in between', () => {
  assert.match(found([...GOOD, wrote('a/write-image/2')], seen('a', { boots: 2 })), /2 times in 1 rounds/);
  assert.is(found([...GOOD, wrote('a/write-image/2')], seen('a', { boots: 2, rounds: 2 })), '');
});

test('two operations for one wish', () => {
  const twice = [...GOOD, wrote('b/write-image/1')];
  assert.match(found(twice, seen('a'), seen('b')), /carried out by a and b/);
  const asked = { kind: 'Reinstall', request: 'again' } as const;
  assert.is(found(twice, seen('a'), seen('b', asked)), '');
});

test('a disk that goes from one instance to the next unwiped', () => {
  const next = wrote('b/write-image/1');
  const wipe = entry('wipe', { taskId: 'c/wipe/1' });
  const others = [seen('b', { instanceUID: 'j' }), seen('c', { kind: 'Clean' })] as const;
  assert.match(found([...GOOD, next], seen('a'), ...others), /of i, then of j, never wiped/);
  assert.is(found([...GOOD, wipe, next], seen('a'), ...others), '');
});

test('a machine turned on more often than asked for', () => {
  assert.match(found([...GOOD, entry('power', { detail: 'Reset' })], seen('a')), /turned on 3 times, asked for 2/);
});

test.run();
