import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from './errors.ts';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest } from './testing/fixtures.ts';
import { Random } from './testing/random.ts';

function schedulerWith(nodes: number): Scheduler {
  const table = new NodeTable();
  for (let index = 0; index < nodes; index++) table.upsert(aNode(`n${index}`));
  return new Scheduler(table);
}

const member = (id: string, cores: number) => aRequest(id, { resources: { cpu: cores * 1000 } });

test('a gang gets places for all its members, in their order, and holds none of them', () => {
  const scheduler = schedulerWith(2);
  const { places } = scheduler.decideGang([member('a', 6), member('b', 10), member('c', 16)]);
  assert.equal(
    places?.map(({ request, node }) => [request, node]),
    [
      ['a', 'n1'],
      ['b', 'n1'],
      ['c', 'n0'],
    ],
  );
  assert.equal(scheduler.table.allocated('n0').placements, 0);
  assert.is(scheduler.decide(member('d', 16)).node, 'n0');
});

test('a gang that finds too little gets nothing, and says whose place is missing', () => {
  const scheduler = schedulerWith(1);
  const decision = scheduler.decideGang([member('a', 6), member('b', 10), member('c', 1)]);
  assert.is(decision.places, undefined);
  if (decision.unschedulable === undefined) throw new Error('no reason given');
  assert.is(decision.member, 'c');
  assert.is(decision.placed, 2);
  assert.is(decision.unschedulable.message, '0/1 nodes fit: 1 too little cpu');
  assert.not(scheduler.table.has('a'));
});

test('members keep to rules among each other', () => {
  const scheduler = schedulerWith(3);
  const apart = (id: string) =>
    aRequest(id, {
      labels: { app: 'db' },
      antiAffinity: { required: [{ topologyKey: 'node', selector: { matchLabels: { app: 'db' } } }] },
    });
  const { places } = scheduler.decideGang([apart('a'), apart('b'), apart('c')]);
  assert.is(new Set(places?.map(({ node }) => node)).size, 3);
  assert.is(scheduler.decideGang(['a', 'b', 'c', 'd'].map(apart)).places, undefined);
});

test('two gangs that both fit alone, but not together: the first gets all, the second nothing', () => {
  const scheduler = schedulerWith(2);
  const gang = (name: string) => [1, 2, 3].map((index) => member(`${name}${index}`, 8));
  const first = scheduler.decideGang(gang('a'));
  for (const { request, node } of first.places ?? []) scheduler.table.reserve(node, member(request, 8));
  assert.is(scheduler.decideGang(gang('b')).places, undefined);
  for (const { request } of first.places ?? []) scheduler.table.release(request);
  assert.is(scheduler.decideGang(gang('b')).places?.length, 3);
});

test('for a gang as few leave as will do, all members find their place then, and looking changes nothing', () => {
  let served = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const nodes = Array.from({ length: 1 + random.below(4) }, (_, index) => `n${index}`);
    const scheduler = schedulerWith(nodes.length);
    const { table } = scheduler;
    for (let index = 0; index < 12; index++) {
      const request = { ...member(`r${index}`, 1 + random.below(8)), priority: random.below(4) };
      const { node } = scheduler.decide(request);
      if (node !== undefined) table.reserve(node, request);
    }
    const size = 1 + random.below(12);
    const gang = Array.from({ length: 1 + random.below(4) }, (_, index) => ({
      ...member(`g${index}`, size),
      priority: 2,
    }));
    const before = nodes.map((id) => table.allocated(id));
    const answer = scheduler.preemptGang(gang);
    assert.equal(
      nodes.map((id) => table.allocated(id)),
      before,
      `seed ${seed}`,
    );
    const lower = nodes.flatMap((id) => table.reservations(id)).filter(({ priority }) => priority < 2);
    const victims = answer?.flatMap((each) => each.victims) ?? lower.map(({ id }) => id);
    assert.is(new Set(victims).size, victims.length, `seed ${seed}`);
    assert.ok(
      victims.every((id) => lower.some((each) => each.id === id)),
      `seed ${seed}: a higher priority leaves`,
    );
    for (const id of victims) table.release(id);
    const { places } = scheduler.decideGang(gang);
    assert.is(places !== undefined, answer !== undefined, `seed ${seed}: not all, or none though all could`);
    if (answer && victims.length > 0) served++;
  }
  assert.ok(served > 50, `${served} gangs were served by preemption`);
});

test('a simulation answers for each in turn, and changes nothing', () => {
  const scheduler = schedulerWith(1);
  const before = scheduler.decide(member('x', 1));
  const answers = scheduler.simulate([member('a', 10), member('b', 10), member('c', 6)]);
  assert.equal(
    answers.map(({ node }) => node),
    ['n0', undefined, 'n0'],
  );
  assert.equal(scheduler.decide(member('x', 1)), before);
});

test('in a simulation a gang has one turn: all of it or nothing, with those that have a place, and told why', () => {
  const scheduler = schedulerWith(2);
  const of = (gang: string, size: number, id: string, cores: number) => ({
    ...member(id, cores),
    group: { name: gang, size, gang: true },
  });
  scheduler.table.reserve('n0', of('third', 3, 'held', 1));
  const asked = [
    of('first', 2, 'a1', 16),
    member('b', 4),
    of('first', 2, 'a2', 16),
    of('second', 2, 'c1', 15),
    of('second', 2, 'c2', 9),
    of('third', 3, 'd1', 1),
    of('third', 3, 'd2', 1),
    of('fourth', 3, 'e1', 1),
  ];
  const passed: string[] = [];
  const gate = {
    refusal: (indexes: readonly number[]) => (asked[indexes[0]!]!.id === 'b' ? 'not today' : undefined),
    passed: (indexes: readonly number[]) => passed.push(indexes.map((index) => asked[index]!.id).join(' ')),
  };
  const said = scheduler.simulate(asked, gate).map(({ node, unschedulable }) => node ?? unschedulable?.message);
  const full = '0/2 nodes fit: 2 too little cpu';
  const few = '1 of 3 members of gang fourth are there';
  assert.equal(said, [full, 'not today', full, 'n0', 'n1', 'n1', 'n1', few]);
  assert.equal(passed, ['c1 c2', 'd1 d2']);
  assert.is(scheduler.table.allocated('n1').placements, 0);
});

test('what is twice in a batch, or has a place, is refused before anything is tried', () => {
  const scheduler = schedulerWith(1);
  scheduler.table.reserve('n0', member('a', 1));
  const invalid = (run: () => unknown) => assert.throws(run, (error: unknown) => error instanceof InvalidInputError);
  invalid(() => scheduler.simulate([member('b', 1), member('b', 1)]));
  invalid(() => scheduler.decideGang([member('a', 1)]));
  invalid(() => scheduler.simulate([member('b', 1), member('c', -1)]));
  assert.ok(scheduler.table.has('a'));
  assert.not(scheduler.table.has('b'));
});

test.run();
