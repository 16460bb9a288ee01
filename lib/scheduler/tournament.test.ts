import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from './testing/random.ts';
import { NOBODY, type TieOrder, Tournament } from './tournament.ts';

/** What a plain loop says. */
function bestOf({ scores }: Tournament, { slotAt, rank }: TieOrder, from: number, to: number): number {
  let best = NOBODY;
  for (let leaf = from; leaf < to; leaf++) {
    if (scores[leaf]! < 0) continue;
    const ahead =
      best === NOBODY ||
      scores[leaf]! > scores[best]! ||
      (scores[leaf] === scores[best] && rank[slotAt[leaf]!]! < rank[slotAt[best]!]!);
    if (ahead) best = leaf;
  }
  return best;
}

function shuffled(random: Random, length: number): Int32Array {
  const list = Int32Array.from({ length }, (_, index) => index);
  for (let index = length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [list[index], list[other]] = [list[other]!, list[index]!];
  }
  return list;
}

test('overall and in every range, the winner is the one a plain loop finds', () => {
  for (const leaves of [2, 16, 64, 300]) {
    const random = new Random(leaves);
    const order = { slotAt: shuffled(random, leaves), rank: shuffled(random, leaves) };
    const tournament = new Tournament(leaves);
    for (let leaf = 0; leaf < leaves; leaf++) tournament.scores[leaf] = random.below(6) - 2;
    tournament.replay(order);
    for (let step = 0; step < 500; step++) {
      tournament.set(random.below(leaves), random.below(6) - 2, order);
      assert.is(tournament.best(), bestOf(tournament, order, 0, leaves));
      const from = random.below(leaves);
      const to = from + random.below(leaves - from + 1);
      assert.is(tournament.bestIn(from, to, order), bestOf(tournament, order, from, to));
    }
  }
});

test('a leaf that got another rank is placed anew even when its score stays', () => {
  const order = { slotAt: Int32Array.of(0, 1, 2, 3), rank: Int32Array.of(0, 1, 2, 3) };
  const tournament = new Tournament(4);
  tournament.scores.fill(5);
  tournament.replay(order);
  assert.is(tournament.best(), 0);
  order.rank.set([9], 0);
  tournament.set(0, 5, order);
  assert.is(tournament.best(), 1);
});

test.run();
