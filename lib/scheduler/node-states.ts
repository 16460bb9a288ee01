// Nodes that no class can tell apart, together: a state is what classes see of a node, and all nodes that look so now.
//
// What a class thinks of a state never changes, so a node that goes from one to another, as with every bind, costs no class
// anything where both are known. A state that no node is in is remembered, as it will come again; when there is no room left
// all begins anew (layout.ts).
import { NONE, Rows } from './rows.ts';

/** About what a state takes. */
export const STATE_BYTES = 150;

/** A record's fields. */
const COUNT = 0;
const CELL = 1;
const JUDGED = 2;
const ORDER = 3;
const FIELDS = 4;

const NO_STATES: readonly number[] = [];

export class NodeStates {
  readonly #rows: Rows;
  /** By state: how many nodes are in it, their cell, what the user notes, and the order that its members' heap was made by. */
  readonly #records: Int32Array;
  /** By state: a heap of slots by rank; those that are elsewhere now are left in until they come up. */
  readonly #members: number[][] = [];
  readonly #byCell: number[][] = [];
  /** By slot. */
  readonly #stateOf: Int32Array;
  #order = 0;
  /** By slot: the number of the latest rebuilding of a heap that it was kept in. */
  readonly #keptIn: Int32Array;
  #rebuildings = 0;

  /** `width`: how many features a state has; `room`: how many states there may be. */
  constructor(slots: number, width: number, room: number) {
    this.#rows = new Rows(width, room);
    this.#records = new Int32Array(FIELDS * room);
    this.#stateOf = new Int32Array(slots).fill(NONE);
    this.#keptIn = new Int32Array(slots);
  }

  /** How many there are, also those without nodes. */
  get size(): number {
    return this.#rows.size;
  }

  get room(): number {
    return this.#rows.room;
  }

  /** The state that a slot is in, or NONE. */
  of(slot: number): number {
    return this.#stateOf[slot]!;
  }

  /** How many nodes are in a state. */
  count(state: number): number {
    return this.#records[FIELDS * state + COUNT]!;
  }

  /** The cell of its nodes. */
  cell(state: number): number {
    return this.#records[FIELDS * state + CELL]!;
  }

  /** What was noted last; 0 for a new state. */
  judged(state: number): number {
    return this.#records[FIELDS * state + JUDGED]!;
  }

  noteJudged(state: number, judging: number): void {
    this.#records[FIELDS * state + JUDGED] = judging;
  }

  /** All states of a cell, also those without nodes. */
  ofCell(cell: number): readonly number[] {
    return this.#byCell[cell] ?? NO_STATES;
  }

  /** Some slot is another node's from now on, with another rank. */
  reorder(): void {
    this.#order++;
  }

  is(state: number, features: Float64Array): boolean {
    return this.#rows.is(state, features);
  }

  /** The slot must be in a state. */
  leave(slot: number): void {
    const state = this.#stateOf[slot]!;
    this.#stateOf[slot] = NONE;
    const count = --this.#records[FIELDS * state + COUNT]!;
    if (count === 0) this.#members[state]!.length = 0;
  }

  /** The slot, which is in no state, comes to the one with these features. Gives the state; NONE where there is no room for it. */
  enter(slot: number, cell: number, features: Float64Array, rank: Int32Array): number {
    const state = this.#rows.numberOf(features);
    if (state === NONE) return NONE;
    if (state === this.#members.length) this.#add(state, cell);
    this.#stateOf[slot] = state;
    this.#join(state, slot, rank);
    return state;
  }

  /** The node of the lowest rank in a state that has nodes. */
  first(state: number, rank: Int32Array): number {
    const heap = this.#members[state]!;
    if (this.#records[FIELDS * state + ORDER] !== this.#order) this.#rebuild(state, rank);
    while (this.#stateOf[heap[0]!] !== state) pop(heap, rank);
    return heap[0]!;
  }

  #add(state: number, cell: number): void {
    this.#members.push([]);
    this.#records[FIELDS * state + CELL] = cell;
    while (this.#byCell.length <= cell) this.#byCell.push([]);
    this.#byCell[cell]!.push(state);
  }

  #join(state: number, slot: number, rank: Int32Array): void {
    const heap = this.#members[state]!;
    const records = this.#records;
    const record = FIELDS * state;
    const count = ++records[record + COUNT]!;
    heap.push(slot);
    if (count === 1) records[record + ORDER] = this.#order;
    if (records[record + ORDER] !== this.#order || heap.length > 2 * count + 16) this.#rebuild(state, rank);
    else raise(heap, heap.length - 1, rank);
  }

  /** Of the members, each that is there, once. */
  #rebuild(state: number, rank: Int32Array): void {
    const heap = this.#members[state]!;
    const rebuilding = ++this.#rebuildings;
    let kept = 0;
    for (let index = 0; index < heap.length; index++) {
      const slot = heap[index]!;
      if (this.#stateOf[slot] !== state || this.#keptIn[slot] === rebuilding) continue;
      this.#keptIn[slot] = rebuilding;
      heap[kept] = slot;
      raise(heap, kept++, rank);
    }
    heap.length = kept;
    this.#records[FIELDS * state + ORDER] = this.#order;
  }
}

/** What stands at the end of the heap, at that place, comes up to its own. */
function raise(heap: number[], end: number, rank: Int32Array): void {
  let at = end;
  const slot = heap[at]!;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (rank[heap[above]!]! <= rank[slot]!) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = slot;
}

/** The first goes. */
function pop(heap: number[], rank: Int32Array): void {
  const slot = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && rank[heap[below + 1]!]! < rank[heap[below]!]!) below++;
    if (rank[heap[below]!]! >= rank[slot]!) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = slot;
}
