// Several requests at once, on the table as it stands: what would be if all of them came, and gangs, all or nothing.
//
// Each is decided with the places of those before it taken, and all are given back before the answer is: nothing is held
// between calls, so two gangs can never wait for each other's half.
import { InvalidInputError } from './errors.ts';
import type { Scheduler } from './scheduler.ts';
import type { Decision, Request, Unschedulable } from './types.ts';

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

/** One decision for each request, in their order; those that found no place take none from the others. */
export function simulate(scheduler: Scheduler, requests: readonly Request[]): Decision[] {
  return tentatively(scheduler, requests, (decideAndTake) => requests.map(decideAndTake));
}

/**
 * Members that have a place already are not to be among the requests. The largest are placed first (by cpu, then memory,
 * then id), because the others fit in more places; the answer is in the order of the requests.
 */
export function decideGang(scheduler: Scheduler, requests: readonly Request[]): GangDecision {
  return tentatively(scheduler, requests, (decideAndTake) => {
    const places = new Map<string, Place>();
    for (const request of requests.toSorted(byFallingSize)) {
      const decision = decideAndTake(request);
      if (decision.node === undefined) {
        return { unschedulable: decision.unschedulable, member: request.id, placed: places.size };
      }
      places.set(request.id, { request: request.id, node: decision.node, score: decision.score });
    }
    return { places: requests.map(({ id }) => places.get(id)!) };
  });
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
