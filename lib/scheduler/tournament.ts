// Tournaments over leaves, side by side: who has the highest score, overall or in a range, in O(log leaves) a change.
//
// A match is between sixteen at a time. Among equal scores the leaf of the lower rank wins, wherever it stands, so new leaves
// may be appended in any order. Scores below 0 never win: they stand for leaves that cannot be chosen.
// What changes a leaf changes it in many tournaments: so those of one board keep what they know of a leaf next to each other,
// each in a lane of its own, and a change touches a few cache lines instead of a few for each.

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

/** One round's entrants, each sent up by a match of the round before; by place, then by lane. */
interface Round {
  /** Rounded up to whole matches. Places that nobody takes hold UNFIT. */
  readonly places: number;
  leaf: Int32Array;
  score: Int32Array;
}

/** Called when a leaf of a lane begins (1) or ceases (-1) to be one that can be chosen. */
export type Crossing = (leaf: number, sign: 1 | -1) => void;

/** Codes of what a leaf cannot be chosen for: a score of -CODE. */
const CODES = 256;

/** The tournaments over the same leaves. Arrays are replaced when it gets wider. */
export class Board {
  readonly leaves: number;
  /** How many tournaments there is room for. */
  lanes = 1;
  /** By leaf, then by lane; `replay` after they were filled, and `set` or `update` for a change. */
  scores: Int32Array;
  /** The same, for its user: the part of a score that changes seldom. */
  fixed: Int32Array;
  /** By lane, then by code: how many leaves have that score, negated. */
  #refused = new Int32Array(CODES);
  readonly #crossings: (Crossing | undefined)[] = [];
  /** From the second round up; the last has a single entrant that matters, who won. */
  readonly #rounds: readonly Round[];
  readonly #free: number[] = [];
  #used = 0;

  constructor(leaves: number) {
    this.leaves = leaves;
    const places = wholeMatches(leaves);
    this.scores = new Int32Array(places).fill(UNFIT);
    this.fixed = new Int32Array(places).fill(UNFIT);
    this.#rounds = roundsOver(places);
  }

  /** A lane that nobody has. What it holds is left from whoever had it before. */
  take(): number {
    const lane = this.#free.pop() ?? this.#used++;
    if (lane === this.lanes) this.#widen();
    return lane;
  }

  giveBack(lane: number): void {
    this.#crossings[lane] = undefined;
    this.#free.push(lane);
  }

  /** Plays every match of a lane anew, after its scores were filled. */
  replay(lane: number, order: TieOrder, crossing?: Crossing): void {
    this.#crossings[lane] = crossing;
    this.#refused.fill(0, lane * CODES, (lane + 1) * CODES);
    for (let leaf = 0; leaf < this.leaves; leaf++) {
      const score = this.score(lane, leaf);
      if (score < 0) this.#refused[lane * CODES - score]!++;
      else crossing?.(leaf, 1);
    }
    let entrants = this.scores.length / this.lanes;
    for (let round = 0; round < this.#rounds.length; round++) {
      for (let match = 0; match < entrants >> BITS; match++) this.#play(lane, round, match, order);
      entrants = this.#rounds[round]!.places;
    }
  }

  /** A leaf's score or rank changed. */
  set(lane: number, leaf: number, score: number, order: TieOrder): void {
    const at = leaf * this.lanes + lane;
    const before = this.scores[at]!;
    this.scores[at] = score;
    if (before < 0 || score < 0) this.#recount(lane, leaf, before, score);
    if (before >= 0 || score >= 0) this.#climb(lane, leaf, score, order);
  }

  /** A leaf's scores changed: the first `count` lanes' are given. One that did not change costs next to nothing. */
  update(leaf: number, scores: Int32Array, count: number, order: TieOrder): void {
    const known = this.scores;
    const base = leaf * this.lanes;
    for (let lane = 0; lane < count; lane++) {
      const score = scores[lane]!;
      const before = known[base + lane]!;
      if (score === before) continue;
      known[base + lane] = score;
      if (before < 0 || score < 0) this.#recount(lane, leaf, before, score);
      if (before >= 0 || score >= 0) this.#climb(lane, leaf, score, order);
    }
  }

  score(lane: number, leaf: number): number {
    return this.scores[leaf * this.lanes + lane]!;
  }

  /** How many leaves of a lane have this code's score. */
  refused(lane: number, code: number): number {
    return this.#refused[lane * CODES + code]!;
  }

  /** The best leaf of all, or NOBODY. */
  best(lane: number): number {
    const { leaf, score } = this.#rounds.at(-1)!;
    return score[lane]! >= 0 ? leaf[lane]! : NOBODY;
  }

  /** The best leaf in [from, to), or NOBODY. */
  bestIn(lane: number, from: number, to: number, order: TieOrder): number {
    let [best, left, right] = [NOBODY, from, to];
    for (let round = 0; left < right; round++) {
      const below = this.#rounds[round - 1];
      while (left < right && left % SIDES > 0) best = this.#better(lane, best, left++, below, order);
      while (left < right && right % SIDES > 0) best = this.#better(lane, best, --right, below, order);
      left >>= BITS;
      right >>= BITS;
    }
    return best;
  }

  /** `place` is of an entrant of that round; of a leaf where there is none. */
  #better(lane: number, best: number, place: number, round: Round | undefined, order: TieOrder): number {
    const at = place * this.lanes + lane;
    const score = (round?.score ?? this.scores)[at]!;
    if (score < 0) return best;
    const leaf = round ? round.leaf[at]! : place;
    if (best === NOBODY || score > this.score(lane, best)) return leaf;
    return score === this.score(lane, best) && isAhead(leaf, best, order) ? leaf : best;
  }

  #recount(lane: number, leaf: number, before: number, after: number): void {
    if (before < 0) this.#refused[lane * CODES - before]!--;
    if (after < 0) this.#refused[lane * CODES - after]!++;
    if (before < 0 !== after < 0) this.#crossings[lane]?.(leaf, before < 0 ? 1 : -1);
  }

  /** Plays the matches of a leaf again, as far up as something changes. */
  #climb(lane: number, leaf: number, score: number, order: TieOrder): void {
    const { lanes } = this;
    const rounds = this.#rounds;
    let place = leaf;
    for (let index = 0; index < rounds.length; index++) {
      place >>= BITS;
      const round = rounds[index]!;
      const at = place * lanes + lane;
      const known = round.score[at]!;
      if (round.leaf[at] !== leaf) {
        // It did not win this match before. If it does not now, nothing changes from here on.
        if (score < known || score < 0) return;
        if (score === known && !isAhead(leaf, round.leaf[at]!, order)) return;
        round.leaf[at] = leaf;
        round.score[at] = score;
      } else if (score > known) round.score[at] = score;
      else this.#play(lane, index, place, order);
    }
  }

  /** Who wins a match goes to that place of the round above. */
  #play(lane: number, round: number, match: number, order: TieOrder): void {
    const { lanes } = this;
    const below = this.#rounds[round - 1];
    const scores = below?.score ?? this.scores;
    const from = match << BITS;
    let at = from * lanes + lane;
    let best = from;
    let high = scores[at]!;
    for (let place = from + 1; place < from + SIDES; place++) {
      at += lanes;
      const score = scores[at]!;
      if (score < high || score < 0) continue;
      if (score === high && !isAhead(this.#leafAt(lane, below, place), this.#leafAt(lane, below, best), order))
        continue;
      best = place;
      high = score;
    }
    const above = this.#rounds[round]!;
    const won = match * lanes + lane;
    above.leaf[won] = this.#leafAt(lane, below, best);
    above.score[won] = high;
  }

  #leafAt(lane: number, round: Round | undefined, place: number): number {
    return round ? round.leaf[place * this.lanes + lane]! : place;
  }

  #widen(): void {
    const { lanes } = this;
    this.scores = widened(this.scores, lanes);
    this.fixed = widened(this.fixed, lanes);
    for (const round of this.#rounds) {
      round.leaf = widened(round.leaf, lanes);
      round.score = widened(round.score, lanes);
    }
    const refused = new Int32Array(2 * this.#refused.length);
    refused.set(this.#refused);
    this.#refused = refused;
    this.lanes = 2 * lanes;
  }
}

function isAhead(one: number, other: number, { slotAt, rank }: TieOrder): boolean {
  return rank[slotAt[one]!]! < rank[slotAt[other]!]!;
}

/** Rounded up, so that no match lacks a side. */
function wholeMatches(places: number): number {
  return Math.ceil(places / SIDES) * SIDES;
}

function roundsOver(leaves: number): Round[] {
  const rounds: Round[] = [];
  let matches = leaves;
  do {
    matches = wholeMatches(matches) >> BITS;
    const places = wholeMatches(matches);
    rounds.push({ places, leaf: new Int32Array(places), score: new Int32Array(places).fill(UNFIT) });
  } while (matches > 1);
  return rounds;
}

/** With twice the lanes: the new ones hold UNFIT. */
function widened(from: Int32Array, lanes: number): Int32Array {
  const to = new Int32Array(2 * from.length).fill(UNFIT);
  for (let at = 0; at < from.length; at += lanes) to.set(from.subarray(at, at + lanes), 2 * at);
  return to;
}
