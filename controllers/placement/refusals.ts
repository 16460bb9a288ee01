// What was refused, and still would be: so that those who find no place cost next to nothing, however many they are.
//
// Room only shrinks by what is bound. So who found no host finds none until something grows: an entry goes, a host comes or
// changes, a ledger could not be written. Who wants to be near others, or evenly spread, may gain by what is bound, too.
// After that all are judged anew; where they are many, in sweeps: a round spends itself on so many of them that are refused
// again, and whoever was not looked at is told what was true before, until a round soon after gets to it. Nobody of a lower
// priority is looked at before: it might take the very room that has come.
// To refuse somebody for the first time costs most. After so many of these a round ends, and others have their turn.
import type { Placement } from '../../lib/api/generated.ts';
import { priorityOf } from '../../lib/scheduler/kubernetes/placement-request.ts';
import type { Refused } from './plan.ts';

/** Refused once more in one round, at most; and for the first time. */
const MOST_AGAIN = 200;
const MOST_NEW = 200;

/** What a host table has been through: see HostTable.growth; and how often something was bound. */
export interface Epoch {
  readonly growth: number;
  readonly binds: number;
}

interface Known {
  readonly together: readonly Placement[];
  readonly epoch: Epoch;
  readonly sweep: number;
  readonly refused: Refused;
}

/** Of one namespace, under one configuration. Objects never change: an edited Placement is another one, and not known. */
export class Refusals {
  readonly #known = new WeakMap<Placement, Known>();
  readonly #mostAgain: number;
  #sweep = 0;
  #again = 0;
  #new = 0;
  #isBehind = false;
  /** The priority of the first who is not looked at before a later round of the sweep. */
  #leftOut = Number.NEGATIVE_INFINITY;

  constructor(mostAgain = MOST_AGAIN) {
    this.#mostAgain = mostAgain;
  }

  /** A round begins. */
  begin(): void {
    // Everybody of the last sweep was looked at.
    if (this.#again < this.#mostAgain) this.#sweep++;
    this.#again = 0;
    this.#new = 0;
    this.#isBehind = false;
    this.#leftOut = Number.NEGATIVE_INFINITY;
  }

  /** Whether they would overtake somebody of a higher priority, who has still to be looked at. Ask in order of priority. */
  wouldOvertake(placement: Placement): boolean {
    return priorityOf(placement) < this.#leftOut;
  }

  /** Whether somebody was told what was true before: another round is due. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Whether the round has refused so many that it should end. */
  get isSpent(): boolean {
    return this.#new >= MOST_NEW;
  }

  /** What they are told without being judged; undefined where they have to be. */
  recall(together: readonly Placement[], { growth, binds }: Epoch): Refused | undefined {
    const known = this.#of(together);
    if (known === undefined) return undefined;
    const { epoch, sweep, refused } = known;
    if (epoch.growth === growth && (epoch.binds === binds || !together.some(gainsByOthers))) return refused;
    if (sweep !== this.#sweep) {
      if (this.#again < this.#mostAgain) return undefined;
      this.#leftOut = Math.max(this.#leftOut, priorityOf(together[0]!));
    }
    this.#isBehind = true;
    return refused;
  }

  note(together: readonly Placement[], epoch: Epoch, refused: Refused): void {
    if (this.#of(together)) this.#again += together.length;
    else this.#new += together.length;
    this.#known.set(together[0]!, { together, epoch, sweep: this.#sweep, refused });
  }

  #of(together: readonly Placement[]): Known | undefined {
    const known = this.#known.get(together[0]!);
    const isSame = known?.together.length === together.length;
    return isSame && known.together.every((placement, index) => placement === together[index]) ? known : undefined;
  }
}

const gainsByOthers = ({ spec }: Placement): boolean =>
  spec.affinity !== undefined || (spec.spread ?? []).some((each) => each.whenUnsatisfiable === 'DoNotSchedule');
