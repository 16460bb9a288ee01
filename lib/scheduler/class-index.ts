// The live state of one request class: every node's verdict, who is best, and how many were turned away for what.
//
// It follows its layout's changes while it is in use, and catches up with the journal when it is asked after a while. Nothing
// here is a guess that may be wrong: a verdict is recomputed for every node that changed.
import { type Follower, type Layout, NONE } from './layout.ts';
import { type AllocationsParts, EMPTY, MAX_CODE, type RequestClass, type Verdict } from './pipeline.ts';
import type { DomainCodes } from './plugin.ts';
import { NOBODY, type TieOrder } from './tournament.ts';

export interface Winner {
  readonly slot: number;
  readonly score: number;
}

/** What a domain judge needs of each cell: the codes of its own keys. */
interface CellJudge {
  readonly weight: number;
  readonly codes: DomainCodes[];
  readonly judge: RequestClass['domainJudges'][number]['judge'];
}

export class ClassIndex implements Follower {
  readonly #class: RequestClass;
  readonly #layout: Layout;
  /** Of the layout's board, which holds the verdicts: those on nodes that do not fit are below 0 and never win. */
  #lane: number | undefined;
  /** By cell: nodes that pass all filters of nodes, and nodes that pass the preFilters. */
  #feasible = new Int32Array(0);
  #eligible = new Int32Array(0);
  #judges: CellJudge[] = [];
  /** By code, of the latest decision: how many nodes a domain filter turned away. */
  readonly #refusedByDomain = new Int32Array(MAX_CODE + 1);

  constructor(requestClass: RequestClass, layout: Layout) {
    this.#class = requestClass;
    this.#layout = layout;
  }

  get parts(): AllocationsParts {
    return this.#class.parts;
  }

  /** How many leaves it has room for; its memory is proportional to this. */
  get leaves(): number {
    return this.#lane === undefined ? 0 : this.#layout.board.leaves;
  }

  /** The best node as the table stands; undefined when none fits, and then refusals() says why. */
  best(): Winner | undefined {
    const lane = this.#catchUp();
    if (this.#judges.length > 0) return this.#bestOfCells(lane);
    return this.#winner(lane, this.#layout.board.best(lane), 0);
  }

  /** Why nodes were turned away in the decision just taken, by reason, over all nodes. */
  refusals(): Map<string, number> {
    const { leftOut, leftOutFor, board } = this.#layout;
    const counts = new Map(leftOut > 0 ? [[leftOutFor, leftOut]] : []);
    for (let code = 1; code < this.#class.reasons.codes; code++) {
      const count = board.refused(this.#lane!, code) + this.#refusedByDomain[code]!;
      const text = this.#class.reasons.text(code);
      if (count > 0) counts.set(text, (counts.get(text) ?? 0) + count);
    }
    return counts;
  }

  #winner(lane: number, leaf: number, bonus: number): Winner | undefined {
    if (leaf === NOBODY) return undefined;
    return { slot: this.#layout.slotAt[leaf]!, score: this.#layout.board.score(lane, leaf) + bonus };
  }

  #bestOfCells(lane: number): Winner | undefined {
    const order = this.#layout.order();
    const verdicts = this.#judgeCells();
    let best: Winner | undefined;
    for (const { cell, from, to } of this.#layout.runs) {
      const verdict = verdicts[cell]!;
      if (verdict < 0) continue;
      const winner = this.#winner(lane, this.#layout.board.bestIn(lane, from, to, order), verdict);
      if (winner === undefined || (best !== undefined && winner.score < best.score)) continue;
      if (best === undefined || winner.score > best.score || order.rank[winner.slot]! < order.rank[best.slot]!) {
        best = winner;
      }
    }
    return best;
  }

  /** By cell: the domain filters' reason, negated, or the sum of the domain scores. */
  #judgeCells(): Int32Array {
    this.#refusedByDomain.fill(0);
    for (const { judge, codes } of this.#judges) {
      judge.begin?.();
      if (judge.see === undefined) continue;
      for (let cell = 0; cell < codes.length; cell++) if (this.#eligible[cell]! > 0) judge.see(codes[cell]!);
    }
    const verdicts = new Int32Array(this.#layout.cells.length);
    for (let cell = 0; cell < verdicts.length; cell++) {
      if (this.#feasible[cell] === 0) {
        verdicts[cell] = EMPTY;
        continue;
      }
      const verdict = this.#judgeCell(cell);
      verdicts[cell] = verdict;
      if (verdict < 0) this.#refusedByDomain[-verdict]! += this.#feasible[cell]!;
    }
    return verdicts;
  }

  #judgeCell(cell: number): Verdict {
    let sum = 0;
    for (const { weight, judge, codes } of this.#judges) {
      const answer = judge.judge(codes[cell]!);
      if (weight > 0) sum += weight * answer;
      else if (answer > 0) return -answer;
    }
    return sum;
  }

  /** Gives its lane back; nothing may be asked afterwards. */
  dispose(): void {
    if (this.#lane !== undefined) this.#layout.forget(this.#lane);
  }

  #catchUp(): number {
    this.#layout.catchUp();
    this.#lane = this.#layout.follow(this, this.#lane);
    return this.#lane;
  }

  end(): void {
    this.#lane = undefined;
  }

  begin(lane: number): void {
    const { board, slotAt } = this.#layout;
    const { scores, fixed, lanes } = board;
    this.#feasible = new Int32Array(0);
    this.#eligible = new Int32Array(0);
    this.#judges = this.#class.domainJudges.map(({ weight, judge }) => ({ weight, judge, codes: [] }));
    this.#growCells();
    const judge = this.#layout.judgeOf(this);
    const verdict = new Int32Array(1);
    for (let leaf = 0; leaf < slotAt.length; leaf++) {
      const at = leaf * lanes + lane;
      fixed[at] = EMPTY;
      this.#judgeNode(lane, leaf);
      verdict[0] = fixed[at]!;
      if (verdict[0] >= 0) judge(slotAt[leaf]!, verdict);
      scores[at] = verdict[0];
    }
    const crossing = (leaf: number, sign: 1 | -1) => {
      this.#feasible[this.#layout.cellAt[leaf]!]! += sign;
    };
    board.replay(lane, this.#layout.order(), this.#judges.length > 0 ? crossing : undefined);
  }

  reconsider(lane: number, leaf: number, order: TieOrder): void {
    this.#growCells();
    this.#layout.board.set(lane, leaf, EMPTY, order);
    this.#judgeNode(lane, leaf);
  }

  #judgeNode(lane: number, leaf: number): void {
    const { fixed, lanes } = this.#layout.board;
    const at = leaf * lanes + lane;
    const slot = this.#layout.slotAt[leaf]!;
    this.#countEligible(leaf, fixed[at]!, -1);
    const verdict = slot === NONE ? EMPTY : this.#class.judgeNode(slot);
    fixed[at] = verdict;
    this.#countEligible(leaf, verdict, 1);
  }

  #countEligible(leaf: number, verdict: Verdict, sign: 1 | -1): void {
    if (this.#judges.length === 0 || !this.#class.reasons.isEligible(verdict)) return;
    this.#eligible[this.#layout.cellAt[leaf]!]! += sign;
  }

  /** Makes room for cells that the layout met since. */
  #growCells(): void {
    const { cells } = this.#layout;
    if (this.#judges.length === 0 || this.#feasible.length >= cells.length) return;
    this.#feasible = copyInto(this.#feasible, new Int32Array(cells.length));
    this.#eligible = copyInto(this.#eligible, new Int32Array(cells.length));
    for (const { judge, codes } of this.#judges) {
      const positions = judge.keys.map((key) => this.#class.keys.indexOf(key));
      for (let cell = codes.length; cell < cells.length; cell++) {
        codes.push(Int32Array.from(positions, (position) => cells[cell]![position]!));
      }
    }
  }
}

function copyInto<A extends Int32Array>(from: Int32Array, to: A): A {
  to.set(from);
  return to;
}
