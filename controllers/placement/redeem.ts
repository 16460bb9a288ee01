// Reservations: who takes up the room that one holds. Decides only; the round writes.
//
// Each write is guarded by its object's version, and finds what the one before left, whoever made it:
// 1. The redeemer notes which reservation it goes for. From now on its stay ends by getting a place, or when that is gone.
// 2. The reservation notes who redeems it, once and for good. Its own stay is over; its entry and its part of quotas stay.
// 3. Quotas, and then the host's ledger: the reservation goes out as the redeemer comes in, by one write each.
// 4. The redeemer is marked as bound. Only now is what there may be left of the reservation void.
// So the room is the one's or the other's at every moment, and nobody else gets it in between.
import type { Placement } from '../../lib/api/generated.ts';
import { byTurn } from '../../lib/scheduler/kubernetes/placement-request.ts';
import type { Refusal } from './judge.ts';
import type { Plan } from './plan.ts';
import type { PlacementQuotas } from './quotas.ts';
import { awaitsReservation, isRedeemed, isReservation } from './status.ts';
import type { Held, Survey } from './survey.ts';

/** A reservation, and who is to have its room. */
export interface Taking {
  readonly reservation: Placement;
  readonly redeemer: Placement;
}

/** `ordinary`: what a redeemer was promised is lost, so it is placed as any other. `later`: the next round goes on with it. */
type Turn = 'ordinary' | 'placed' | 'later' | Omit<Refusal, 'placement'>;

const waits = (reason: Refusal['reason'], message: string): Turn => ({
  reason,
  message,
  isInvalid: false,
  wantsRoom: false,
});

export class Redemptions {
  /** Redeemers that are to note which reservation they go for. */
  readonly begun: Taking[] = [];
  /** Reservations that are to note who redeems them. */
  readonly given: Taking[] = [];
  readonly #found: Survey;
  readonly #placements: readonly Placement[];
  readonly #lost = new Set<string>();
  #byName: ReadonlyMap<string, Placement> | undefined;

  constructor(found: Survey, placements: readonly Placement[]) {
    this.#found = found;
    this.#placements = placements;
  }

  /** Those that wait, in turn: first who only has to take up what is its own. */
  inTurn(waiting: readonly Placement[]): Placement[] {
    if (this.#found.held.size === 0) return waiting.toSorted(byTurn);
    const isOwn = ({ metadata }: Placement) => (this.#found.held.has(metadata.uid!) ? 0 : 1);
    return waiting.toSorted((a, b) => isOwn(a) - isOwn(b) || byTurn(a, b));
  }

  /** Reservations whose room is in no ledger, as far as the caches know, though it was not taken up. */
  get missing(): readonly Held[] {
    return this.#found.waiting.flatMap(({ metadata }) => {
      const held = this.#found.held.get(metadata.uid!);
      return held && held.listing === undefined ? [held] : [];
    });
  }

  /** The room is lost, by the server's word. */
  lose({ redeemer }: Held): void {
    this.#lost.add(redeemer.metadata.uid!);
  }

  /** How many writes it asks for. */
  get size(): number {
    return this.begun.length + this.given.length;
  }

  /** Whether somebody may be about to give it a reservation's room: its stay must not end now. */
  isCommitted(placement: Placement): boolean {
    const { from } = placement.status ?? {};
    if (!awaitsReservation(placement) || from === undefined || this.#lost.has(placement.metadata.uid!)) return false;
    return this.#named(from.name)?.metadata.uid === from.uid;
  }

  /** What becomes, in its turn, of one that waits for a reservation. */
  serve(redeemer: Placement, limits: PlacementQuotas, plan: Plan): Turn {
    const held = this.#found.held.get(redeemer.metadata.uid!);
    return held ? this.#take(held, limits, plan) : this.#ask(redeemer, limits, plan);
  }

  #take({ reservation, redeemer, listing }: Held, limits: PlacementQuotas, plan: Plan): Turn {
    if (listing === undefined) return this.#lost.has(redeemer.metadata.uid!) ? 'ordinary' : 'later';
    const problem = problemOf(redeemer, reservation, limits, plan);
    if (problem !== undefined) return problem;
    const answer = plan.exchange(listing, redeemer);
    if ('refusal' in answer) return refused(reservation, answer);
    limits.release(reservation);
    limits.enter([redeemer]);
    return 'placed';
  }

  /** Made when somebody asks: most namespaces have no reservations. */
  #named(name: string): Placement | undefined {
    this.#byName ??= new Map(this.#placements.map((placement) => [placement.metadata.name, placement]));
    return this.#byName.get(name);
  }

  #ask(redeemer: Placement, limits: PlacementQuotas, plan: Plan): Turn {
    const name = redeemer.spec.from!;
    const reservation = this.#named(name);
    if (reservation === undefined || reservation.metadata.deletionTimestamp !== undefined)
      return waits('ReservationPending', `reservation ${name} is not there`);
    if (!isReservation(reservation)) return waits('ReservationPending', `placement ${name} is no reservation`);
    if (isRedeemed(reservation))
      return waits('ReservationTaken', `reservation ${name} was taken up by ${reservation.status?.redeemedBy?.name}`);
    const listing = this.#found.reserved.get(reservation.metadata.uid!);
    if (listing === undefined) return waits('ReservationPending', `reservation ${name} has no room yet`);
    if (redeemer.status?.from?.uid !== reservation.metadata.uid) {
      this.begun.push({ reservation, redeemer });
      return 'later';
    }
    if (this.given.some((other) => other.reservation === reservation)) return 'later';
    const problem = problemOf(redeemer, reservation, limits, plan);
    if (problem !== undefined) return problem;
    const refusal = plan.noRoomInPlaceOf(listing, redeemer);
    if (refusal !== undefined) return refused(reservation, refusal);
    this.given.push({ reservation, redeemer });
    return 'later';
  }
}

function problemOf(redeemer: Placement, reservation: Placement, limits: PlacementQuotas, plan: Plan): Turn | undefined {
  const profile = plan.missingProfile(redeemer);
  if (profile !== undefined) return waits('ProfileNotFound', profile);
  const excess = limits.refusalInPlaceOf(reservation, redeemer);
  return excess === undefined ? undefined : waits('QuotaExceeded', excess);
}

/** Nobody is sent away for what a redeemer asks for beyond its reservation. */
const refused = (
  { metadata }: Placement,
  { refusal, isInvalid }: { readonly refusal: string; readonly isInvalid: boolean },
): Turn => ({
  reason: 'Unschedulable',
  message: `on the host of reservation ${metadata.name}: ${refusal}`,
  isInvalid,
  wantsRoom: false,
});
