// Tournaments over leaves, side by side: who has the highest score, overall or in a range.
//
// A match is between sixteen at a time. Among equal scores the leaf of the lower rank wins, wherever it stands, so new leaves
// may be appended in any order. Scores below 0 never win: they stand for leaves that cannot be chosen.
//
// A match remembers a leaf and the score that it had, its *claim*: no leaf of the match is better than that. A leaf that becomes
// better takes the claim over; one that becomes worse leaves it as it is. Whether a claim still holds is seen from the score
// that its leaf has now, so nobody is told, and only matches that somebody asks for are played again.
//
// What changes a leaf changes it in many tournaments: those of one board stand side by side, each in a lane of its own. What a
// change looks at for every lane, the codes of what leaves cannot be chosen for, stands by leaf, then by lane. What a match looks
// at, scores and claims, stands sixteen by sixteen: one match of one lane is a cache line.

/** Breaks ties between leaves: arrays may be replaced or renumbered as long as the order of known leaves stays. */
export interface TieOrder {
  /** What is at a leaf; indexes `rank`. */
  readonly slotAt: Int32Array;
  readonly rank: Int32Array;
  /** In a range that is asked for, leaves below this one stand in the order of their ranks: few ties need a look at those. */
  readonly ranked: number;
}

/** What a range without a leaf that can be chosen answers. */
export const NOBODY = -1;

const BITS = 4;
const SIDES = 1 << BITS;
const UNFIT = -1;

/** The claims of one round's matches, which are the sides of the next round's. */
interface Round {
  /** Matches, rounded up to whole matches of the next round. Those that nobody takes part in hold UNFIT. */
  readonly places: number;
  leaf: Int32Array;
  score: Int32Array;
}

/** Called when a leaf of a lane begins (1) or ceases (-1) to be one that can be chosen. */
export type Crossing = (leaf: number, sign: 1 | -1) => void;

/** A score of -CODE says for what a leaf cannot be chosen; as a code, 0 says that it can. */
const CODES = 256;

/** The tournaments over the same leaves. Arrays are replaced when it gets wider. */
export class Board {
  readonly leaves: number;
  /** How many tournaments there is room for. */
  lanes = 1;
  /** By leaf, then by lane, for its user: the part of a score that changes seldom. */
  fixed: Int32Array;
  /** By leaf, then by lane. */
  #codes: Uint8Array;
  /** By match, then by lane, then by side; UNFIT where a leaf cannot be chosen. */
  #scores: Int32Array;
  /** By code, then by lane: how many leaves have it. */
  #counts = new Int32Array(CODES);
  readonly #crossings: (Crossing | undefined)[] = [];
  /** From the leaves up; of the last only the first match matters. */
  readonly #rounds: readonly Round[];
  readonly #free: number[] = [];
  #used = 0;

  constructor(leaves: number) {
    this.leaves = leaves;
    const places = wholeMatches(leaves);
    this.fixed = unfit(places);
    this.#codes = new Uint8Array(places);
    this.#scores = unfit(places);
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

  /** Begins a lane's tournament with these scores, by leaf. */
  begin(lane: number, scores: Int32Array, order: TieOrder, crossing?: Crossing): void {
    const { lanes } = this;
    this.#crossings[lane] = crossing;
    for (let code = 0; code < CODES; code++) this.#counts[code * lanes + lane] = 0;
    for (let leaf = 0; leaf < this.leaves; leaf++) {
      const score = scores[leaf]!;
      const code = score < 0 ? -score : 0;
      this.#codes[leaf * lanes + lane] = code;
      this.#counts[code * lanes + lane]!++;
      if (code === 0) crossing?.(leaf, 1);
      this.#scores[this.#at(lane, leaf)] = Math.max(score, UNFIT);
    }
    let sides = this.#codes.length / lanes;
    for (let round = 0; round < this.#rounds.length; round++) {
      for (let match = 0; match < sides >> BITS; match++) this.#play(lane, round, match, order);
      sides = this.#rounds[round]!.places;
    }
  }

  /** A leaf's score or its rank changed. */
  set(lane: number, leaf: number, score: number, order: TieOrder): void {
    this.#recode(lane, leaf, score < 0 ? -score : 0);
    this.#scores[this.#at(lane, leaf)] = Math.max(score, UNFIT);
    let contender = leaf;
    let claim = score;
    for (let round = 0; round < this.#rounds.length; round++) {
      const claims = this.#rounds[round]!;
      const match = leaf >> (BITS * (round + 1));
      const at = this.#at(lane, match);
      // What it claimed it claimed with the rank that it had then.
      if (claims.leaf[at] === leaf) this.#play(lane, round, match, order);
      else takeOver(claims, at, contender, claim, order);
      contender = claims.leaf[at]!;
      claim = claims.score[at]!;
    }
  }

  /** A leaf's scores changed: the first `count` lanes' are given. */
  update(leaf: number, scores: Int32Array, count: number, order: TieOrder): void {
    const { lanes } = this;
    const codes = this.#codes;
    const counts = this.#counts;
    const known = this.#scores;
    const claims = this.#rounds[0]!.score;
    const base = leaf * lanes;
    const first = this.#at(0, leaf);
    const match = this.#at(0, leaf >> BITS);
    for (let lane = 0; lane < count; lane++) {
      const score = scores[lane]!;
      const code = score < 0 ? -score : 0;
      const before = codes[base + lane]!;
      if (code !== before) {
        codes[base + lane] = code;
        counts[before * lanes + lane]!--;
        counts[code * lanes + lane]!++;
        if (code === 0 || before === 0) this.#crossings[lane]?.(leaf, code === 0 ? 1 : -1);
      }
      if (code === 0) {
        known[first + lane * SIDES] = score;
        if (score >= claims[match + lane * SIDES]!) this.#climb(lane, leaf, score, order);
      } else if (before === 0) known[first + lane * SIDES] = UNFIT;
    }
  }

  /** Of a leaf that cannot be chosen, below 0. */
  score(lane: number, leaf: number): number {
    return this.#scores[this.#at(lane, leaf)]!;
  }

  /** How many leaves of a lane have this code. */
  refused(lane: number, code: number): number {
    return this.#counts[code * this.lanes + lane]!;
  }

  /** The best leaf of all, or NOBODY. */
  best(lane: number, order: TieOrder): number {
    return this.#settle(lane, this.#rounds.length - 1, 0, order);
  }

  /** The best leaf in [from, to), or NOBODY. */
  bestIn(lane: number, from: number, to: number, order: TieOrder): number {
    let [best, left, right] = [NOBODY, from, to];
    for (let round = -1; left < right; round++) {
      while (left < right && left % SIDES > 0) best = this.#better(lane, best, round, left++, order);
      while (left < right && right % SIDES > 0) best = this.#better(lane, best, round, --right, order);
      left >>= BITS;
      right >>= BITS;
    }
    return best;
  }

  /** The better of a leaf, or NOBODY, and the best of a match; of a leaf where the round is -1. */
  #better(lane: number, best: number, round: number, place: number, order: TieOrder): number {
    if (!this.#beats(lane, round, place, best, order)) return best;
    if (round < 0) return place;
    const leaf = this.#settle(lane, round, place, order);
    return this.#beats(lane, round, place, best, order) ? leaf : best;
  }

  /** Whether a match's claim, or a leaf where the round is -1, is better than a leaf, or NOBODY. */
  #beats(lane: number, round: number, place: number, best: number, order: TieOrder): boolean {
    const claims = this.#rounds[round];
    const at = this.#at(lane, place);
    const score = (claims?.score ?? this.#scores)[at]!;
    if (score < 0 || best === NOBODY) return score >= 0;
    const other = this.score(lane, best);
    return score > other || (score === other && isAhead(claims ? claims.leaf[at]! : place, best, order));
  }

  /** Where a leaf's score stands, and a match's claim. */
  #at(lane: number, place: number): number {
    return (((place >> BITS) * this.lanes + lane) << BITS) | (place & (SIDES - 1));
  }

  #recode(lane: number, leaf: number, code: number): void {
    const { lanes } = this;
    const at = leaf * lanes + lane;
    const before = this.#codes[at]!;
    this.#codes[at] = code;
    this.#counts[before * lanes + lane]!--;
    this.#counts[code * lanes + lane]!++;
    if ((before === 0) !== (code === 0)) this.#crossings[lane]?.(leaf, code === 0 ? 1 : -1);
  }

  /** A leaf that became better takes over the claims that are worse. */
  #climb(lane: number, leaf: number, score: number, order: TieOrder): void {
    let match = leaf;
    for (let round = 0; round < this.#rounds.length; round++) {
      match >>= BITS;
      if (!takeOver(this.#rounds[round]!, this.#at(lane, match), leaf, score, order)) return;
    }
  }

  /** Plays a match until its claim holds, and those below that had claimed more than holds. */
  #settle(lane: number, round: number, match: number, order: TieOrder): number {
    const { leaf, score } = this.#rounds[round]!;
    const at = this.#at(lane, match);
    while (score[at]! >= 0 && this.score(lane, leaf[at]!) !== score[at]) {
      if (round > 0) this.#settle(lane, round - 1, leaf[at]! >> (BITS * round), order);
      this.#play(lane, round, match, order);
    }
    return score[at]! >= 0 ? leaf[at]! : NOBODY;
  }

  /** The best that its sides claim becomes a match's own claim. */
  #play(lane: number, round: number, match: number, order: TieOrder): void {
    const below = this.#rounds[round - 1];
    const scores = below?.score ?? this.#scores;
    const first = this.#at(lane, match << BITS);
    let best = 0;
    let high = scores[first]!;
    for (let side = 1; side < SIDES; side++) {
      const score = scores[first + side]!;
      if (score < high || score < 0) continue;
      if (score === high && !isAhead(leafAt(below, match, first, side), leafAt(below, match, first, best), order))
        continue;
      best = side;
      high = score;
    }
    const claims = this.#rounds[round]!;
    const at = this.#at(lane, match);
    claims.leaf[at] = leafAt(below, match, first, best);
    claims.score[at] = high;
  }

  #widen(): void {
    const { lanes } = this;
    this.lanes = 2 * lanes;
    this.fixed = widened(this.fixed, new Int32Array(2 * this.fixed.length), lanes);
    this.#codes = widened(this.#codes, new Uint8Array(2 * this.#codes.length), lanes);
    this.#counts = widened(this.#counts, new Int32Array(2 * this.#counts.length), lanes);
    this.#scores = widened(this.#scores, unfit(2 * this.#scores.length), lanes * SIDES);
    for (const round of this.#rounds) {
      round.leaf = widened(round.leaf, new Int32Array(2 * round.leaf.length), lanes * SIDES);
      round.score = widened(round.score, unfit(2 * round.score.length), lanes * SIDES);
    }
  }
}

/** Who is at a side of a match: of the first round a leaf itself, later whoever has that claim. */
function leafAt(claims: Round | undefined, match: number, first: number, side: number): number {
  return claims ? claims.leaf[first + side]! : (match << BITS) | side;
}

/** Takes a match's claim over; false where it is no better than the one that is there. */
function takeOver(
  { leaf: leaves, score: scores }: Round,
  at: number,
  leaf: number,
  score: number,
  order: TieOrder,
): boolean {
  const known = scores[at]!;
  if (score < known || score < 0) return false;
  if (score === known && !isAhead(leaf, leaves[at]!, order)) return false;
  leaves[at] = leaf;
  scores[at] = score;
  return true;
}

function isAhead(one: number, other: number, { slotAt, rank, ranked }: TieOrder): boolean {
  if (one < ranked && other < ranked) return one < other;
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
    rounds.push({ places, leaf: new Int32Array(places), score: unfit(places) });
  } while (matches > 1);
  return rounds;
}

function unfit(length: number): Int32Array {
  return new Int32Array(length).fill(UNFIT);
}

/** The same with twice the lanes, which take up `width` numbers at a time. */
function widened<A extends Int32Array | Uint8Array>(from: A, to: A, width: number): A {
  for (let at = 0; at < from.length; at += width) to.set(from.subarray(at, at + width), 2 * at);
  return to;
}
