import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest } from './testing/fixtures.ts';
import { Random } from './testing/random.ts';
import { randomRequest, TwinCluster } from './testing/random-cluster.ts';

test('counts who was turned away, and gives each plugin’s part for the winner and the runners-up', () => {
  const table = new NodeTable();
  const scheduler = new Scheduler(table);
  for (const id of ['a', 'b', 'c']) table.upsert(aNode(id));
  table.upsert(aNode('d', { pool: 'other' }));
  table.reserve('b', aRequest('x', { resources: { cpu: 8000 } }));
  const { total, feasible, reasons, nodes } = scheduler.explain(aRequest('r', { pool: 'default' }), 1);
  assert.equal([total, feasible], [4, 3]);
  assert.equal(reasons, [{ reason: 'other pool', count: 1 }]);
  assert.equal(
    nodes.map(({ node }) => node),
    ['b', 'a'],
  );
  for (const { score, plugins } of nodes) {
    assert.is(
      Object.values(plugins).reduce((sum, part) => sum + part, 0),
      score,
    );
  }
  assert.ok(nodes[0]!.plugins.MostAllocated! > nodes[1]!.plugins.MostAllocated!);
});

test('what holds a place is explained as if it did not', () => {
  const table = new NodeTable();
  const scheduler = new Scheduler(table);
  table.upsert(aNode('a', { capacity: { cpu: 2000, memory: 2 ** 40 } }));
  const request = aRequest('r');
  table.reserve('a', request);
  assert.is(scheduler.explain(request).nodes[0]?.node, 'a');
  assert.is(scheduler.explain(aRequest('other')).feasible, 0);
});

test('says the same as the decision, on random clusters', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const cluster = new TwinCluster(new NodeTable());
    const scheduler = new Scheduler(cluster.table);
    for (let step = 0; step < 60; step++) {
      cluster.disturb(random, 20);
      const request = randomRequest(random, `r${step}`, cluster.nodeIds);
      const decision = scheduler.decide(request);
      const { nodes, reasons, total } = scheduler.explain(request, 0);
      assert.is(nodes[0]?.node, decision.node, `seed ${seed}, step ${step}`);
      if (decision.node === undefined) assert.equal({ reasons, total }, pick(decision.unschedulable));
      else assert.is(nodes[0]?.score, decision.score);
      if (decision.node !== undefined) cluster.reserve(decision.node, request);
    }
  }
});

function pick({ reasons, total }: { reasons: unknown; total: number }) {
  return { reasons, total };
}

test.run();
