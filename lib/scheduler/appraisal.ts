// One request against single nodes, or all of them once, without an index: for a class that nobody asked for before, for
// explaining a decision, and for trying out what would be.
//
// It asks the same compiled judges as the class indexes do, one node at a time. Nothing is kept between calls, save what
// depends on nodes alone.
import { Cells } from './cells.ts';
import { DomainVerdicts } from './domain-verdicts.ts';
import type { Winner } from './lane.ts';
import {
  compileClass,
  EMPTY,
  EMPTY_CODE,
  joinParts,
  type Profile,
  type RequestClass,
  type Verdict,
} from './pipeline.ts';
import type { AllocationsJudge } from './plugin.ts';
import type { NodeTable } from './table.ts';
import type { Lease } from './topology.ts';
import type { Request } from './types.ts';

export class Appraisal {
  readonly #table: NodeTable;
  readonly #lease: Lease;
  readonly #class: RequestClass;
  /** By slot: what depends on the node alone. */
  readonly #fixed: Int32Array;
  readonly #cellOf: Int32Array;
  readonly #ofDomains: DomainVerdicts;
  readonly #judge: AllocationsJudge;
  readonly #verdict = new Int32Array(1);
  /** By code: how many nodes were turned away when the best was asked for. */
  readonly #refused = new Int32Array(EMPTY_CODE + 1);

  constructor(table: NodeTable, profile: Profile, request: Request) {
    this.#table = table;
    this.#lease = table.lease();
    this.#class = compileClass(profile, request, table, this.#lease);
    this.#judge = joinParts(profile, [this.#class.parts], table).judge;
    const cells = new Cells(this.#class.keys.map((key) => this.#lease.domains(key)));
    this.#fixed = new Int32Array(table.slots);
    this.#cellOf = new Int32Array(table.slots);
    for (let slot = 0; slot < table.slots; slot++) {
      this.#fixed[slot] = table.node(slot) === undefined ? EMPTY : this.#class.judgeNode(slot);
      this.#cellOf[slot] = cells.of(slot);
    }
    this.#ofDomains = new DomainVerdicts(this.#class);
    this.#ofDomains.meet(cells, this.#eligible(cells));
    this.refresh();
  }

  /** Gives back what it leased; nothing may be asked afterwards. */
  end(): void {
    this.#lease.end();
  }

  /** To be called before verdicts are asked for, whenever something was reserved or released since. */
  refresh(): void {
    this.#ofDomains.begin();
  }

  /** Whether the node itself would do, whatever was given away. */
  isFit(slot: number): boolean {
    return this.#fixed[slot]! >= 0;
  }

  /** The whole verdict on a node, as the table stands. */
  verdict(slot: number): Verdict {
    const fixed = this.#fixed[slot]!;
    if (fixed < 0) return fixed;
    this.#verdict[0] = fixed;
    this.#judge(slot, this.#verdict);
    const ofNode = this.#verdict[0]!;
    if (ofNode < 0 || this.#ofDomains.isEmpty) return ofNode;
    const ofDomains = this.#ofDomains.of(this.#cellOf[slot]!);
    return ofDomains < 0 ? ofDomains : ofNode + ofDomains;
  }

  reason(verdict: Verdict): string {
    return this.#class.reasons.text(-verdict);
  }

  /** The best node; undefined when none fits, and then refusals() says why. */
  best(): Winner | undefined {
    const rank = this.#table.ranks();
    let best: Winner | undefined;
    this.#refused.fill(0);
    for (let slot = 0; slot < this.#fixed.length; slot++) {
      const score = this.verdict(slot);
      if (score < 0) this.#refused[-score]!++;
      else if (best === undefined || score > best.score || (score === best.score && rank[slot]! < rank[best.slot]!))
        best = { slot, score };
    }
    return best;
  }

  /** Why nodes were turned away in the decision just taken, by reason. */
  refusals(): ReadonlyMap<string, number> {
    return this.#class.reasons.counts(this.#refused);
  }

  #eligible(cells: Cells): Uint8Array {
    const eligible = new Uint8Array(cells.size);
    for (let slot = 0; slot < this.#fixed.length; slot++)
      if (this.#class.reasons.isEligible(this.#fixed[slot]!)) eligible[this.#cellOf[slot]!] = 1;
    return eligible;
  }
}
