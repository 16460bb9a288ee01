// What a class's domain judges say of cells, for one decision after the other.
import type { Cells } from './cells.ts';
import type { RequestClass, Verdict } from './pipeline.ts';
import type { DomainCodes } from './plugin.ts';

/** What a domain judge needs of each cell: the codes of its own keys. */
interface CellJudge {
  readonly weight: number;
  readonly judge: RequestClass['domainJudges'][number]['judge'];
  /** Where its keys are among the class's. */
  readonly positions: readonly number[];
  readonly codes: DomainCodes[];
}

export class DomainVerdicts {
  readonly #judges: readonly CellJudge[];
  /** By cell: 1 where there are nodes that the request is about. */
  #eligible: Uint8Array = new Uint8Array(0);
  /** By cell, with the number of the decision that it is from. */
  #verdicts = new Int32Array(0);
  #from = new Int32Array(0);
  #decision = 0;

  constructor({ domainJudges, keys }: RequestClass) {
    this.#judges = domainJudges.map(({ weight, judge }) => {
      const positions = judge.keys.map((key) => keys.indexOf(key));
      return { weight, judge, positions, codes: [] };
    });
  }

  /** Whether there is anything to say. */
  get isEmpty(): boolean {
    return this.#judges.length === 0;
  }

  /** Cells are those known before, and more. */
  meet(cells: Cells, eligible: Uint8Array): void {
    this.#eligible = eligible;
    this.#verdicts = new Int32Array(cells.size);
    this.#from = new Int32Array(cells.size);
    for (const { positions, codes } of this.#judges) {
      for (let cell = codes.length; cell < cells.size; cell++)
        codes.push(Int32Array.from(positions, (position) => cells.codes[cell]![position]!));
    }
  }

  /** To be called for each decision: placements may have come or gone. */
  begin(): void {
    this.#decision++;
    for (const { judge, codes } of this.#judges) {
      judge.begin?.();
      if (judge.see === undefined) continue;
      for (let cell = 0; cell < codes.length; cell++) if (this.#eligible[cell] === 1) judge.see(codes[cell]!);
    }
  }

  /** The reason of the first filter that turns the cell away, negated, or the sum of the scores. */
  of(cell: number): Verdict {
    if (this.#from[cell] !== this.#decision) {
      this.#verdicts[cell] = this.#judge(cell);
      this.#from[cell] = this.#decision;
    }
    return this.#verdicts[cell]!;
  }

  #judge(cell: number): Verdict {
    let sum = 0;
    for (const { weight, judge, codes } of this.#judges) {
      const answer = judge.judge(codes[cell]!);
      if (weight > 0) sum += weight * answer;
      else if (answer > 0) return -answer;
    }
    return sum;
  }
}
