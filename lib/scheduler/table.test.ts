import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from './errors.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest } from './testing/fixtures.ts';

test('a reservation counts whether its node was known before, is known later, or comes back', () => {
  const table = new NodeTable();
  const free = () => table.resource('cpu')!.free[table.slotOf('a')!];
  table.reserve('a', aRequest('r', { resources: { cpu: 1000 } }));
  table.upsert(aNode('a', { capacity: { cpu: 4000 } }));
  assert.is(free(), 3000);
  table.remove('a');
  table.upsert(aNode('b'));
  table.upsert(aNode('a', { capacity: { cpu: 2000 } }));
  assert.is(free(), 1000);
  assert.equal(table.allocated('a'), { resources: { cpu: 1000 }, placements: 1 });
});

test('reserving again changes nothing, elsewhere moves, with other amounts replaces', () => {
  const table = new NodeTable();
  const request = aRequest('r', { resources: { cpu: 1000 } });
  table.upsert(aNode('a'));
  table.upsert(aNode('b'));
  table.reserve('a', request);
  table.reserve('a', request);
  assert.equal(table.allocated('a'), { resources: { cpu: 1000 }, placements: 1 });
  table.reserve('b', { ...request, resources: { cpu: 2000 } });
  assert.equal(table.allocated('a'), { resources: {}, placements: 0 });
  assert.equal(table.allocated('b'), { resources: { cpu: 2000 }, placements: 1 });
  assert.is(table.nodeOf('r'), 'b');
  assert.ok(table.release('r'));
  assert.not(table.release('r'));
  assert.not(table.has('r'));
});

test('facts beyond capacity stand: nothing more fits until enough has left', () => {
  const table = new NodeTable();
  table.upsert(aNode('a', { capacity: { cpu: 4000 } }));
  for (const id of ['r1', 'r2']) table.reserve('a', aRequest(id, { resources: { cpu: 3000 } }));
  assert.is(table.resource('cpu')!.free[0], -2000);
  table.release('r1');
  assert.is(table.resource('cpu')!.free[0], 1000);
});

test('a resource first met in a reservation counts once a node has some of it', () => {
  const table = new NodeTable();
  table.upsert(aNode('a'));
  table.reserve('a', aRequest('r', { resources: { gpu: 2 } }));
  assert.is(table.resource('gpu'), undefined);
  table.upsert(aNode('b', { capacity: { gpu: 4 } }));
  assert.is(table.resource('gpu')!.free[table.slotOf('a')!], -2);
  table.release('r');
  assert.is(table.resource('gpu')!.free[table.slotOf('a')!], 0);
});

test('objects passed in stay the caller’s: changing them later changes nothing here', () => {
  const table = new NodeTable();
  const capacity = { cpu: 4000 };
  const resources = { cpu: 1000 };
  table.upsert(aNode('a', { capacity }));
  table.reserve('a', aRequest('r', { resources }));
  capacity.cpu = 9000;
  resources.cpu = 1;
  table.release('r');
  assert.is(table.resource('cpu')!.free[0], 4000);
  assert.is(table.get('a')!.capacity.cpu, 4000);
});

test('the same node state again is no change', () => {
  const table = new NodeTable();
  table.upsert(aNode('a'));
  const before = table.journal.next;
  table.upsert(aNode('a'));
  assert.is(table.journal.next, before);
  table.upsert(aNode('a', { schedulable: false }));
  assert.is(table.journal.next, before + 1);
});

test('slots are used again, and the table grows', () => {
  const table = new NodeTable();
  for (let index = 0; index < 1000; index++) table.upsert(aNode(`n${index}`));
  for (let index = 0; index < 500; index++) table.remove(`n${index}`);
  for (let index = 0; index < 500; index++) table.upsert(aNode(`m${index}`));
  assert.is(table.slots, 1000);
  assert.is(table.size, 1000);
  assert.is(table.resource('cpu')!.free[table.slotOf('m499')!], 16_000);
});

test('nodes and reservations that are not valid are refused and leave nothing behind', () => {
  const table = new NodeTable();
  const invalid = (run: () => void) => assert.throws(run, (error: unknown) => error instanceof InvalidInputError);
  invalid(() => table.upsert(aNode('')));
  invalid(() => table.upsert(aNode('a', { capacity: { cpu: 0.5 } })));
  invalid(() => table.upsert(aNode('a', { overcommit: { cpu: Number.NaN } })));
  invalid(() => table.upsert(aNode('a', { capacity: { memory: 2 ** 52 }, overcommit: { memory: 4 } })));
  invalid(() => table.upsert(aNode('a', { maxPlacements: -1 })));
  invalid(() => table.reserve('a', aRequest('r', { resources: { cpu: -1 } })));
  assert.is(table.size, 0);
  assert.not(table.has('r'));
});

test.run();
