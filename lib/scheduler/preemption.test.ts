import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest, GIB } from './testing/fixtures.ts';
import { Random } from './testing/random.ts';
import type { Request } from './types.ts';

/** Nodes of 16 cores, and on each of them these reservations of cpu (in cores) at a priority. */
function clusterOf(
  nodes: Record<string, Record<string, [cores: number, priority: number, changes?: Partial<Request>]>>,
) {
  const table = new NodeTable();
  for (const [id, held] of Object.entries(nodes)) {
    table.upsert(aNode(id));
    for (const [name, [cores, priority, changes]] of Object.entries(held)) {
      table.reserve(id, aRequest(name, { resources: { cpu: cores * 1000 }, priority, ...changes }));
    }
  }
  return new Scheduler(table);
}

const wants = (cores: number, priority: number, changes: Partial<Request> = {}) =>
  aRequest('new', { resources: { cpu: cores * 1000 }, priority, ...changes });

test('sends away nobody of the same or a higher priority', () => {
  const scheduler = clusterOf({ a: { x: [16, 5] } });
  assert.is(scheduler.preempt(wants(1, 5)), undefined);
  assert.equal(scheduler.preempt(wants(1, 6)), { node: 'a', victims: ['x'] });
});

test('the node whose highest victim is lowest goes before the one with fewer victims', () => {
  const scheduler = clusterOf({ a: { x: [16, 3] }, b: { y: [8, 1], z: [8, 2] } });
  assert.equal(scheduler.preempt(wants(16, 9)), { node: 'b', victims: ['y', 'z'] });
  assert.equal(scheduler.preempt(wants(4, 9)), { node: 'b', victims: ['y'] });
});

test('the fewest victims, and of those that are enough alone the smallest', () => {
  const scheduler = clusterOf({
    a: { p: [4, 0], q: [4, 0], r: [4, 0], s: [4, 0] },
    b: { t: [2, 0], u: [6, 0], v: [8, 0] },
  });
  assert.equal(scheduler.preempt(wants(5, 1)), { node: 'b', victims: ['u'] });
  assert.equal(scheduler.preempt(wants(4, 1)), { node: 'a', victims: ['p'] });
});

test('whom it can spare stays, even when it is low', () => {
  const scheduler = clusterOf({ a: { low: [2, 0], big: [13, 1] } });
  assert.equal(scheduler.preempt(wants(14, 2)), { node: 'a', victims: ['big'] });
});

test('nodes that would not do anyway are no help', () => {
  const scheduler = clusterOf({ a: { x: [16, 0] } });
  assert.is(scheduler.preempt(wants(17, 1)), undefined);
  assert.is(scheduler.preempt(wants(4, 1, { pool: 'other' })), undefined);
});

test('a group keeps as many members as it says, and a gang all of them', () => {
  const group = { group: { name: 'web', size: 3, maxUnavailable: 1 } };
  const scheduler = clusterOf({ a: { x: [8, 0, group], y: [8, 0, group] }, b: { z: [16, 0, group] } });
  assert.is(scheduler.preempt(wants(12, 1))?.node, 'b');
  scheduler.table.release('z');
  scheduler.table.reserve('b', wants(16, 9, { id: 'other' }));
  assert.is(scheduler.preempt(wants(4, 1)), undefined, 'one member is missing already');
  const gang = { group: { name: 'job', size: 2, gang: true } };
  const ganged = clusterOf({ a: { x: [16, 0, gang] }, b: { y: [16, 0, gang] } });
  assert.is(ganged.preempt(wants(4, 1)), undefined);
});

test('rules between placements count as they would be without the victims', () => {
  const apart = {
    labels: { app: 'web' },
    antiAffinity: { required: [{ topologyKey: 'zone', selector: { matchLabels: { app: 'web' } } }] },
  };
  const scheduler = clusterOf({ a: { x: [1, 0, apart], y: [15, 0] } });
  assert.equal(scheduler.preempt(wants(1, 1, apart)), { node: 'a', victims: ['x'] });
  assert.equal(scheduler.preempt(wants(4, 1, apart)), { node: 'a', victims: ['y', 'x'] });
});

test('nothing changes by asking', () => {
  const scheduler = clusterOf({ a: { x: [8, 0], y: [8, 0] }, b: { z: [10, 0] } });
  const before = JSON.stringify([scheduler.table.allocated('a'), scheduler.table.journal.next]);
  const decision = scheduler.decide(wants(6, 0));
  scheduler.preempt(wants(16, 1));
  assert.is(JSON.stringify([scheduler.table.allocated('a'), scheduler.table.journal.next]), before);
  assert.equal(scheduler.decide(wants(6, 0)), decision);
});

test('on random clusters: without the victims it fits, none of them can stay, and no node has a lower highest one', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const table = new NodeTable();
    const scheduler = new Scheduler(table);
    for (let index = 0; index < 4; index++) table.upsert(aNode(`n${index}`, { maxPlacements: 3 + random.below(4) }));
    for (let index = 0; index < 40; index++) {
      const resources = { cpu: 1000 * (1 + random.below(6)), memory: GIB * (1 + random.below(24)) };
      const request = aRequest(`r${index}`, { resources, priority: random.below(4) });
      const { node } = scheduler.decide(request);
      if (node !== undefined) table.reserve(node, request);
    }
    const request = wants(2 + random.below(14), 1 + random.below(4), { id: 'new' });
    if (scheduler.decide(request).node !== undefined) continue;
    checkPreemption(scheduler, request, `seed ${seed}`);
  }
});

function checkPreemption(scheduler: Scheduler, request: Request, message: string): void {
  const { table } = scheduler;
  const fitsWithout = (nodeId: string, ids: readonly string[]) => {
    const taken = table.reservations(nodeId).filter(({ id }) => ids.includes(id));
    for (const { id } of taken) table.release(id);
    const fits = scheduler.decide({ ...request, node: nodeId }).node === nodeId;
    for (const reservation of taken) table.reserve(nodeId, reservation);
    return fits;
  };
  /** The lowest priority up to which everybody has to go for it to fit on this node. */
  const ceilingOf = (nodeId: string) => {
    const lower = table.reservations(nodeId).filter(({ priority }) => priority < request.priority);
    const priorities = [...new Set(lower.map(({ priority }) => priority))].sort((left, right) => left - right);
    const upTo = (ceiling: number) => lower.filter(({ priority }) => priority <= ceiling).map(({ id }) => id);
    return priorities.find((ceiling) => fitsWithout(nodeId, upTo(ceiling))) ?? Number.POSITIVE_INFINITY;
  };
  const lowest = Math.min(...['n0', 'n1', 'n2', 'n3'].map(ceilingOf));
  const found = scheduler.preempt(request);
  assert.is(found !== undefined, lowest < Number.POSITIVE_INFINITY, message);
  if (found === undefined) return;
  const victims = table.reservations(found.node).filter(({ id }) => found.victims.includes(id));
  assert.is(Math.max(...victims.map(({ priority }) => priority)), lowest, message);
  assert.ok(fitsWithout(found.node, found.victims), message);
  for (const id of found.victims) {
    const others = found.victims.filter((other) => other !== id);
    assert.not(fitsWithout(found.node, others), `${message}: ${id} could stay`);
  }
}

test.run();
