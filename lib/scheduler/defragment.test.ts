import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planDefragmentation } from './defragment.ts';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest, GIB } from './testing/fixtures.ts';
import { Random } from './testing/random.ts';
import type { Request } from './types.ts';

const vm = (id: string, cores: number, changes: Partial<Request> = {}): Request =>
  aRequest(id, { resources: { cpu: cores * 1000, memory: GIB }, ...changes });

function cluster(nodes: number, placed: readonly (readonly [node: string, request: Request])[]) {
  const table = new NodeTable();
  for (let index = 1; index <= nodes; index++)
    table.upsert(aNode(`n${index}`, { capacity: { cpu: 8000, memory: 64 * GIB } }));
  const requests = new Map(placed.map(([, request]) => [request.id, request]));
  for (const [node, request] of placed) table.reserve(node, request);
  return { scheduler: new Scheduler(table), table, requestOf: ({ id }: { id: string }) => requests.get(id) };
}

test('the emptiest node is emptied onto those in use, and the table is as it was', () => {
  const { scheduler, table, requestOf } = cluster(4, [
    ['n1', vm('a', 5)],
    ['n2', vm('b', 4)],
    ['n3', vm('c', 1)],
    ['n3', vm('d', 2)],
  ]);
  const plan = planDefragmentation(scheduler, requestOf);
  assert.equal([plan.emptied, plan.before, plan.after], [['n3'], 3, 2]);
  assert.equal(
    plan.moves.map(({ id, from }) => [id, from]),
    [
      ['d', 'n3'],
      ['c', 'n3'],
    ],
  );
  assert.ok(plan.moves.every(({ to }) => to === 'n1' || to === 'n2'));
  assert.equal(table.reservations('n3').length, 2);
  assert.is(table.get('n3')?.schedulable, true);
});

test('a node is emptied whole or not at all; who must stay stays; moves are bounded', () => {
  const placed = [
    ['n1', vm('a', 7)],
    ['n2', vm('b', 1)],
    ['n2', vm('c', 4)],
  ] as const;
  assert.equal(planDefragmentation(cluster(3, placed).scheduler, cluster(3, placed).requestOf).moves, []);
  const two = cluster(2, [
    ['n1', vm('a', 5)],
    ['n2', vm('b', 1)],
  ]);
  assert.is(planDefragmentation(two.scheduler, two.requestOf).moves.length, 1);
  assert.equal(planDefragmentation(two.scheduler, two.requestOf, 0).moves, []);
  assert.equal(planDefragmentation(two.scheduler, () => undefined).moves, []);
});

test('rules hold at every move, and no node holds more than it has', () => {
  const random = new Random(5);
  const apart = { required: [{ topologyKey: 'node', selector: { matchLabels: { app: 'db' } } }] };
  const placed: [string, Request][] = [];
  const { scheduler, table } = cluster(30, []);
  for (let index = 0; index < 60; index++) {
    const isDb = random.chance(0.2);
    const request = vm(`r${index}`, 1 + random.below(3), isDb ? { labels: { app: 'db' }, antiAffinity: apart } : {});
    const free = Array.from({ length: 30 }, (_, at) => `n${at + 1}`).filter(
      (node) => scheduler.decide({ ...request, node }).node !== undefined,
    );
    const node = random.pick(free);
    table.reserve(node, request);
    placed.push([node, request]);
  }
  const requests = new Map(placed.map(([, request]) => [request.id, request]));
  const plan = planDefragmentation(scheduler, ({ id }) => requests.get(id));
  assert.ok(plan.emptied.length > 0);
  for (const { id, from, to } of plan.moves) {
    assert.is(table.nodeOf(id), from);
    table.release(id);
    assert.is(scheduler.decide({ ...requests.get(id)!, node: to }).node, to, `${id} may go to ${to}`);
    table.reserve(to, requests.get(id)!);
  }
  for (const node of plan.emptied) assert.is(table.reservations(node).length, 0);
});

test.run();
