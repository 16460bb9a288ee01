// One request against single nodes, without an index: for explaining a decision and for trying out what would be.
//
// It asks the same compiled judges as the class indexes do, one node at a time, and so looks at all nodes once to find the
// domains that the request is about. Nothing is kept between calls, save what depends on nodes alone.
import { compileClass, EMPTY, joinParts, type Profile, type RequestClass, type Verdict } from './pipeline.ts';
import type { AllocationsJudge, DomainCodes } from './plugin.ts';
import type { NodeTable } from './table.ts';
import { type Domains, type Lease, NO_DOMAIN } from './topology.ts';
import type { Request } from './types.ts';

export class Appraisal {
  readonly #lease: Lease;
  readonly #class: RequestClass;
  /** By slot: what depends on the node alone. */
  readonly #fixed: Int32Array;
  readonly #domains: readonly Domains[];
  /** Every combination of domains in which there are nodes that the request is about, once. */
  readonly #eligible: readonly DomainCodes[];
  readonly #judge: AllocationsJudge;
  readonly #verdict = new Int32Array(1);

  constructor(table: NodeTable, profile: Profile, request: Request) {
    this.#lease = table.lease();
    this.#class = compileClass(profile, request, table, this.#lease);
    this.#judge = joinParts(profile, [this.#class.parts], table);
    this.#domains = this.#class.keys.map((key) => this.#lease.domains(key));
    this.#fixed = Int32Array.from({ length: table.slots }, (_, slot) =>
      table.node(slot) === undefined ? EMPTY : this.#class.judgeNode(slot),
    );
    this.#eligible = this.#findEligible();
    this.refresh();
  }

  /** Gives back what it leased; nothing may be asked afterwards. */
  end(): void {
    this.#lease.end();
  }

  /** To be called before verdicts are asked for, whenever something was reserved or released since. */
  refresh(): void {
    for (const { judge } of this.#class.domainJudges) {
      judge.begin?.();
      if (judge.see === undefined) continue;
      for (const codes of this.#eligible) judge.see(this.#pick(judge.keys, codes));
    }
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
    if (ofNode < 0) return ofNode;
    const ofDomains = this.#judgeDomains(slot);
    return ofDomains < 0 ? ofDomains : ofNode + ofDomains;
  }

  reason(verdict: Verdict): string {
    return this.#class.reasons.text(-verdict);
  }

  #judgeDomains(slot: number): Verdict {
    const codes = this.#codesAt(slot);
    let sum = 0;
    for (const { judge, weight } of this.#class.domainJudges) {
      const answer = judge.judge(this.#pick(judge.keys, codes));
      if (weight > 0) sum += weight * answer;
      else if (answer > 0) return -answer;
    }
    return sum;
  }

  #codesAt(slot: number): DomainCodes {
    return this.#domains.map(({ codeOf }) => codeOf[slot] ?? NO_DOMAIN);
  }

  /** Of codes for all the class's keys, those for some. */
  #pick(keys: readonly string[], codes: DomainCodes): DomainCodes {
    return keys.map((key) => codes[this.#class.keys.indexOf(key)]!);
  }

  #findEligible(): DomainCodes[] {
    const found = new Map<string, DomainCodes>();
    if (this.#domains.length === 0) return [];
    for (let slot = 0; slot < this.#fixed.length; slot++) {
      if (!this.#class.reasons.isEligible(this.#fixed[slot]!)) continue;
      const codes = this.#codesAt(slot);
      found.set(Array.from(codes).join(), codes);
    }
    return [...found.values()];
  }
}
