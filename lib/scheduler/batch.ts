// Several requests at once, on the table as it stands: what would be if all of them came, and gangs, all or nothing, with or
// without sending others away.
//
// Each is decided with the places of those before it taken, and all are given back before the answer is: nothing is held
// between calls, so two gangs can never wait for each other's half.
import { InvalidInputError } from './errors.ts';
import type { Preemption } from './preemption.ts';
import type { Scheduler } from './scheduler.ts';
import type { NodeTable } from './table.ts';
import type { Decision, Request, Reservation, Unschedulable } from './types.ts';

export interface Place {
  readonly request: string;
  readonly node: string;
  readonly score: number;
}

/** Places for all, or, of the first member that found none, why. */
export type GangDecision =
  | { readonly places: readonly Place[]; readonly unschedulable?: undefined }
  | {
      readonly places?: undefined;
      readonly unschedulable: Unschedulable;
      readonly member: string;
      readonly placed: number;
    };

/** What beside the nodes has a say, such as quotas: asked in turn, for the requests at these indexes, one or a gang. */
export interface Gate {
  /** Why they may not all have a place; undefined when they may. */
  refusal(indexes: readonly number[]): string | undefined;
  /** They got one. */
  passed(indexes: readonly number[]): void;
}

/**
 * One decision for each request, in their order; those that found no place take none from the others. A gang has the turn of its
 * first member: all get a place then, or none does, and all are told the same.
 */
export function simulate(scheduler: Scheduler, requests: readonly Request[], gate?: Gate): Decision[] {
  const { table } = scheduler;
  const decisions: Decision[] = [];
  const refuse = (indexes: readonly number[], unschedulable: Unschedulable) => {
    for (const index of indexes) decisions[index] = { unschedulable };
  };
  tentatively(scheduler, requests, (decideAndTake) => {
    for (const indexes of turns(requests)) {
      const together = indexes.map((index) => requests[index]!);
      const message = missing(table, together[0]!, together.length) ?? gate?.refusal(indexes);
      if (message !== undefined) {
        refuse(indexes, { total: table.size, reasons: [], message });
        continue;
      }
      const { places, unschedulable } = placeAll(together, decideAndTake);
      if (places === undefined) {
        for (const { id } of together) table.release(id);
        refuse(indexes, unschedulable);
        continue;
      }
      places.forEach(({ node, score }, position) => {
        decisions[indexes[position]!] = { node, score };
      });
      gate?.passed(indexes);
    }
  });
  return decisions;
}

/** Indexes of those that are served together: one alone, or a gang's members. */
function turns(requests: readonly Request[]): Iterable<readonly number[]> {
  return Map.groupBy(requests.keys(), (index) => {
    const { tenant, group } = requests[index]!;
    return group?.gang ? JSON.stringify([tenant, group.name]) : index;
  }).values();
}

/** Why a gang cannot have its turn: too few of it are there, those with a place counted. */
function missing(table: NodeTable, { tenant, group }: Request, waiting: number): string | undefined {
  if (!group?.gang) return undefined;
  const there = waiting + table.membersOf(tenant, group.name);
  return there < group.size ? `${there} of ${group.size} members of gang ${group.name} are there` : undefined;
}

/**
 * Members that have a place already are not to be among the requests. The largest are placed first (by cpu, then memory,
 * then id), because the others fit in more places; the answer is in the order of the requests.
 */
export function decideGang(scheduler: Scheduler, requests: readonly Request[]): GangDecision {
  return tentatively(scheduler, requests, (decideAndTake) => placeAll(requests, decideAndTake));
}

function placeAll(requests: readonly Request[], decideAndTake: (request: Request) => Decision): GangDecision {
  const places = new Map<string, Place>();
  for (const request of requests.toSorted(byFallingSize)) {
    const decision = decideAndTake(request);
    if (decision.node === undefined) {
      return { unschedulable: decision.unschedulable, member: request.id, placed: places.size };
    }
    places.set(request.id, { request: request.id, node: decision.node, score: decision.score });
  }
  return { places: requests.map(({ id }) => places.get(id)!) };
}

/**
 * Whom to send away so that all of a gang's members that have no place yet find one: for each of them, in their order, its node
 * and the victims there; undefined when that would not do. Decided one after the other, the largest first: few victims, but not always the fewest.
 */
export function preemptGang(scheduler: Scheduler, requests: readonly Request[]): Preemption[] | undefined {
  const { table } = scheduler;
  const own = new Set(requests.map(({ id }) => id));
  const ended: { node: string; reservation: Reservation }[] = [];
  try {
    return tentatively(scheduler, requests, (decideAndTake) => {
      const found = new Map<string, Preemption>();
      for (const request of requests.toSorted(byFallingSize)) {
        const { node } = decideAndTake(request);
        const preemption = node === undefined ? scheduler.preempt(request) : { node, victims: [] };
        // A member of lower priority makes no room for another one.
        if (preemption === undefined || preemption.victims.some((id) => own.has(id))) return undefined;
        if (node === undefined) {
          for (const reservation of table.reservations(preemption.node)) {
            if (!preemption.victims.includes(reservation.id)) continue;
            ended.push({ node: preemption.node, reservation });
            table.release(reservation.id);
          }
          table.reserve(preemption.node, request);
        }
        found.set(request.id, preemption);
      }
      return requests.map(({ id }) => found.get(id)!);
    });
  } finally {
    for (const { node, reservation } of ended) table.reserve(node, reservation);
  }
}

function byFallingSize(left: Request, right: Request): number {
  const size = ({ resources }: Request, name: string) => resources[name] ?? 0;
  return (
    size(right, 'cpu') - size(left, 'cpu') ||
    size(right, 'memory') - size(left, 'memory') ||
    (left.id < right.id ? -1 : 1)
  );
}

function tentatively<T>(
  scheduler: Scheduler,
  requests: readonly Request[],
  run: (decideAndTake: (request: Request) => Decision) => T,
): T {
  const { table } = scheduler;
  const ids = new Set(requests.map(({ id }) => id));
  if (ids.size < requests.length) throw new InvalidInputError('request', 'id', 'is there twice');
  for (const id of ids) if (table.has(id)) throw new InvalidInputError('request', 'id', `has a place already: ${id}`);
  try {
    return run((request) => {
      const decision = scheduler.decide(request);
      if (decision.node !== undefined) table.reserve(decision.node, request);
      return decision;
    });
  } finally {
    for (const id of ids) table.release(id);
  }
}
