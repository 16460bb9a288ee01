// Rules between placements, one small example each: affinity, anti-affinity, spread.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest } from './testing/fixtures.ts';
import type { LabelSelector, Node, Request } from './types.ts';

const WEB: LabelSelector = { matchLabels: { app: 'web' } };

function inZones(...zones: string[]): Scheduler {
  const table = new NodeTable();
  zones.forEach((zone, index) => {
    table.upsert(aNode(`n${index}`, { zone }));
  });
  return new Scheduler(table);
}

let requests = 0;
const web = (changes: Partial<Request> = {}) => aRequest(`web-${++requests}`, { labels: { app: 'web' }, ...changes });

/** Decides twice, so that the second answer is the kept class's, then binds. */
function place(scheduler: Scheduler, request: Request): string | undefined {
  const first = scheduler.decide(request);
  const second = scheduler.decide(request);
  assert.equal(second, first);
  if (first.node === undefined) return first.unschedulable.message;
  scheduler.table.reserve(first.node, request);
  return first.node;
}

const spread = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway', topologyKey = 'zone') => ({
  spread: [{ topologyKey, maxSkew: 1, whenUnsatisfiable, selector: WEB }],
});

test('spread goes round the domains', () => {
  const scheduler = inZones('a', 'a', 'b', 'c');
  const places = Array.from({ length: 4 }, () => place(scheduler, web(spread('DoNotSchedule'))));
  assert.equal(places, ['n0', 'n2', 'n3', 'n0']);
});

test('spread keeps to its skew when the emptiest domain is full', () => {
  const scheduler = inZones('a', 'b');
  scheduler.table.upsert(aNode('n1', { zone: 'b', maxPlacements: 1 }));
  assert.equal(
    Array.from({ length: 4 }, () => place(scheduler, web(spread('DoNotSchedule')))),
    ['n0', 'n1', 'n0', '0/2 nodes fit: 1 spread over zone, 1 too many placements'],
  );
  assert.is(place(scheduler, web(spread('ScheduleAnyway'))), 'n0');
});

test('domains without a node that the request is about do not hold others back', () => {
  const scheduler = inZones('a', 'b');
  const request = () => web({ ...spread('DoNotSchedule'), nodeSelector: { matchLabels: { disk: 'ssd' } } });
  const update = (id: string, changes: Partial<Node>) =>
    scheduler.table.upsert({ ...scheduler.table.get(id)!, ...changes });
  update('n0', { labels: { disk: 'ssd' } });
  assert.equal([place(scheduler, request()), place(scheduler, request())], ['n0', 'n0']);
  update('n1', { labels: { disk: 'ssd' }, schedulable: false });
  assert.is(place(scheduler, request()), '0/2 nodes fit: 1 not ready, 1 spread over zone');
  update('n1', { labels: {} });
  assert.is(place(scheduler, request()), 'n0');
  update('n1', { labels: { disk: 'ssd' }, schedulable: true });
  assert.is(place(scheduler, request()), 'n1');
});

test('what is counted follows its node into another domain, and goes with it', () => {
  const scheduler = inZones('a', 'b');
  const node = scheduler.table.get('n0')!;
  assert.is(place(scheduler, web(spread('DoNotSchedule'))), 'n0');
  scheduler.table.upsert({ ...node, zone: 'b' });
  scheduler.table.upsert(aNode('n2', { zone: 'a' }));
  assert.is(place(scheduler, web(spread('DoNotSchedule'))), 'n2');
  scheduler.table.remove('n0');
  assert.is(place(scheduler, web(spread('DoNotSchedule'))), 'n1');
});

test('without a selector, spread counts the group, or all of the tenant', () => {
  const scheduler = inZones('a', 'b');
  const even = { spread: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' as const }] };
  const group = (name: string) => ({ ...even, group: { name, size: 4 } });
  assert.is(place(scheduler, web(group('one'))), 'n0');
  assert.is(place(scheduler, web(group('two'))), 'n0');
  assert.is(place(scheduler, web(group('one'))), 'n1');
  assert.is(place(scheduler, web(even)), 'n1');
  assert.is(place(scheduler, web({ ...even, tenant: 'team-b' })), 'n0');
});

test('affinity follows the first of its kind, which may go anywhere', () => {
  const scheduler = inZones('a', 'b', 'b');
  const together = { affinity: { required: [{ topologyKey: 'zone', selector: WEB }] } };
  const stranger = aRequest('db', { ...together, labels: { app: 'db' } });
  assert.is(place(scheduler, stranger), '0/3 nodes fit: 3 affinity');
  assert.is(place(scheduler, web({ ...together, node: 'n1' })), 'n1');
  assert.is(place(scheduler, web(together)), 'n1');
  assert.is(place(scheduler, stranger), 'n1');
  assert.is(place(scheduler, { ...stranger, id: 'other', tenant: 'team-b' }), '0/3 nodes fit: 3 affinity');
});

test('anti-affinity holds both ways, over nodes and over zones', () => {
  for (const topologyKey of ['zone', 'node', 'kubernetes.io/hostname', 'topology.kubernetes.io/zone']) {
    const scheduler = inZones('a', 'b');
    const alone = { antiAffinity: { required: [{ topologyKey, selector: WEB }] } };
    assert.is(place(scheduler, web(alone)), 'n0');
    assert.is(place(scheduler, web(alone)), 'n1');
    assert.is(place(scheduler, web(alone)), '0/2 nodes fit: 2 anti-affinity');
    assert.is(place(scheduler, web()), '0/2 nodes fit: 2 anti-affinity of another');
    assert.is(place(scheduler, web({ tenant: 'team-b' })), 'n0');
    scheduler.table.release(`web-${requests - 3}`);
    assert.is(place(scheduler, web()), 'n1');
  }
});

test('what is preferred decides between nodes that both fit', () => {
  const scheduler = inZones('a', 'b');
  const term = { topologyKey: 'zone', selector: WEB };
  assert.is(place(scheduler, web({ node: 'n1' })), 'n1');
  assert.is(place(scheduler, aRequest('near', { affinity: { preferred: [{ weight: 1, term }] } })), 'n1');
  assert.is(place(scheduler, aRequest('far', { antiAffinity: { preferred: [{ weight: 1, term }] } })), 'n0');
});

test('nodes in no domain take no spread and no affinity, but repel nobody', () => {
  const scheduler = inZones('', '');
  const term = { topologyKey: 'zone', selector: WEB };
  assert.is(place(scheduler, web(spread('DoNotSchedule'))), '0/2 nodes fit: 2 spread over zone');
  assert.is(place(scheduler, web({ affinity: { required: [term] } })), '0/2 nodes fit: 2 affinity');
  assert.is(place(scheduler, web({ antiAffinity: { required: [term] } })), 'n0');
  assert.is(place(scheduler, web({ antiAffinity: { required: [term] } })), 'n0');
});

test('a tenant’s devices go over the racks, the smallest that is enough first', () => {
  const table = new NodeTable();
  const scheduler = new Scheduler(table);
  const device = (id: string, rack: string, cpu: number) => aNode(id, { rack, capacity: { device: 1, cpu } });
  for (const node of [
    device('a', 'r1', 8000),
    device('b', 'r1', 8000),
    device('c', 'r2', 8000),
    device('d', 'r3', 9000),
  ]) {
    table.upsert(node);
  }
  const one = () => web({ profile: 'devices', resources: { device: 1, cpu: 8000 } });
  assert.equal([place(scheduler, one()), place(scheduler, one()), place(scheduler, one())], ['a', 'c', 'b']);
});

test.run();
