// The live state of one request class: what it says of every node, who is best, and how many are turned away for what.
//
// What it says of nodes by themselves it keeps itself; what depends on their allocations too is kept in its lane of a layout,
// which it shares with classes that say the same so far. Nothing here is a guess that may be wrong.
import { DomainVerdicts } from './domain-verdicts.ts';
import { type Follower, UNFIT, type Winner } from './lane.ts';
import type { Layout } from './layout.ts';
import type { Layouts } from './layouts.ts';
import { type AllocationsParts, EMPTY, EMPTY_CODE, type Profile, type RequestClass } from './pipeline.ts';

interface Seat {
  readonly layout: Layout;
  readonly lane: number;
}

export class ClassIndex implements Follower {
  readonly #profile: Profile;
  readonly #class: RequestClass;
  readonly #layouts: Layouts;
  #seat: Seat | undefined;
  /** By slot: the code of the reason why the node would not do by itself; 0 where it would, EMPTY_CODE without a node. */
  #unfitFor = new Uint8Array(0);
  #ofDomains: DomainVerdicts;
  /** The layout's generation that the domain verdicts know of. */
  #met = -1;
  #unfit: { readonly generation: number; readonly byCode: Int32Array } | undefined;
  #refusals: { readonly version: number; readonly counts: ReadonlyMap<string, number> } | undefined;

  constructor(profile: Profile, requestClass: RequestClass, layouts: Layouts) {
    this.#profile = profile;
    this.#class = requestClass;
    this.#layouts = layouts;
    this.#ofDomains = new DomainVerdicts(requestClass);
  }

  get parts(): AllocationsParts {
    return this.#class.parts;
  }

  /** About what it takes itself. */
  get bytes(): number {
    return this.#seat === undefined ? 0 : this.#unfitFor.length + this.#seat.layout.laneBytes;
  }

  /** The best node as the table stands; undefined when none fits, and then refusals() says why. */
  best(): Winner | undefined {
    const { layout, lane } = this.#takeSeat();
    if (layout.cells.size === 1 && this.#ofDomains.isEmpty) return layout.best(lane, 0);
    return this.#bestOfCells(layout, lane);
  }

  /** Why nodes were turned away in the decision just taken, by reason, over all nodes. */
  refusals(): ReadonlyMap<string, number> {
    const { layout, lane } = this.#seat!;
    const hasDomains = !this.#ofDomains.isEmpty;
    // What domains hold may change without any change of a node's state.
    if (this.#refusals?.version === layout.version && !hasDomains) return this.#refusals.counts;
    const byCode = this.#unfitByCode(layout).slice();
    layout.eachVerdict(lane, (verdict, count, cell) => {
      const whole = verdict >= 0 && hasDomains ? this.#ofDomains.of(cell) : verdict;
      if (whole < 0) byCode[-whole]! += count;
    });
    const counts = this.#class.reasons.counts(byCode);
    this.#refusals = { version: layout.version, counts };
    return counts;
  }

  /** How many nodes would not do by themselves. */
  #unfitByCode({ generation }: Layout): Int32Array {
    if (this.#unfit?.generation === generation) return this.#unfit.byCode;
    const byCode = new Int32Array(EMPTY_CODE + 1);
    for (let slot = 0; slot < this.#unfitFor.length; slot++) byCode[this.#unfitFor[slot]!]!++;
    this.#unfit = { generation, byCode };
    return byCode;
  }

  /** Gives its lane back; nothing may be asked afterwards. */
  dispose(): void {
    this.#seat?.layout.forget(this.#seat.lane);
  }

  end(): void {
    this.#seat = undefined;
  }

  reconsider(slot: number): number {
    const verdict = this.#layouts.table.node(slot) === undefined ? EMPTY : this.#class.judgeNode(slot);
    this.#unfitFor[slot] = verdict < 0 ? -verdict : 0;
    return Math.max(UNFIT, verdict);
  }

  /** The layout may let it go while it catches up. */
  #takeSeat(): Seat {
    this.#seat?.layout.catchUp();
    if (this.#seat) this.#seat.layout.follow(this, this.#seat.lane);
    else this.#seat = this.#begin();
    return this.#seat;
  }

  #begin(): Seat {
    const slots = this.#layouts.table.placements.length;
    this.#unfitFor = new Uint8Array(slots);
    const fixed = new Int32Array(slots);
    for (let slot = 0; slot < slots; slot++) fixed[slot] = this.reconsider(slot);
    const layout = this.#layouts.find(this.#profile, this.#class.keys, fixed);
    this.#ofDomains = new DomainVerdicts(this.#class);
    this.#met = -1;
    this.#unfit = undefined;
    this.#refusals = undefined;
    return { layout, lane: layout.follow(this, undefined) };
  }

  #bestOfCells(layout: Layout, lane: number): Winner | undefined {
    this.#meetCells(layout);
    this.#ofDomains.begin();
    const rank = this.#layouts.table.ranks();
    let best: Winner | undefined;
    for (let cell = 0; cell < layout.cells.size; cell++) {
      const bonus = this.#ofDomains.of(cell);
      const winner = bonus < 0 ? undefined : layout.best(lane, cell);
      if (winner === undefined) continue;
      const score = winner.score + bonus;
      if (best !== undefined && score < best.score) continue;
      if (best === undefined || score > best.score || rank[winner.slot]! < rank[best.slot]!)
        best = { slot: winner.slot, score };
    }
    return best;
  }

  /** In which cells there are nodes that the request is about. */
  #meetCells({ cells, cellOf, generation }: Layout): void {
    if (this.#met === generation) return;
    this.#met = generation;
    const eligible = new Uint8Array(cells.size);
    for (let slot = 0; slot < this.#unfitFor.length; slot++) {
      if (this.#class.reasons.isEligible(-this.#unfitFor[slot]!)) eligible[cellOf[slot]!] = 1;
    }
    this.#ofDomains.meet(cells, eligible);
  }
}
