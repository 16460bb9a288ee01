import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from './errors.ts';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest, GIB } from './testing/fixtures.ts';
import type { Node, Request } from './types.ts';

function schedulerOf(...nodes: Node[]): Scheduler {
  const table = new NodeTable();
  for (const node of nodes) table.upsert(node);
  return new Scheduler(table);
}

/** The message for a request that has no node but one, changed as said. */
function refusal(node: Partial<Node>, request: Partial<Request> = {}): string | undefined {
  return schedulerOf(aNode('n', node)).decide(aRequest('r', request)).unschedulable?.message;
}

test('an empty table says so', () => {
  assert.is(schedulerOf().decide(aRequest('r')).unschedulable?.message, '0/0 nodes fit');
});

test('each filter turns away with its own reason', () => {
  assert.is(refusal({}, { node: 'm' }), '0/1 nodes fit: 1 other node');
  assert.is(refusal({}, { pool: 'gpu' }), '0/1 nodes fit: 1 other pool');
  assert.is(refusal({}, { region: 'r2' }), '0/1 nodes fit: 1 other region');
  assert.is(refusal({}, { site: 's2' }), '0/1 nodes fit: 1 other site');
  assert.is(refusal({}, { zone: 'z2' }), '0/1 nodes fit: 1 other zone');
  assert.is(refusal({ dedicated: true }), '0/1 nodes fit: 1 dedicated');
  assert.is(refusal({}, { dedicated: true }), '0/1 nodes fit: 1 not dedicated');
  const others = { dedicated: true, dedicatedTo: 'team-b' };
  assert.is(refusal(others, { dedicated: true }), '0/1 nodes fit: 1 dedicated to another tenant');
  assert.is(refusal({}, { nodeSelector: { matchLabels: { disk: 'ssd' } } }), '0/1 nodes fit: 1 other labels');
  assert.is(refusal({ schedulable: false, hold: 'cordoned' }), '0/1 nodes fit: 1 cordoned');
  assert.is(refusal({ schedulable: false }), '0/1 nodes fit: 1 not ready');
  assert.is(refusal({ taints: [{ key: 'gpu', effect: 'NoSchedule' }] }), '0/1 nodes fit: 1 taint gpu');
  assert.is(refusal({ maxPlacements: 0 }), '0/1 nodes fit: 1 too many placements');
  assert.is(refusal({}, { resources: { cpu: 16_001 } }), '0/1 nodes fit: 1 too little cpu');
  assert.is(refusal({}, { resources: { memory: 65 * GIB } }), '0/1 nodes fit: 1 too little memory');
  assert.is(refusal({}, { resources: { gpu: 1 } }), '0/1 nodes fit: 1 too little gpu');
});

test('a refusal counts every node once, under the first reason, the most frequent first and then by name', () => {
  const scheduler = schedulerOf(
    aNode('a', { pool: 'other', dedicated: true }),
    aNode('b', { dedicated: true }),
    aNode('c', { capacity: { cpu: 1, memory: 1 } }),
    aNode('d', { capacity: { cpu: 1 } }),
  );
  assert.equal(scheduler.decide(aRequest('r', { pool: 'default' })).unschedulable, {
    total: 4,
    reasons: [
      { reason: 'too little cpu', count: 2 },
      { reason: 'dedicated', count: 1 },
      { reason: 'other pool', count: 1 },
    ],
    message: '0/4 nodes fit: 2 too little cpu, 1 dedicated, 1 other pool',
  });
});

test('ties go to the lowest id, whatever the order in which nodes came', () => {
  assert.is(schedulerOf(aNode('b'), aNode('a'), aNode('c')).decide(aRequest('r')).node, 'a');
});

test('a node that takes over the slot of one that is gone takes over nothing else', () => {
  const scheduler = schedulerOf(aNode('a'), aNode('b'));
  for (let times = 0; times < 3; times++) assert.is(scheduler.decide(aRequest('r')).node, 'a');
  scheduler.table.remove('a');
  scheduler.table.upsert(aNode('z'));
  assert.is(scheduler.decide(aRequest('r')).node, 'b');
});

test('hosts fill up one after the other and are never filled beyond what they have', () => {
  const scheduler = schedulerOf(aNode('a'), aNode('b'));
  const chosen = Array.from({ length: 17 }, (_, index) => {
    const request = aRequest(`r${index}`);
    const { node } = scheduler.decide(request);
    if (node !== undefined) scheduler.table.reserve(node, request);
    return node;
  });
  assert.equal(chosen, [...Array(8).fill('a'), ...Array(8).fill('b'), undefined]);
  scheduler.table.release('r3');
  assert.is(scheduler.decide(aRequest('again')).node, 'a');
});

test('what can be taken is capacity less what is reserved, times overcommit', () => {
  const node = { capacity: { cpu: 4000, memory: GIB }, reserved: { cpu: 1000 }, overcommit: { cpu: 1.5 } };
  assert.is(refusal(node, { resources: { cpu: 4500 } }), undefined);
  assert.is(refusal(node, { resources: { cpu: 4501 } }), '0/1 nodes fit: 1 too little cpu');
});

test('a dedicated request goes to a dedicated node of its tenant or of nobody', () => {
  const scheduler = schedulerOf(
    aNode('a'),
    aNode('b', { dedicated: true, dedicatedTo: 'team-b' }),
    aNode('c', { dedicated: true }),
  );
  assert.is(scheduler.decide(aRequest('r', { dedicated: true })).node, 'c');
  assert.is(scheduler.decide(aRequest('r', { dedicated: true, tenant: 'team-b' })).node, 'b');
});

test('a device is taken whole, and the smallest that is enough', () => {
  const device = (id: string, cores: number) =>
    aNode(id, { capacity: { device: 1, cpu: cores * 1000, memory: cores * 4 * GIB }, maxPlacements: 1 });
  const scheduler = schedulerOf(device('a', 64), device('b', 32), device('c', 16), device('d', 4));
  const request = (id: string) =>
    aRequest(id, { profile: 'devices', resources: { device: 1, cpu: 16_000, memory: 16 * GIB } });
  for (const expected of ['c', 'b', 'a']) {
    assert.is(scheduler.decide(request(expected)).node, expected);
    scheduler.table.reserve(expected, request(expected));
  }
  assert.is(scheduler.decide(request('more')).unschedulable?.message, '0/4 nodes fit: 3 taken, 1 too little cpu');
});

test('a request that is not valid is refused by name of the field', () => {
  const scheduler = schedulerOf(aNode('a'));
  const field = (changes: Partial<Request>) => {
    try {
      scheduler.decide(aRequest('r', changes));
      return undefined;
    } catch (error) {
      assert.instance(error, InvalidInputError);
      return (error as InvalidInputError).field;
    }
  };
  for (const cpu of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.is(field({ resources: { cpu } }), 'resources.cpu');
  }
  assert.is(field({ profile: 'unheard-of' }), 'profile');
  assert.is(field({ priority: 0.5 }), 'priority');
  assert.is(field({ tenant: '' }), 'tenant');
  const rule = { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' as const };
  assert.is(field({ spread: Array(32).fill(rule) }), undefined);
  assert.is(field({ spread: Array(33).fill(rule) }), 'spread');
});

test.run();
