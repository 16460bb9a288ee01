// The journal of changed slots: a ring of the latest changes, numbered without end.
//
// A reader remembers the number up to which it has read. What is older than `oldest` is gone: a reader that is further
// behind has to look at everything instead.

const FIRST_LENGTH = 1024;

export class Journal {
  /** By number, modulo the length: twice the slot, and one more when the node itself changed. */
  #ring = new Int32Array(FIRST_LENGTH);
  /** By slot: the number of its latest change. */
  #latest = new Float64Array(FIRST_LENGTH);
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
    this.#append(slot, 1);
  }

  /** What the node in this slot has given away changed. */
  allocations(slot: number): void {
    this.#append(slot, 0);
  }

  slotAt(number: number): number {
    return this.#ring[number & (this.#ring.length - 1)]! >> 1;
  }

  /** Whether that change was of the node itself. */
  isNodeAt(number: number): boolean {
    return (this.#ring[number & (this.#ring.length - 1)]! & 1) === 1;
  }

  /** Whether that change only says what a later one of the same slot says too. */
  isOvertaken(number: number): boolean {
    const entry = this.#ring[number & (this.#ring.length - 1)]!;
    return (entry & 1) === 0 && this.#latest[entry >> 1]! > number;
  }

  /** Makes room for slots below that number, and for as many changes; those held so far are dropped when it grows. */
  hold(slots: number): void {
    if (slots <= this.#ring.length) return;
    const length = 2 ** Math.ceil(Math.log2(slots));
    this.#ring = new Int32Array(length);
    this.#latest = new Float64Array(length);
    this.#oldest = this.#next;
  }

  #append(slot: number, isNode: 0 | 1): void {
    this.#ring[this.#next & (this.#ring.length - 1)] = slot * 2 + isNode;
    this.#latest[slot] = this.#next;
    this.#next++;
    if (this.#next - this.#oldest > this.#ring.length) this.#oldest++;
  }
}
