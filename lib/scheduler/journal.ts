// The journal of changed slots: a ring of the latest changes, numbered without end.
//
// A reader remembers the number up to which it has read. One that is further behind than the ring is long has to look at
// everything instead.

const FIRST_LENGTH = 1024;

export class Journal {
  #ring = new Int32Array(FIRST_LENGTH);
  #next = 0;

  /** The number that the next change will have. */
  get next(): number {
    return this.#next;
  }

  /** The node in this slot came, went, or changed itself. */
  node(slot: number): void {
    this.#append(slot * 2 + 1);
  }

  /** What the node in this slot has given away changed. */
  allocations(slot: number): void {
    this.#append(slot * 2);
  }

  #append(entry: number): void {
    this.#ring[this.#next & (this.#ring.length - 1)] = entry;
    this.#next++;
  }
}
