// The anti-affinity that placements hold against others: which terms are out there, by tenant.
//
// Only these terms are known here; where their holders are, a MatchCounter counts.
import { repelledTerms, termKey } from './topology.ts';
import type { PlacementTerm, Reservation } from './types.ts';

interface HeldTerm {
  readonly term: PlacementTerm;
  holders: number;
}

const NO_TERMS: readonly (readonly [key: string, term: PlacementTerm])[] = [];

export class RepellingTerms {
  readonly #terms = new Map<string, Map<string, HeldTerm>>();

  /** The tenant's terms by key (topology.ts, termKey), in the order of their keys. */
  of(tenant: string): readonly (readonly [key: string, term: PlacementTerm])[] {
    const terms = this.#terms.get(tenant);
    if (terms === undefined) return NO_TERMS;
    return [...terms].map(([key, { term }]) => [key, term] as const).sort(([left], [right]) => (left < right ? -1 : 1));
  }

  count(reservation: Reservation, sign: 1 | -1): void {
    for (const term of repelledTerms(reservation)) this.#count(reservation.tenant, term, sign);
  }

  #count(tenant: string, term: PlacementTerm, sign: 1 | -1): void {
    const terms = this.#terms.get(tenant) ?? new Map<string, HeldTerm>();
    const key = termKey(term);
    const held = terms.get(key) ?? { term, holders: 0 };
    held.holders += sign;
    if (held.holders > 0) terms.set(key, held);
    else terms.delete(key);
    if (terms.size > 0) this.#terms.set(tenant, terms);
    else this.#terms.delete(tenant);
  }
}
