// The journal of changed slots: a ring of the latest changes, numbered without end.
//
// A reader remembers the number up to which it has read. What is older than `oldest` is gone: a reader that is further
// behind has to look at everything instead.

const FIRST_LENGTH = 1024;

export class Journal {
  #ring = new Int32Array(FIRST_LENGTH);
  #next = 0;
  #oldest = 0;

  /** The number that the next change will have. */
  get next(): number {
    return this.#next;
  }

  /** The number of the oldest change that can still be read. */
  get oldest(): number {
    return this.#oldest;
  }

  /** What is in this slot came, went, or changed itself. */
  node(slot: number): void {
    this.#append(slot * 2 + 1);
  }

  /** What the node in this slot has given away changed. */
  allocations(slot: number): void {
    this.#append(slot * 2);
  }

  slotAt(number: number): number {
    return this.#ring[number & (this.#ring.length - 1)]! >> 1;
  }

  /** Whether that change was of the node itself. */
  isNodeAt(number: number): boolean {
    return (this.#ring[number & (this.#ring.length - 1)]! & 1) === 1;
  }

  /** Holds at least that many changes from now on; those held so far are dropped when it grows. */
  hold(changes: number): void {
    if (changes <= this.#ring.length) return;
    this.#ring = new Int32Array(2 ** Math.ceil(Math.log2(changes)));
    this.#oldest = this.#next;
  }

  #append(entry: number): void {
    this.#ring[this.#next & (this.#ring.length - 1)] = entry;
    this.#next++;
    if (this.#next - this.#oldest > this.#ring.length) this.#oldest++;
  }
}
