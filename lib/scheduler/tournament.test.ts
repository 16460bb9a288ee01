import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from './testing/random.ts';
import { Board, NOBODY, type TieOrder } from './tournament.ts';

/** What a plain loop says. */
function bestOf(scores: readonly number[], { slotAt, rank }: TieOrder, from: number, to: number): number {
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

function fill(board: Board, lane: number, scores: readonly number[]): void {
  scores.forEach((score, leaf) => {
    board.scores[leaf * board.lanes + lane] = score;
  });
}

test('overall and in every range, the winner is the one a plain loop finds, in every lane', () => {
  for (const leaves of [2, 16, 64, 300]) {
    const random = new Random(leaves);
    const order = { slotAt: shuffled(random, leaves), rank: shuffled(random, leaves) };
    const board = new Board(leaves);
    const lanes: { lane: number; scores: number[] }[] = [];
    for (let step = 0; step < 1500; step++) {
      if (step % 300 === 0) {
        const lane = board.take();
        const scores = Array.from({ length: leaves }, () => random.below(6) - 2);
        fill(board, lane, scores);
        board.replay(lane, order);
        lanes.push({ lane, scores });
      }
      const { lane, scores } = random.pick(lanes);
      const leaf = random.below(leaves);
      scores[leaf] = random.below(6) - 2;
      board.set(lane, leaf, scores[leaf], order);
      assert.is(board.best(lane), bestOf(scores, order, 0, leaves));
      const from = random.below(leaves);
      const to = from + random.below(leaves - from + 1);
      assert.is(board.bestIn(lane, from, to, order), bestOf(scores, order, from, to));
    }
  }
});

test('a lane that was given back serves another', () => {
  const board = new Board(4);
  const lanes = [board.take(), board.take()];
  board.giveBack(0);
  assert.equal([...lanes, board.take(), board.take(), board.lanes], [0, 1, 0, 2, 4]);
});

test('a leaf that got another rank is placed anew even when its score stays', () => {
  const order = { slotAt: Int32Array.of(0, 1, 2, 3), rank: Int32Array.of(0, 1, 2, 3) };
  const board = new Board(4);
  const lane = board.take();
  fill(board, lane, [5, 5, 5, 5]);
  board.replay(lane, order);
  assert.is(board.best(lane), 0);
  order.rank.set([9], 0);
  board.set(lane, 0, 5, order);
  assert.is(board.best(lane), 1);
});

test('how many leaves cannot be chosen, and for what, is counted as they change', () => {
  const order = { slotAt: Int32Array.of(0, 1, 2, 3), rank: Int32Array.of(0, 1, 2, 3) };
  const board = new Board(4);
  const [first, second] = [board.take(), board.take()];
  const crossed: string[] = [];
  fill(board, first, [-7, 3, -7, 4]);
  board.replay(first, order, (leaf, sign) => crossed.push(`${leaf} ${sign}`));
  fill(board, second, [-7, -7, -7, -9]);
  board.replay(second, order);
  board.update(3, Int32Array.of(-9, 1), 2, order);
  board.update(0, Int32Array.of(2, -9), 2, order);
  assert.equal(
    [7, 9].map((code) => [board.refused(first, code), board.refused(second, code)]),
    [
      [1, 2],
      [1, 1],
    ],
  );
  assert.equal([board.best(first), board.best(second), board.score(second, 3)], [1, 3, 1]);
  assert.equal(crossed, ['1 1', '3 1', '3 -1', '0 1']);
});

test.run();
