// The live state of one request class: every node's verdict, who is best, and how many were turned away for what.
//
// It catches up with its layout's journal when it is asked, so a decision costs what changed since, times the logarithm of
// nodes. Nothing here is a guess that may be wrong: a verdict is recomputed for every node that changed.
import { type Layout, NONE } from './layout.ts';
import { EMPTY, EMPTY_CODE, MAX_CODE, type RequestClass, type Verdict } from './pipeline.ts';
import type { DomainCodes } from './plugin.ts';
import type { NodeTable } from './table.ts';
import { NOBODY, type TieOrder, Tournament } from './tournament.ts';

const FITS = 0;
const NOT_FIT = -1;

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

export class ClassIndex {
  readonly #class: RequestClass;
  readonly #table: NodeTable;
  readonly #layout: Layout;
  /** Holds the scores of nodes that fit, and NOT_FIT for all others. */
  #tournament = new Tournament(2);
  /** By leaf: what judgeNode said. */
  #fixed = new Int32Array(2);
  /** By leaf: the code of the reason for turning the node away, FITS, or EMPTY_CODE. A byte each, as most look no further. */
  #codes = new Uint8Array(2);
  /** By code: how many nodes were turned away for it. */
  readonly #refused = new Int32Array(EMPTY_CODE + 1);
  /** By cell: nodes that pass all filters of nodes, and nodes that pass the preFilters. */
  #feasible = new Int32Array(0);
  #eligible = new Int32Array(0);
  #judges: CellJudge[] = [];
  #version = -1;
  #read = 0;
  /** By code, of the latest decision: how many nodes a domain filter turned away. */
  readonly #refusedByDomain = new Int32Array(MAX_CODE + 1);

  constructor(requestClass: RequestClass, table: NodeTable, layout: Layout) {
    this.#class = requestClass;
    this.#table = table;
    this.#layout = layout;
  }

  /** How many leaves it has room for; its memory is proportional to this. */
  get leaves(): number {
    return this.#tournament.leaves;
  }

  /** The best node as the table stands; undefined when none fits, and then refusals() says why. */
  best(): Winner | undefined {
    const order = this.#catchUp();
    return this.#judges.length === 0 ? this.#winner(this.#tournament.best(), 0) : this.#bestOfCells(order);
  }

  /** Why nodes were turned away in the decision just taken, by reason, over all nodes. */
  refusals(): Map<string, number> {
    const { leftOut, leftOutFor } = this.#layout;
    const counts = new Map(leftOut > 0 ? [[leftOutFor, leftOut]] : []);
    for (let code = 1; code < this.#class.reasons.codes; code++) {
      const count = this.#refused[code]! + this.#refusedByDomain[code]!;
      const text = this.#class.reasons.text(code);
      if (count > 0) counts.set(text, (counts.get(text) ?? 0) + count);
    }
    return counts;
  }

  #winner(leaf: number, bonus: number): Winner | undefined {
    if (leaf === NOBODY) return undefined;
    return { slot: this.#layout.slotAt[leaf]!, score: this.#tournament.scores[leaf]! + bonus };
  }

  #bestOfCells(order: TieOrder): Winner | undefined {
    const verdicts = this.#judgeCells();
    let best: Winner | undefined;
    for (const { cell, from, to } of this.#layout.runs) {
      const verdict = verdicts[cell]!;
      if (verdict < 0) continue;
      const winner = this.#winner(this.#tournament.bestIn(from, to, order), verdict);
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

  #catchUp(): TieOrder {
    const layout = this.#layout;
    layout.catchUp();
    const order = { slotAt: layout.slotAt, rank: this.#table.ranks() };
    const behind = layout.journal.next - this.#read;
    const isLost = this.#read < layout.journal.oldest || behind > layout.size;
    if (layout.version !== this.#version || isLost) this.#rebuild(order);
    else this.#replay(order);
    return order;
  }

  /** One loop over local names: this is where a decision's time goes when there are many classes. */
  #replay(order: TieOrder): void {
    const { journal, slotAt } = this.#layout;
    if (this.#read === journal.next) return;
    this.#growCells();
    const changes = journal.since(this.#read);
    this.#read = journal.next;
    const codes = this.#codes;
    const fixed = this.#fixed;
    const { judgeAllocations, reasons } = this.#class;
    const { scores } = this.#tournament;
    for (let index = 0; index < changes.length; index++) {
      const change = changes[index]!;
      const leaf = change >> 1;
      if ((change & 1) === 1) {
        this.#judgeNode(leaf);
        this.#set(leaf, this.#judgeLeaf(leaf), order);
        continue;
      }
      // Most nodes were full and still are: for those nothing but their code is looked at.
      const code = codes[leaf]!;
      if (code !== FITS && !reasons.isOfAllocations(code)) continue;
      const varying = judgeAllocations(slotAt[leaf]!);
      if (varying < 0) {
        if (code !== -varying) this.#set(leaf, varying, order);
        continue;
      }
      const verdict = fixed[leaf]! + varying;
      if (code !== FITS || scores[leaf] !== verdict) this.#set(leaf, verdict, order);
    }
  }

  #rebuild(order: TieOrder): void {
    const layout = this.#layout;
    const room = layout.slotAt.length;
    if (this.#tournament.leaves !== room) {
      this.#tournament = new Tournament(room);
      this.#fixed = new Int32Array(room);
      this.#codes = new Uint8Array(room);
    }
    this.#fixed.fill(EMPTY);
    this.#refused.fill(0);
    this.#feasible = new Int32Array(0);
    this.#eligible = new Int32Array(0);
    this.#judges = this.#class.domainJudges.map(({ weight, judge }) => ({ weight, judge, codes: [] }));
    this.#growCells();
    for (let leaf = 0; leaf < room; leaf++) {
      this.#judgeNode(leaf);
      const verdict = this.#judgeLeaf(leaf);
      this.#codes[leaf] = codeOf(verdict);
      this.#tournament.scores[leaf] = Math.max(verdict, NOT_FIT);
      this.#count(leaf, this.#codes[leaf]!, 1);
    }
    this.#tournament.replay(order);
    this.#version = layout.version;
    this.#read = layout.journal.next;
  }

  #judgeNode(leaf: number): void {
    const slot = this.#layout.slotAt[leaf]!;
    this.#countEligible(leaf, -1);
    this.#fixed[leaf] = slot === NONE ? EMPTY : this.#class.judgeNode(slot);
    this.#countEligible(leaf, 1);
  }

  #judgeLeaf(leaf: number): Verdict {
    const fixed = this.#fixed[leaf]!;
    if (fixed < 0) return fixed;
    const varying = this.#class.judgeAllocations(this.#layout.slotAt[leaf]!);
    return varying < 0 ? varying : fixed + varying;
  }

  #set(leaf: number, verdict: Verdict, order: TieOrder): void {
    const [before, after] = [this.#codes[leaf]!, codeOf(verdict)];
    this.#codes[leaf] = after;
    this.#count(leaf, before, -1);
    this.#count(leaf, after, 1);
    if (before === FITS || after === FITS) this.#tournament.set(leaf, Math.max(verdict, NOT_FIT), order);
  }

  #countEligible(leaf: number, sign: 1 | -1): void {
    const verdict = this.#fixed[leaf]!;
    if (this.#judges.length === 0 || !this.#class.reasons.isEligible(verdict)) return;
    this.#eligible[this.#layout.cellAt[leaf]!]! += sign;
  }

  #count(leaf: number, code: number, sign: 1 | -1): void {
    if (code !== FITS) this.#refused[code]! += sign;
    else if (this.#judges.length > 0) this.#feasible[this.#layout.cellAt[leaf]!]! += sign;
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

function codeOf(verdict: Verdict): number {
  return verdict < 0 ? -verdict : FITS;
}

function copyInto<A extends Int32Array>(from: Int32Array, to: A): A {
  to.set(from);
  return to;
}
