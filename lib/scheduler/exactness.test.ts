// Holds the scheduler against the reference on random clusters: every decision, every reason, every count.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { compareHistory } from './testing/compare.ts';
import { Random } from './testing/random.ts';
import { randomRequest, TwinCluster } from './testing/random-cluster.ts';

test('decides as the reference does, through arrivals, departures and node changes', () => {
  for (let seed = 1; seed <= 5; seed++) compareHistory({ seed, decisions: 150, mostNodes: 20, kinds: 12 });
  for (let seed = 31; seed <= 32; seed++) compareHistory({ seed, decisions: 150, mostNodes: 20, kinds: 200 });
});

test('so it does when there is room for few classes only, and they are made anew all the time', () => {
  for (let seed = 41; seed <= 42; seed++)
    compareHistory({ seed, decisions: 150, mostNodes: 20, kinds: 12, maxBytes: 20_000 });
});

test('so it does when nodes come in crowds', () => {
  compareHistory({ seed: 51, decisions: 40, mostNodes: 90, kinds: 6 });
});

test('nothing is ever given away twice', () => {
  const random = new Random(7);
  const cluster = new TwinCluster(new NodeTable());
  const scheduler = new Scheduler(cluster.table);
  for (let step = 0; step < 60; step++) cluster.disturb(random, 40);
  const nodes = new Map(cluster.nodes.map((node) => [node.id, node]));
  for (let step = 0; step < 1500; step++) {
    const request = randomRequest(random, `r${step}`, cluster.nodeIds);
    const { node } = scheduler.decide(request);
    if (node !== undefined) cluster.reserve(node, request);
    if (random.chance(0.3) && cluster.held.length > 0) cluster.release(random.pick(cluster.held).reservation.id);
    if (node === undefined) continue;
    const { resources, placements } = cluster.table.allocated(node);
    const { capacity, reserved, overcommit, maxPlacements } = nodes.get(node)!;
    assert.ok(placements <= maxPlacements);
    for (const [name, amount] of Object.entries(resources)) {
      assert.ok(amount <= Math.max(0, (capacity[name] ?? 0) - (reserved[name] ?? 0)) * (overcommit[name] ?? 1) + 0.001);
    }
  }
});

test('another scheduler that learns the same facts in another order gives the same answers', () => {
  const random = new Random(11);
  const cluster = new TwinCluster(new NodeTable());
  const scheduler = new Scheduler(cluster.table);
  for (let step = 0; step < 300; step++) {
    cluster.disturb(random, 40);
    const request = randomRequest(random, `r${step}`, cluster.nodeIds);
    const { node } = scheduler.decide(request);
    if (node !== undefined) cluster.reserve(node, request);
  }
  const restarted = new NodeTable();
  for (const { nodeId, reservation } of cluster.held.toReversed()) restarted.reserve(nodeId, reservation);
  for (const node of cluster.nodes.toReversed()) restarted.upsert(node);
  const other = new Scheduler(restarted);
  for (let step = 0; step < 200; step++) {
    const request = randomRequest(random, `again${step}`, cluster.nodeIds);
    assert.equal(other.decide(request), scheduler.decide(request));
  }
});

test.run();
