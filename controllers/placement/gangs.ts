// Gangs: members of a group that get their places at the same time, or none of them.
//
// A gang has one turn, that of its first member. Its places are decided together and entered host by host; nobody is marked
// as bound before all are entered. What was entered of one that cannot be completed is given up, so two never wait for each
// other's half.
import type { Placement } from '../../lib/api/generated.ts';
import { boundTo } from './status.ts';
import type { Survey } from './survey.ts';

export const isGangMember = ({ spec }: Placement): boolean => spec.group?.gang === true;

export class Gangs {
  readonly #waiting: Map<string | undefined, Placement[]>;
  /** By gang: uids of members that stand in a ledger. */
  readonly #entered = new Map<string, Set<string>>();
  readonly #unmarked: readonly Placement[];
  readonly #served = new Set<string>();

  constructor({ waiting, leaving, unmarked, homeless }: Survey, placements: readonly Placement[]) {
    this.#waiting = Map.groupBy(waiting.filter(isGangMember), ({ spec }) => spec.group?.name);
    this.#unmarked = unmarked.map(({ placement }) => placement).filter((each) => boundTo(each) === undefined);
    const out = new Set([...waiting, ...homeless, ...leaving.map(({ placement }) => placement)]);
    for (const placement of placements) if (isGangMember(placement) && !out.has(placement)) this.#enter(placement);
  }

  /** Who is served together with a Placement that waits: itself alone, or its gang; nobody when that had its turn. */
  turnOf(placement: Placement): readonly Placement[] {
    if (!isGangMember(placement)) return [placement];
    const { name } = placement.spec.group!;
    if (this.#served.has(name)) return [];
    this.#served.add(name);
    return this.#waiting.get(name) ?? [];
  }

  /** Why its gang cannot have its turn yet. */
  missing(placement: Placement): string | undefined {
    if (!isGangMember(placement)) return undefined;
    const { name, size } = placement.spec.group!;
    const there = (this.#waiting.get(name)?.length ?? 0) + (this.#entered.get(name)?.size ?? 0);
    return there < size ? `${there} of ${size} members of gang ${name} are there` : undefined;
  }

  /** Of those that stand in ledgers now: all but members of gangs of which not all do. */
  whole<M extends { readonly placement: Placement }>(marks: readonly M[]): M[] {
    for (const { placement } of marks) if (isGangMember(placement)) this.#enter(placement);
    return marks.filter(({ placement }) => boundTo(placement) !== undefined || this.#isWhole(placement));
  }

  /** Members that were entered before, of gangs that are not whole and got nobody entered in this round either. */
  halves(refused: readonly Placement[]): Placement[] {
    const failed = new Set(refused.filter(isGangMember).map(({ spec }) => spec.group!.name));
    const goesOn = (name: string) => this.#served.has(name) && !failed.has(name);
    return this.#unmarked.filter((placement) => !this.#isWhole(placement) && !goesOn(placement.spec.group!.name));
  }

  #isWhole(placement: Placement): boolean {
    if (!isGangMember(placement)) return true;
    const { name, size } = placement.spec.group!;
    return (this.#entered.get(name)?.size ?? 0) >= size;
  }

  #enter({ metadata, spec }: Placement): void {
    const { name } = spec.group!;
    const entered = this.#entered.get(name) ?? new Set();
    this.#entered.set(name, entered.add(metadata.uid!));
  }
}
