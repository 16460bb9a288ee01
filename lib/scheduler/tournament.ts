// A tournament over leaves: who has the highest score, overall or in a range, kept up to date in O(log leaves) a change.
//
// An inner node holds the leaf that won below it. Among equal scores the leaf of the lower rank wins, wherever it stands, so
// new leaves may be appended in any order. Scores below 0 never win: they stand for leaves that cannot be chosen.

/** Breaks ties between leaves: both arrays may be replaced or renumbered as long as the order of known leaves stays. */
export interface TieOrder {
  /** What is at a leaf; indexes `rank`. */
  readonly slotAt: Int32Array;
  readonly rank: Int32Array;
}

/** What a range without a leaf that can be chosen answers. */
export const NOBODY = -1;

export class Tournament {
  /** A power of two. */
  readonly leaves: number;
  readonly scores: Int32Array;
  readonly #winners: Int32Array;

  constructor(leaves: number) {
    this.leaves = leaves;
    this.scores = new Int32Array(leaves);
    this.#winners = new Int32Array(leaves);
  }

  /** Plays every match anew, after `scores` was filled. */
  replay(order: TieOrder): void {
    const winners = this.#winners;
    const half = this.leaves >> 1;
    for (let node = this.leaves - 1; node >= half; node--) {
      const left = (node - half) * 2;
      winners[node] = this.#better(left, left + 1, order);
    }
    for (let node = half - 1; node >= 1; node--) {
      winners[node] = this.#better(winners[node * 2]!, winners[node * 2 + 1]!, order);
    }
  }

  /** One leaf's score or rank changed. */
  set(leaf: number, score: number, order: TieOrder): void {
    this.scores[leaf] = score;
    const winners = this.#winners;
    let node = (leaf + this.leaves) >> 1;
    let winner = this.#better(leaf & ~1, leaf | 1, order);
    while (winners[node] !== winner || winner === leaf) {
      winners[node] = winner;
      if (node <= 1) return;
      const other = winners[node ^ 1]!;
      node >>= 1;
      winner = this.#better(winner, other, order);
    }
  }

  /** The best leaf of all, or NOBODY. */
  best(): number {
    const winner = this.#winners[1]!;
    return this.scores[winner]! >= 0 ? winner : NOBODY;
  }

  /** The best leaf in [from, to), or NOBODY. */
  bestIn(from: number, to: number, order: TieOrder): number {
    let best = NOBODY;
    let left = from + this.leaves;
    let right = to + this.leaves;
    while (left < right) {
      if (left & 1) best = this.#bestOf(best, left++, order);
      if (right & 1) best = this.#bestOf(best, --right, order);
      left >>= 1;
      right >>= 1;
    }
    return best;
  }

  #bestOf(best: number, node: number, order: TieOrder): number {
    const leaf = node >= this.leaves ? node - this.leaves : this.#winners[node]!;
    if (this.scores[leaf]! < 0) return best;
    return best === NOBODY ? leaf : this.#better(best, leaf, order);
  }

  #better(one: number, other: number, { slotAt, rank }: TieOrder): number {
    const difference = this.scores[one]! - this.scores[other]!;
    if (difference !== 0) return difference > 0 ? one : other;
    if (this.scores[one]! < 0) return one < other ? one : other;
    return rank[slotAt[one]!]! < rank[slotAt[other]!]! ? one : other;
  }
}
