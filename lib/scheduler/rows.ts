// Rows of numbers, each known by a number of its own from the first time that it is met.

/** No row. */
export const NONE = -1;

export class Rows {
  /** For how many there is room. */
  readonly room: number;
  /** How many there are; theirs are the numbers below. */
  size = 0;
  readonly #width: number;
  readonly #values: Float64Array;
  /** By row, side by side: its hash, and the row that was in its bucket before. */
  readonly #links: Int32Array;
  /** By the lowest bits of hashes: the row met last. */
  readonly #buckets: Int32Array;

  constructor(width: number, room: number) {
    this.room = room;
    this.#width = width;
    this.#values = new Float64Array(room * width);
    this.#links = new Int32Array(2 * room);
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(2 * room + 2))).fill(NONE);
  }

  /** The number of a row, a new one where it is not known; NONE where there is no room for another. */
  numberOf(row: Float64Array): number {
    const links = this.#links;
    const hash = hashOf(row);
    const bucket = hash & (this.#buckets.length - 1);
    for (let number = this.#buckets[bucket]!; number !== NONE; number = links[2 * number + 1]!)
      if (links[2 * number] === hash && this.is(number, row)) return number;
    return this.size === this.room ? NONE : this.#add(row, hash, bucket);
  }

  is(number: number, row: Float64Array): boolean {
    const values = this.#values;
    const from = number * this.#width;
    for (let index = 0; index < this.#width; index++) if (values[from + index] !== row[index]) return false;
    return true;
  }

  #add(row: Float64Array, hash: number, bucket: number): number {
    const number = this.size++;
    this.#values.set(row, number * this.#width);
    this.#links[2 * number] = hash;
    this.#links[2 * number + 1] = this.#buckets[bucket]!;
    this.#buckets[bucket] = number;
    return number;
  }
}

function hashOf(row: Float64Array): number {
  let hash = 0;
  for (let index = 0; index < row.length; index++) {
    const value = row[index]!;
    hash = Math.imul(hash ^ (value | 0), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ ((value / 2 ** 32) | 0), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return hash;
}
