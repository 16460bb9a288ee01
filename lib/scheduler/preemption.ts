// Whom to send away so that a request fits: reservations of lower priority on one node, as few and as low as possible.
//
// Among nodes: the one whose highest victim is lowest; then the one with the fewest victims; then the lowest id. Nodes are
// tried in the order of what they would need by resources alone, which no rule can make less; so few are tried in full.
import { Appraisal } from './appraisal.ts';
import type { Profile } from './pipeline.ts';
import { placementLimit } from './plugins/node-state.ts';
import { nodeResourcesFit } from './plugins/resources.ts';
import type { NodeTable } from './table.ts';
import type { Request, Reservation } from './types.ts';

export interface Preemption {
  readonly node: string;
  /** Ids of the reservations to end, the lowest priority first. Without any of them the request would not fit. */
  readonly victims: readonly string[];
}

/** What sending away costs; compared field by field, lower is better. */
interface Cost {
  readonly highest: number;
  readonly count: number;
}

interface Candidate {
  readonly slot: number;
  readonly id: string;
  readonly expendable: readonly Reservation[];
  readonly atLeast: Cost;
}

/**
 * Undefined when no node would fit even without all lower priorities. Nothing is changed. Whoever acts on it reserves the
 * place for the request at once (a table records that, beyond capacity too), so that nobody lower takes it meanwhile.
 */
export function findVictims(table: NodeTable, profile: Profile, request: Request): Preemption | undefined {
  const appraisal = new Appraisal(table, profile, request);
  try {
    let best: { cost: Cost; preemption: Preemption } | undefined;
    for (const candidate of candidates(table, appraisal, profile, request)) {
      if (best && compare(best, { cost: candidate.atLeast, preemption: { node: candidate.id } }) < 0) break;
      const victims = victimsOn(table, appraisal, candidate);
      if (victims === undefined) continue;
      const found = {
        cost: costOf(victims),
        preemption: { node: candidate.id, victims: victims.map(({ id }) => id) },
      };
      if (best === undefined || compare(found, best) < 0) best = found;
    }
    return best?.preemption;
  } finally {
    appraisal.end();
  }
}

function costOf(victims: readonly Reservation[]): Cost {
  return { highest: Math.max(...victims.map(({ priority }) => priority)), count: victims.length };
}

function compareCosts(left: Cost, right: Cost): number {
  return left.highest - right.highest || left.count - right.count;
}

type Option = { readonly cost: Cost; readonly preemption: Pick<Preemption, 'node'> };

function compare(left: Option, right: Option): number {
  return compareCosts(left.cost, right.cost) || (left.preemption.node < right.preemption.node ? -1 : 1);
}

/** Nodes that may do, those that need the least first. */
function candidates(table: NodeTable, appraisal: Appraisal, profile: Profile, request: Request): Candidate[] {
  const budgets = new Budgets(table);
  const found: Candidate[] = [];
  for (let slot = 0; slot < table.slots; slot++) {
    const node = table.node(slot);
    if (node === undefined || !appraisal.isFit(slot)) continue;
    const lower = table.reservations(node.id).filter(({ priority }) => priority < request.priority);
    const expendable = budgets.within(lower);
    const atLeast = leastCost(expendable, needs(table, profile, slot, request));
    if (atLeast) found.push({ slot, id: node.id, expendable, atLeast });
  }
  return found.sort((left, right) => compareCosts(left.atLeast, right.atLeast) || (left.id < right.id ? -1 : 1));
}

/** The lowest first; among equals the largest, so that few are enough. */
function byPriorityThenSize(left: Reservation, right: Reservation): number {
  return left.priority - right.priority || bySize(right, left) || (left.id < right.id ? -1 : 1);
}

function bySize(left: Reservation, right: Reservation): number {
  const difference = (name: string) => (left.resources[name] ?? 0) - (right.resources[name] ?? 0);
  return difference('memory') || difference('cpu');
}

/** What a node lacks of one thing, and how much of it ending a reservation gives back. */
interface Need {
  readonly amount: number;
  readonly freedBy: (reservation: Reservation) => number;
}

/** By the filters whose arithmetic is known here; others are tried only. */
function needs(table: NodeTable, { filters }: Profile, slot: number, { resources }: Request): Need[] {
  const list: Need[] = [];
  if (filters.includes(placementLimit)) {
    list.push({ amount: table.placements[slot]! + 1 - table.maxPlacements[slot]!, freedBy: () => 1 });
  }
  if (!filters.includes(nodeResourcesFit)) return list;
  for (const [name, wanted] of Object.entries(resources)) {
    const amount = wanted - (table.resource(name)?.free[slot] ?? 0);
    if (wanted > 0) list.push({ amount, freedBy: ({ resources: held }) => held[name] ?? 0 });
  }
  return list;
}

/** What it takes at least, looking at one need after the other; undefined when all there is would not do. */
function leastCost(expendable: readonly Reservation[], list: readonly Need[]): Cost | undefined {
  const lowest = expendable[0];
  if (lowest === undefined) return undefined;
  let { priority: highest } = lowest;
  let count = 1;
  for (const { amount, freedBy } of list) {
    const ceiling = priorityThatFrees(expendable, amount, freedBy);
    if (ceiling === undefined) return undefined;
    highest = Math.max(highest, ceiling);
    count = Math.max(count, howMany(expendable.map(freedBy), amount));
  }
  return { highest, count };
}

/** Up to which priority reservations (the lowest first) have to end to free that amount. */
function priorityThatFrees(
  rising: readonly Reservation[],
  amount: number,
  freedBy: (reservation: Reservation) => number,
): number | undefined {
  let left = amount;
  for (const reservation of rising) {
    left -= freedBy(reservation);
    if (left <= 0) return reservation.priority;
  }
  return undefined;
}

/** How many of the largest make up that amount. */
function howMany(sizes: readonly number[], amount: number): number {
  let left = amount;
  let count = 0;
  for (const size of sizes.toSorted((one, other) => other - one)) {
    if (left <= 0) break;
    left -= size;
    count++;
  }
  return count;
}

/** The victims on one node: none above the lowest priority that is enough, and none that can be spared. */
function victimsOn(
  table: NodeTable,
  appraisal: Appraisal,
  { slot, expendable }: Candidate,
): readonly Reservation[] | undefined {
  const fitsWithout = (victims: readonly Reservation[]) =>
    table.suppose(
      victims.map(({ id }) => id),
      () => {
        appraisal.refresh();
        return appraisal.verdict(slot) >= 0;
      },
    );
  for (const ceiling of new Set(expendable.map(({ priority }) => priority))) {
    const enough = expendable.filter(({ priority }) => priority <= ceiling);
    if (!fitsWithout(enough)) continue;
    const rising = enough.toSorted((left, right) => left.priority - right.priority || bySize(left, right));
    const one = rising.find((reservation) => fitsWithout([reservation]));
    return one ? [one] : spare(enough, fitsWithout);
  }
  return undefined;
}

/** Spares whom it can: the highest priority first, among equals the smallest. */
function spare(
  enough: readonly Reservation[],
  fitsWithout: (victims: readonly Reservation[]) => boolean,
): readonly Reservation[] {
  let victims = enough;
  for (const reservation of enough.toReversed()) {
    const fewer = victims.filter((victim) => victim !== reservation);
    if (fitsWithout(fewer)) victims = fewer;
  }
  return victims;
}

/** How many members each group can do without. A gang is not taken apart unless it says that it may be. */
class Budgets {
  readonly #table: NodeTable;
  readonly #left = new Map<string, number>();

  constructor(table: NodeTable) {
    this.#table = table;
  }

  /** Of one node's reservations, those that may go together: lower priorities first where a group's budget ends. */
  within(reservations: readonly Reservation[]): Reservation[] {
    const spent = new Map<string, number>();
    return reservations.toSorted(byPriorityThenSize).filter((reservation) => {
      const { tenant, group } = reservation;
      if (group === undefined) return true;
      const key = JSON.stringify([tenant, group.name]);
      const used = (spent.get(key) ?? 0) + 1;
      if (used > this.#budget(key, reservation)) return false;
      spent.set(key, used);
      return true;
    });
  }

  #budget(key: string, { tenant, group }: Reservation): number {
    const known = this.#left.get(key);
    if (known !== undefined) return known;
    const { name, size, gang, maxUnavailable = gang ? 0 : Number.POSITIVE_INFINITY } = group!;
    const missing = Math.max(0, size - this.#table.membersOf(tenant, name));
    this.#left.set(key, maxUnavailable - missing);
    return maxUnavailable - missing;
  }
}
