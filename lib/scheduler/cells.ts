// Cells: nodes that are in the same domain of every one of some topology keys.
import { type Domains, NO_DOMAIN } from './topology.ts';

export class Cells {
  /** By cell: the code of its domain for each key. */
  readonly codes: Int32Array[] = [];
  readonly #domains: readonly Domains[];
  readonly #byName = new Map<string, number>();

  constructor(domains: readonly Domains[]) {
    this.#domains = domains;
  }

  /** How many there are, also those whose nodes are gone. */
  get size(): number {
    return this.codes.length;
  }

  /** The cell of the node in that slot: a new one where it is not known yet. */
  of(slot: number): number {
    if (this.#domains.length === 0 && this.size > 0) return 0;
    const codes = this.#domains.map(({ codeOf }) => codeOf[slot] ?? NO_DOMAIN);
    const name = codes.join();
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    this.#byName.set(name, this.size);
    return this.codes.push(Int32Array.from(codes)) - 1;
  }
}
