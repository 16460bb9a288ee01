// States in buckets by score, so that the bucket of the highest is found at once, and states come and go at no cost.
//
// A bucket is a linked list. Which buckets have states is kept in bits, and which words of bits are not 0 in bits again.
import { NONE } from './rows.ts';

const BITS = 5;
const MOST_WORDS = 128;

export class ScoreBuckets {
  /** By state, the next one in its bucket. */
  readonly #next: Int32Array;
  /** By bucket. */
  readonly #first: Int32Array;
  readonly #words: Int32Array;
  readonly #summary = new Int32Array(MOST_WORDS >> BITS);
  readonly #shift: number;

  /** For scores from 0 to `highest`, of about so many states; `next` may be shared by several that have no state in common. */
  constructor(highest: number, states: number, next: Int32Array) {
    const words = Math.min(MOST_WORDS, 2 ** Math.ceil(Math.log2((states >> BITS) + 2)));
    this.#next = next;
    this.#words = new Int32Array(words);
    this.#first = new Int32Array(words << BITS).fill(NONE);
    this.#shift = Math.max(0, Math.ceil(Math.log2((highest + 1) / this.#first.length)));
  }

  /** The bucket of the highest scores that are there; NONE without any. */
  get highest(): number {
    for (let part = this.#summary.length - 1; part >= 0; part--) {
      const bits = this.#summary[part]!;
      if (bits === 0) continue;
      const word = (part << BITS) + highestBit(bits);
      return (word << BITS) + highestBit(this.#words[word]!);
    }
    return NONE;
  }

  first(bucket: number): number {
    return this.#first[bucket]!;
  }

  next(state: number): number {
    return this.#next[state]!;
  }

  /** A state that is in no bucket. */
  add(state: number, score: number): void {
    const bucket = score >> this.#shift;
    this.#next[state] = this.#first[bucket]!;
    this.#first[bucket] = state;
    const word = bucket >> BITS;
    this.#words[word]! |= 1 << (bucket & 31);
    this.#summary[word >> BITS]! |= 1 << (word & 31);
  }

  /** Takes a state out; `before` is the one before it, or NONE. */
  take(state: number, before: number, bucket: number): void {
    if (before !== NONE) {
      this.#next[before] = this.#next[state]!;
      return;
    }
    this.#first[bucket] = this.#next[state]!;
    if (this.#first[bucket] !== NONE) return;
    const word = bucket >> BITS;
    this.#words[word]! &= ~(1 << (bucket & 31));
    if (this.#words[word] === 0) this.#summary[word >> BITS]! &= ~(1 << (word & 31));
  }
}

const highestBit = (bits: number): number => 31 - Math.clz32(bits);
