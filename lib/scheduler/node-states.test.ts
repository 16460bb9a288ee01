// Rows, states and buckets against what plain loops say.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeStates } from './node-states.ts';
import { NONE, Rows } from './rows.ts';
import { ScoreBuckets } from './score-buckets.ts';
import { Random } from './testing/random.ts';

test('equal rows have the same number, different ones have not, and there is room for so many', () => {
  const random = new Random(1);
  const rows = new Rows(2, 50);
  const known = new Map<string, number>();
  for (let step = 0; step < 2000; step++) {
    const row = Float64Array.of(random.below(9) * 2 ** 32, random.below(9) - 4);
    const number = rows.numberOf(row);
    const expected = known.get(row.join()) ?? (known.size < 50 ? known.size : NONE);
    assert.is(number, expected);
    if (number === NONE) continue;
    known.set(row.join(), number);
    assert.ok(rows.is(number, row));
  }
  assert.is(rows.size, 50);
});

test('the first of a state is the node of the lowest rank that is in it, also when ranks change', () => {
  const random = new Random(2);
  const slots = 40;
  const states = new NodeStates(slots, 1, 8);
  const rank = Int32Array.from({ length: slots }, (_, slot) => (slot * 7) % slots);
  const where: (number | undefined)[] = [];
  for (let step = 0; step < 5000; step++) {
    const slot = random.below(slots);
    const feature = random.below(6);
    if (where[slot] !== undefined) states.leave(slot);
    where[slot] = random.chance(0.1) ? undefined : feature;
    if (where[slot] !== undefined) states.enter(slot, feature % 2, Float64Array.of(feature), rank);
    if (step % 500 === 499) {
      const [one, other] = [random.below(slots), random.below(slots)];
      [rank[one], rank[other]] = [rank[other]!, rank[one]!];
      states.reorder();
    }
    for (const cell of [0, 1]) {
      for (const state of states.ofCell(cell)) {
        const there = [...where.keys()].filter((each) => states.of(each) === state);
        assert.is(states.count(state), there.length);
        assert.is(states.cell(state), cell);
        if (there.length === 0) continue;
        there.sort((left, right) => rank[left]! - rank[right]!);
        assert.is(states.first(state, rank), there[0]);
        assert.is(new Set(there.map((each) => where[each])).size, 1);
      }
    }
  }
});

test('the highest bucket has all states of the highest score, whatever comes and goes', () => {
  for (const highest of [0, 31, 5000, 2 ** 30]) {
    const random = new Random(highest);
    const states = 300;
    const buckets = new ScoreBuckets(highest, 64, new Int32Array(states));
    const scores = new Map<number, number>();
    for (let step = 0; step < 3000; step++) {
      const state = random.below(states);
      if (!scores.has(state)) {
        scores.set(state, random.below(highest + 1));
        buckets.add(state, scores.get(state)!);
      }
      const bucket = buckets.highest;
      const there: number[] = [];
      for (let each = buckets.first(bucket); each !== NONE; each = buckets.next(each)) there.push(each);
      const most = Math.max(...scores.values());
      for (const [each, score] of scores) if (score === most) assert.ok(there.includes(each));
      if (random.chance(0.4)) continue;
      const index = random.below(there.length);
      buckets.take(there[index]!, there[index - 1] ?? NONE, bucket);
      scores.delete(there[index]!);
      if (scores.size === 0) assert.is(buckets.highest, NONE);
    }
  }
});

test.run();
