// What a namespace's CapacityQuotas let its Placements have, in one round.
//
// A claim is entered for one stay of a Placement in the queue, as an entry of a host's ledger is: it becomes void when that
// stay is over, and nothing that was entered for it can be bound any more. So whoever takes a void claim out never takes one
// out that somebody is about to bind by. One that found no host starts another stay to give its claim back.
import type { CapacityQuota, Placement } from '../../lib/api/generated.ts';
import { QuantityError } from '../../lib/api/quantity.ts';
import { Allowance, type Claim, holderOf, placementAmounts } from '../../lib/scheduler/kubernetes/allowance.ts';
import { resourcesOf } from '../../lib/scheduler/kubernetes/placement-request.ts';
import { claimOf } from './ledger.ts';
import { boundTo, isRedeemed } from './status.ts';
import type { Survey } from './survey.ts';

/** What the Placement counts, for the stay that it is in. Throws QuantityError. */
export const quotaClaim = (placement: Placement): Claim => ({
  uid: claimOf(placement),
  kind: 'Placement',
  name: placement.metadata.name,
  amounts: placementAmounts(resourcesOf(placement)),
});

/** Whether a claim is void for good, as `placement` is what its holder is by the server's word. A redeemed one's is its redeemer's. */
export const isVoid = (placement: Placement, claim: Pick<Claim, 'uid'>): boolean =>
  boundTo(placement) === undefined && !isRedeemed(placement) && claimOf(placement) !== claim.uid;

export class PlacementQuotas {
  readonly quotas: readonly CapacityQuota[];
  readonly allowance: Allowance;
  /** Claims that are void as far as the caches know, and not by what is certain. */
  readonly strays: readonly Claim[];
  readonly #unclear: Set<string>;

  constructor(quotas: readonly CapacityQuota[], found: Survey, placements: readonly Placement[]) {
    this.quotas = quotas;
    this.allowance = new Allowance(quotas);
    const claims = this.allowance.claims('Placement');
    const byUid = new Map(claims.length > 0 ? placements.map((each) => [each.metadata.uid!, each]) : []);
    const leaving = new Map(found.leaving.map(({ placement, entries }) => [placement.metadata.uid!, entries.length]));
    const strays: Claim[] = [];
    for (const claim of claims) {
      const holder = byUid.get(holderOf(claim));
      const entries = leaving.get(holderOf(claim));
      // Who is on the way out is never bound again.
      if (entries === 0) this.allowance.drop(claim.uid);
      else if (!holder || (entries === undefined && isVoid(holder, claim))) strays.push(claim);
    }
    this.strays = strays;
    this.#unclear = new Set(strays.map(holderOf));
    if (quotas.length > 0) this.#enterFacts(found, placements, claims);
  }

  /** What has a place counts, also where it had it before the quota was there. */
  #enterFacts({ unmarked }: Survey, placements: readonly Placement[], claims: readonly Claim[]): void {
    const entered = new Map(claims.map((claim) => [holderOf(claim), claim]));
    const held = new Set(unmarked.map(({ placement }) => placement));
    for (const placement of placements) {
      if (boundTo(placement) === undefined && !held.has(placement)) continue;
      if (placement.metadata.deletionTimestamp !== undefined || this.isUnclear(placement)) continue;
      const claim = claimIn(placement);
      const uid = entered.get(placement.metadata.uid!)?.uid;
      if (claim) this.allowance.enter(uid === undefined ? claim : { ...claim, uid });
    }
  }

  /** A claim of its is not known to be void, and not known to be good: it has to wait for that. */
  isUnclear({ metadata }: Placement): boolean {
    return this.#unclear.has(metadata.uid!);
  }

  get isAnyUnclear(): boolean {
    return this.#unclear.size > 0;
  }

  /** A stray that is void by the server's word. */
  clear(claim: Claim): void {
    this.allowance.drop(claim.uid);
    this.#unclear.delete(holderOf(claim));
  }

  /** Why they may not all have what they ask for; undefined when they may, or ask for what is no amount at all. */
  refusal(together: readonly Placement[]): string | undefined {
    if (this.quotas.length === 0) return undefined;
    const claims = together.flatMap((placement) => claimIn(placement) ?? []);
    return claims.length < together.length ? undefined : this.allowance.refusal(claims);
  }

  /** The same, where what the reservation counts goes as this comes. */
  refusalInPlaceOf(reservation: Placement, redeemer: Placement): string | undefined {
    const claims = this.#claimsOf(reservation);
    for (const { uid } of claims) this.allowance.drop(uid);
    const refusal = this.refusal([redeemer]);
    for (const claim of claims) this.allowance.enter(claim);
    return refusal;
  }

  /** What the reservation counts is its redeemer's business now. */
  release(reservation: Placement): void {
    for (const { uid } of this.#claimsOf(reservation)) this.allowance.drop(uid);
  }

  #claimsOf({ metadata }: Placement): Claim[] {
    return this.allowance.claims('Placement').filter((claim) => holderOf(claim) === metadata.uid);
  }

  enter(placements: readonly Placement[]): void {
    if (this.quotas.length === 0) return;
    for (const placement of placements) this.allowance.enter(quotaClaim(placement));
  }

  /** Those that stand in a ledger for the stay that they are in. */
  holding(placements: readonly Placement[]): Placement[] {
    const held = new Set(this.allowance.claims('Placement').map(({ uid }) => uid));
    return placements.filter((placement) => held.has(claimOf(placement)));
  }
}

/** Undefined for amounts that cannot be read: who asks for such gets no place. */
function claimIn(placement: Placement): Claim | undefined {
  try {
    return quotaClaim(placement);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}
