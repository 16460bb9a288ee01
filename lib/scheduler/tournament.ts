// A tournament over leaves: who has the highest score, overall or in a range, kept up to date in O(log leaves) a change.
//
// A match is between sixteen at a time: their scores are one cache line, and most changes touch no more than that. Among
// equal scores the leaf of the lower rank wins, wherever it stands, so new leaves may be appended in any order. Scores below
// 0 never win: they stand for leaves that cannot be chosen.

/** Breaks ties between leaves: both arrays may be replaced or renumbered as long as the order of known leaves stays. */
export interface TieOrder {
  /** What is at a leaf; indexes `rank`. */
  readonly slotAt: Int32Array;
  readonly rank: Int32Array;
}

/** What a range without a leaf that can be chosen answers. */
export const NOBODY = -1;

const BITS = 4;
const SIDES = 1 << BITS;
const UNFIT = -1;

/** One round's entrants, each sent up by a match of the round before. Places that nobody takes hold UNFIT. */
interface Round {
  readonly leaf: Int32Array;
  readonly score: Int32Array;
}

export class Tournament {
  readonly leaves: number;
  /** By leaf; rounded up to whole matches. */
  readonly scores: Int32Array;
  /** From the second round up; the last has a single entrant that matters, who won. */
  readonly #rounds: Round[] = [];

  constructor(leaves: number) {
    this.leaves = leaves;
    this.scores = new Int32Array(wholeMatches(leaves)).fill(UNFIT);
    let matches = this.scores.length;
    do {
      matches = wholeMatches(matches) >> BITS;
      const length = wholeMatches(matches);
      this.#rounds.push({ leaf: new Int32Array(length), score: new Int32Array(length).fill(UNFIT) });
    } while (matches > 1);
  }

  /** Plays every match anew, after `scores` was filled. */
  replay(order: TieOrder): void {
    let entrants = this.scores.length;
    for (let round = 0; round < this.#rounds.length; round++) {
      for (let match = 0; match < entrants >> BITS; match++) this.#play(round, match, order);
      entrants = this.#rounds[round]!.score.length;
    }
  }

  /** One leaf's score or rank changed. */
  set(leaf: number, score: number, order: TieOrder): void {
    this.scores[leaf] = score;
    let place = leaf;
    for (let index = 0; index < this.#rounds.length; index++) {
      place >>= BITS;
      const round = this.#rounds[index]!;
      const known = round.score[place]!;
      if (round.leaf[place] !== leaf) {
        // It did not win this match before. If it does not now, nothing changes from here on.
        if (score < known || score < 0) return;
        if (score === known && !isAhead(leaf, round.leaf[place]!, order)) return;
        round.leaf[place] = leaf;
        round.score[place] = score;
      } else if (score > known) round.score[place] = score;
      else this.#play(index, place, order);
    }
  }

  /** The best leaf of all, or NOBODY. */
  best(): number {
    const { leaf, score } = this.#rounds.at(-1)!;
    return score[0]! >= 0 ? leaf[0]! : NOBODY;
  }

  /** The best leaf in [from, to), or NOBODY. */
  bestIn(from: number, to: number, order: TieOrder): number {
    let [best, left, right] = [NOBODY, from, to];
    for (let round = 0; left < right; round++) {
      const below = this.#rounds[round - 1];
      while (left < right && left % SIDES > 0) best = this.#better(best, left++, below, order);
      while (left < right && right % SIDES > 0) best = this.#better(best, --right, below, order);
      left >>= BITS;
      right >>= BITS;
    }
    return best;
  }

  /** `place` is of an entrant of that round; of a leaf where there is none. */
  #better(best: number, place: number, round: Round | undefined, order: TieOrder): number {
    const score = (round?.score ?? this.scores)[place]!;
    if (score < 0) return best;
    const leaf = round ? round.leaf[place]! : place;
    if (best === NOBODY || score > this.scores[best]!) return leaf;
    return score === this.scores[best]! && isAhead(leaf, best, order) ? leaf : best;
  }

  /** Who wins a match goes to that place of the round above. */
  #play(round: number, match: number, order: TieOrder): void {
    const below = this.#rounds[round - 1];
    const scores = below?.score ?? this.scores;
    const from = match << BITS;
    let best = from;
    let high = scores[from]!;
    for (let place = from + 1; place < from + SIDES; place++) {
      const score = scores[place]!;
      if (score < high || score < 0) continue;
      if (score === high && !isAhead(below?.leaf[place] ?? place, below?.leaf[best] ?? best, order)) continue;
      best = place;
      high = score;
    }
    const above = this.#rounds[round]!;
    above.leaf[match] = below?.leaf[best] ?? best;
    above.score[match] = high;
  }
}

function isAhead(one: number, other: number, { slotAt, rank }: TieOrder): boolean {
  return rank[slotAt[one]!]! < rank[slotAt[other]!]!;
}

/** Rounded up, so that no match lacks a side. */
function wholeMatches(places: number): number {
  return Math.ceil(places / SIDES) * SIDES;
}
