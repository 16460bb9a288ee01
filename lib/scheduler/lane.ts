// What one class thinks of a layout's states, those of each cell in buckets by score.
import type { NodeStates } from './node-states.ts';
import type { AllocationsParts, Verdict } from './pipeline.ts';
import { NONE } from './rows.ts';
import { ScoreBuckets } from './score-buckets.ts';

/** Said of a node that would not do, whatever it has left, and of a slot without a node. */
export const UNFIT = -1;

/** A class whose verdicts are kept up to date. */
export interface Follower {
  readonly parts: AllocationsParts;
  /** In that slot is another node, or none, or it changed itself: what is to be said of it by itself, UNFIT or a score. */
  reconsider(slot: number): number;
  /** It is let go. */
  end(): void;
}

export interface Winner {
  readonly slot: number;
  readonly score: number;
}

/** States of a cell that are looked through, all of them; where there are more they are in buckets. */
const FEW = 16;

/** About what is kept for each state: a verdict and a place in a bucket. */
export const VERDICT_BYTES = 12;

export class Lane {
  readonly follower: Follower;
  /** What was judged before that judging (layout.ts) it does not know. */
  readonly since: number;
  /** The number of the question that it was asked last. */
  asked: number;
  readonly #highest: number;
  readonly #states: NodeStates;
  /** By state. */
  readonly #verdicts: Int32Array;
  /** Of all its buckets. */
  readonly #next: Int32Array;
  /**
   * By cell, save small ones: the states that may have nodes and that it has a score for. Those without nodes that were in the
   * way are not there until they are put back.
   */
  readonly #buckets: (ScoreBuckets | undefined)[] = [];

  /** `highest` is the highest score that there is. */
  constructor(follower: Follower, states: NodeStates, highest: number, since: number, asked: number) {
    this.follower = follower;
    this.since = since;
    this.asked = asked;
    this.#highest = highest;
    this.#states = states;
    this.#verdicts = new Int32Array(states.room);
    this.#next = new Int32Array(states.room);
  }

  /** Whether a state was judged since it is there. */
  knows(state: number): boolean {
    return this.#states.judged(state) >= this.since;
  }

  verdict(state: number): Verdict {
    return this.#verdicts[state]!;
  }

  /** What it thinks of a state that it did not know. */
  learn(state: number, verdict: Verdict): void {
    const cell = this.#states.cell(state);
    if (this.#buckets[cell] === undefined && this.#states.ofCell(cell).length > FEW) this.#fillBuckets(cell);
    this.#verdicts[state] = verdict;
    if (verdict >= 0) this.putBack(state, cell, verdict);
  }

  /** A state that was in the way has nodes again. */
  putBack(state: number, cell: number, score: number): void {
    this.#buckets[cell]?.add(state, score);
  }

  /** The best node of a cell, of the lowest rank where several are. Tells which states without nodes were in the way. */
  best(cell: number, rank: Int32Array, putAside: (state: number, score: number) => void): Winner | undefined {
    const buckets = this.#buckets[cell];
    if (buckets === undefined) return this.#bestOfFew(cell, rank);
    for (let bucket = buckets.highest; bucket !== NONE; bucket = buckets.highest) {
      const slot = this.#bestOfBucket(buckets, bucket, rank, putAside);
      if (slot !== NONE) return { slot, score: this.#verdicts[this.#states.of(slot)]! };
    }
    return undefined;
  }

  #bestOfFew(cell: number, rank: Int32Array): Winner | undefined {
    let best: Winner | undefined;
    for (const state of this.#states.ofCell(cell)) {
      const score = this.#verdicts[state]!;
      if (this.#states.count(state) === 0 || score < (best?.score ?? 0)) continue;
      const slot = this.#states.first(state, rank);
      if (best === undefined || score > best.score || rank[slot]! < rank[best.slot]!) best = { slot, score };
    }
    return best;
  }

  /** The slot of the best node, or NONE. */
  #bestOfBucket(
    buckets: ScoreBuckets,
    bucket: number,
    rank: Int32Array,
    putAside: (state: number, score: number) => void,
  ): number {
    const states = this.#states;
    let best = NONE;
    let highest = UNFIT;
    let before = NONE;
    for (let state = buckets.first(bucket); state !== NONE; ) {
      const next = buckets.next(state);
      const score = this.#verdicts[state]!;
      if (states.count(state) === 0) {
        buckets.take(state, before, bucket);
        putAside(state, score);
      } else {
        before = state;
        if (score >= highest) {
          const slot = states.first(state, rank);
          if (score > highest || rank[slot]! < rank[best]!) best = slot;
          highest = score;
        }
      }
      state = next;
    }
    return best;
  }

  #fillBuckets(cell: number): void {
    const list = this.#states.ofCell(cell);
    const buckets = new ScoreBuckets(this.#highest, 4 * list.length, this.#next);
    this.#buckets[cell] = buckets;
    for (const state of list) {
      const verdict = this.#verdicts[state]!;
      if (this.knows(state) && verdict >= 0) buckets.add(state, verdict);
    }
  }
}
