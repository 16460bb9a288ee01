// Where nodes are, by topology key, and how many placements that match something each domain holds.
//
// Domains and counters exist while somebody leases them (a compiled class does), so that keys and selectors that users
// think up cannot pile up here.
import { matchesSelector } from './selectors.ts';
import type { LabelSelector, Node, PlacementTerm, Reservation, TopologyKey } from './types.ts';

/** Which of a tenant's placements are counted: by labels, all of a group, all, or those that repel by this term. */
export type Match =
  | { readonly labels: LabelSelector }
  | { readonly group: string }
  | { readonly all: true }
  | { readonly repelsBy: string };

/** Of a slot that is in no domain of a key. */
export const NO_DOMAIN = -1;

/** Kubernetes' own names for what nodes say in fields here. */
const ALIASES: Readonly<Record<string, string>> = {
  'kubernetes.io/hostname': 'node',
  'topology.kubernetes.io/zone': 'zone',
  'topology.kubernetes.io/region': 'region',
};

export function canonicalKey(key: TopologyKey): TopologyKey {
  return Object.hasOwn(ALIASES, key) ? ALIASES[key]! : key;
}

/** The domain of a (canonical) key that a node is in; the empty string: in none. */
export function domainOf(node: Node, key: TopologyKey): string {
  switch (key) {
    case 'node':
      return node.id;
    case 'rack':
    case 'zone':
    case 'site':
    case 'region':
      return node[key];
    default:
      return Object.hasOwn(node.labels, key) ? node.labels[key]! : '';
  }
}

/** The same term has the same key, whoever holds it. */
export function termKey({ topologyKey, selector }: PlacementTerm): string {
  return JSON.stringify([canonicalKey(topologyKey), selector.matchLabels ?? {}, selector.matchExpressions ?? []]);
}

export function matches(match: Match, reservation: Reservation): boolean {
  if ('labels' in match) return matchesSelector(match.labels, reservation.labels ?? {});
  if ('group' in match) return reservation.group?.name === match.group;
  if ('repelsBy' in match) return repelledTerms(reservation).some((term) => termKey(term) === match.repelsBy);
  return true;
}

export function repelledTerms(reservation: Reservation): readonly PlacementTerm[] {
  return reservation.antiAffinity?.required ?? [];
}

/** The domains of one topology key, as codes from 0 by slot. */
export class Domains {
  readonly key: TopologyKey;
  /** By slot; NO_DOMAIN where there is none. Replaced when it grows. */
  codeOf = new Int32Array(0);
  readonly #codes = new Map<string, number>();

  constructor(key: TopologyKey) {
    this.key = key;
  }

  place(slot: number, node: Node | undefined): void {
    if (slot >= this.codeOf.length) this.#grow(slot);
    const name = node === undefined ? '' : domainOf(node, this.key);
    this.codeOf[slot] = name === '' ? NO_DOMAIN : this.#codeFor(name, slot);
  }

  // A node is its own domain, and its slot serves as code: ids come and go without end, slots do not.
  #codeFor(name: string, slot: number): number {
    if (this.key === 'node') return slot;
    const known = this.#codes.get(name);
    if (known !== undefined) return known;
    this.#codes.set(name, this.#codes.size);
    return this.#codes.size - 1;
  }

  #grow(slot: number): void {
    const grown = new Int32Array(2 ** Math.ceil(Math.log2(slot + 2))).fill(NO_DOMAIN);
    grown.set(this.codeOf);
    this.codeOf = grown;
  }
}

/** How many matching placements of one tenant there are in each domain of one key. */
export class MatchCounter {
  static #created = 0;
  /** Its own. */
  readonly id = ++MatchCounter.#created;
  readonly tenant: string;
  readonly match: Match;
  readonly domains: Domains;
  readonly #counts: number[] = [];
  #total = 0;

  constructor(tenant: string, match: Match, domains: Domains) {
    this.tenant = tenant;
    this.match = match;
    this.domains = domains;
  }

  /** Of all domains together. */
  get total(): number {
    return this.#total;
  }

  in(domain: number): number {
    return domain === NO_DOMAIN ? 0 : (this.#counts[domain] ?? 0);
  }

  /** A reservation came to a slot (1) or left it (-1). */
  count(slot: number, reservation: Reservation, sign: 1 | -1): void {
    const domain = this.domains.codeOf[slot] ?? NO_DOMAIN;
    if (domain === NO_DOMAIN || !matches(this.match, reservation)) return;
    while (this.#counts.length <= domain) this.#counts.push(0);
    this.#counts[domain]! += sign;
    this.#total += sign;
  }
}

/** What counting starts from. */
export interface Population {
  readonly slots: number;
  node(slot: number): Node | undefined;
  /** Shows a tenant's reservations on known nodes. */
  eachHeldBy(tenant: string, see: (slot: number, reservation: Reservation) => void): void;
}

interface Leased<T> {
  readonly value: T;
  leases: number;
}

/** Somebody's hold on domains and counters. */
export interface Lease {
  domains(key: TopologyKey): Domains;
  counter(tenant: string, match: Match, key: TopologyKey): MatchCounter;
  end(): void;
}

export class Topology {
  readonly #population: Population;
  readonly #domains = new Map<TopologyKey, Leased<Domains>>();
  readonly #counters = new Map<string, Map<string, Leased<MatchCounter>>>();

  constructor(population: Population) {
    this.#population = population;
  }

  lease(): Lease {
    const ends: (() => void)[] = [];
    return {
      domains: (key) => this.#leaseDomains(canonicalKey(key), ends),
      counter: (tenant, match, key) => this.#leaseCounter(tenant, match, canonicalKey(key), ends),
      end: () => {
        for (const end of ends.splice(0)) end();
      },
    };
  }

  /** A node came, went or changed; `held` is what it holds. */
  place(slot: number, node: Node | undefined, held: readonly Reservation[]): void {
    for (const reservation of held) this.count(slot, reservation, -1);
    for (const { value } of this.#domains.values()) value.place(slot, node);
    for (const reservation of held) this.count(slot, reservation, 1);
  }

  count(slot: number, reservation: Reservation, sign: 1 | -1): void {
    const counters = this.#counters.get(reservation.tenant);
    if (counters === undefined) return;
    for (const { value } of counters.values()) value.count(slot, reservation, sign);
  }

  #leaseDomains(key: TopologyKey, ends: (() => void)[]): Domains {
    return lease(this.#domains, key, ends, () => {
      const domains = new Domains(key);
      for (let slot = this.#population.slots - 1; slot >= 0; slot--) domains.place(slot, this.#population.node(slot));
      return domains;
    });
  }

  #leaseCounter(tenant: string, match: Match, key: TopologyKey, ends: (() => void)[]): MatchCounter {
    const domains = this.#leaseDomains(key, ends);
    const counters = this.#counters.get(tenant) ?? new Map<string, Leased<MatchCounter>>();
    this.#counters.set(tenant, counters);
    const counter = lease(counters, JSON.stringify([key, match]), ends, () => {
      const created = new MatchCounter(tenant, match, domains);
      this.#population.eachHeldBy(tenant, (slot, reservation) => {
        created.count(slot, reservation, 1);
      });
      return created;
    });
    ends.push(() => {
      if (counters.size === 0) this.#counters.delete(tenant);
    });
    return counter;
  }
}

function lease<T>(shared: Map<string, Leased<T>>, key: string, ends: (() => void)[], create: () => T): T {
  const entry = shared.get(key) ?? { value: create(), leases: 0 };
  shared.set(key, entry);
  entry.leases++;
  ends.push(() => {
    entry.leases--;
    if (entry.leases === 0) shared.delete(key);
  });
  return entry.value;
}
