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
  #changes = new Int32Array(0);
  #next = 0;
  #oldest = 0;
  #latestNode = -1;

  /** The number that the next change will have. */
  get next(): number {
    return this.#next;
  }

  /** The number of the oldest change that can still be read. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The number of the latest change of a node itself. */
  get latestNode(): number {
    return this.#latestNode;
  }

  /** What is in this slot came, went, or changed itself. */
  node(slot: number): void {
    this.#latestNode = this.#next;
    this.#append(slot, 1);
  }

  /** What the node in this slot has given away changed. */
  allocations(slot: number): void {
    this.#append(slot, 0);
  }

  /**
   * The changes from that number on, oldest first: twice the slot, and one more when the node itself changed. What a later
   * change of the same slot says too is left out. The list is good until the next call.
   */
  since(number: number): Int32Array {
    const ring = this.#ring;
    const latest = this.#latest;
    const mask = ring.length - 1;
    const end = this.#next;
    let length = 0;
    if (this.#changes.length < ring.length) this.#changes = new Int32Array(ring.length);
    const changes = this.#changes;
    for (let at = number; at < end; at++) {
      const entry = ring[at & mask]!;
      if ((entry & 1) === 0 && latest[entry >> 1]! > at) continue;
      changes[length++] = entry;
    }
    return changes.subarray(0, length);
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
