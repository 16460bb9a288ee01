import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from './testing/random.ts';
import { inTurn, type Shares, type Waiting } from './turns.ts';

interface Named extends Waiting {
  readonly id: string;
}

const waits = (id: string, tenant: string, cpu: number, changes: Partial<Named> = {}): Named => ({
  id,
  tenant,
  priority: 0,
  resources: { cpu },
  ...changes,
});

const ids = (list: readonly Named[], shares: Partial<Shares> = {}) =>
  inTurn(list, { capacity: { cpu: 100, memory: 100 }, used: new Map(), ...shares })
    .map(({ id }) => id)
    .join(' ');

test('one tenant’s thousand requests do not hold another’s one back', () => {
  const crowd = [1, 2, 3, 4].map((index) => waits(`a${index}`, 'a', 10));
  assert.is(ids([...crowd, waits('b1', 'b', 10)]), 'a1 b1 a2 a3 a4');
});

test('who has much already waits longer', () => {
  const list = [waits('a1', 'a', 10), waits('a2', 'a', 10), waits('b1', 'b', 10), waits('b2', 'b', 10)];
  assert.is(ids(list, { used: new Map([['a', { cpu: 15 }]]) }), 'b1 b2 a1 a2');
});

test('shares are of the resource that each has most of', () => {
  const memory = { resources: { memory: 30 } };
  const list = [
    waits('a1', 'a', 0, memory),
    waits('a2', 'a', 0, memory),
    ...[1, 2, 3, 4].map((n) => waits(`b${n}`, 'b', 15)),
  ];
  assert.is(ids(list), 'a1 b1 b2 a2 b3 b4');
});

test('weights divide', () => {
  const list = [1, 2, 3].flatMap((index) => [waits(`a${index}`, 'a', 10), waits(`b${index}`, 'b', 10)]);
  assert.is(ids(list, { weights: new Map([['b', 2]]) }), 'a1 b1 b2 a2 b3 a3');
});

test('priority goes before fairness, and counts for it', () => {
  const list = [waits('a1', 'a', 10), waits('b1', 'b', 10), waits('a2', 'a', 10, { priority: 5 })];
  assert.is(ids(list), 'a2 b1 a1');
});

test('a request larger than all there is, or of what there is none, takes part like any other', () => {
  assert.is(ids([waits('a1', 'a', 1e9), waits('a2', 'a', 1), waits('b1', 'b', 1)]), 'a1 b1 a2');
  assert.is(ids([waits('a1', 'a', 0, { resources: { gpu: 5 } }), waits('b1', 'b', 1)], { capacity: {} }), 'a1 b1');
});

test('on random lists: everybody once, tenants in their own order, and no turn while another tenant has a lower share', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const list = Array.from({ length: 60 }, (_, index) =>
      waits(`r${index}`, random.pick(['a', 'b', 'c', 'd', 'e']), 1 + random.below(9)),
    );
    const turns = inTurn(list, { capacity: { cpu: 100 }, used: new Map() });
    assert.equal(new Set(turns), new Set(list));
    const held = new Map<string, number>();
    turns.forEach((turn, position) => {
      const others = new Set(turns.slice(position).map(({ tenant }) => tenant));
      for (const tenant of others) assert.ok((held.get(tenant) ?? 0) >= (held.get(turn.tenant) ?? 0), `seed ${seed}`);
      assert.is(turns.slice(position).filter(({ tenant }) => tenant === turn.tenant)[0], turn);
      held.set(turn.tenant, (held.get(turn.tenant) ?? 0) + turn.resources.cpu!);
    });
    const own = (tenant: string) => (items: readonly Named[]) => items.filter((item) => item.tenant === tenant);
    for (const tenant of 'abcde') assert.equal(own(tenant)(turns), own(tenant)(list));
  }
});

test.run();
