// How nodes look to the classes of a layout, as rows of numbers: nodes with equal rows are in the same state.
//
// What changes with a node itself only (its cell, what classes say of it by itself, how large it is) is its *shape*, which is
// put together once and is one number then.
import type { Feature } from './plugin.ts';
import { NONE, Rows } from './rows.ts';

type Read = (slot: number) => number;

/** Of flags in one number, which is exact up to 2^53. */
const FLAGS = 52;

/** Of several lists, each feature once: equal names, equal features. */
export function union(lists: Iterable<readonly Feature[]>): Feature[] {
  const byName = new Map<string, Feature>();
  for (const list of lists) for (const feature of list) byName.set(feature.name, feature);
  return [...byName.values()];
}

export class Looks {
  /** The look of the node that was looked at last. */
  readonly row: Float64Array;
  /** The features that it is about. */
  readonly #names: ReadonlySet<string>;
  readonly #ofNode: readonly Read[];
  readonly #ofAllocations: readonly Read[];
  readonly #shapes: Rows;
  readonly #shape: Float64Array;
  /** By slot; NONE without a node that would do. */
  readonly #shapeOf: Int32Array;

  constructor(features: readonly Feature[], slots: number) {
    const readsOf = (kind: Feature['kind']) => features.filter((each) => each.kind === kind).map(({ read }) => read);
    this.#names = new Set(features.map(({ name }) => name));
    this.#ofNode = readsOf('of the node');
    this.#ofAllocations = [...readsOf('number'), ...packed(readsOf('flag'))];
    this.row = new Float64Array(1 + this.#ofAllocations.length);
    this.#shape = new Float64Array(2 + this.#ofNode.length);
    this.#shapes = new Rows(this.#shape.length, 2 * slots);
    this.#shapeOf = new Int32Array(slots).fill(NONE);
  }

  /** Whether it is about all of these. */
  hasAll(features: readonly Feature[]): boolean {
    return features.every(({ name }) => this.#names.has(name));
  }

  /** Whether there is a node that would do. */
  has(slot: number): boolean {
    return this.#shapeOf[slot] !== NONE;
  }

  forget(slot: number): void {
    this.#shapeOf[slot] = NONE;
  }

  /** A node is new or changed itself. False when too many did. */
  meet(slot: number, cell: number, fixed: number): boolean {
    const shape = this.#shape;
    shape[0] = cell;
    shape[1] = fixed;
    for (let index = 0; index < this.#ofNode.length; index++) shape[index + 2] = this.#ofNode[index]!(slot);
    this.#shapeOf[slot] = this.#shapes.numberOf(shape);
    return this.#shapeOf[slot] !== NONE;
  }

  /** Fills `row`. */
  look(slot: number): void {
    const { row } = this;
    const reads = this.#ofAllocations;
    row[0] = this.#shapeOf[slot]!;
    for (let index = 0; index < reads.length; index++) row[index + 1] = reads[index]!(slot);
  }
}

function packed(flags: readonly Read[]): Read[] {
  const reads: Read[] = [];
  for (let from = 0; from < flags.length; from += FLAGS) {
    const some = flags.slice(from, from + FLAGS);
    reads.push((slot) => {
      let number = 0;
      for (let index = 0; index < some.length; index++) number = 2 * number + some[index]!(slot);
      return number;
    });
  }
  return reads;
}
