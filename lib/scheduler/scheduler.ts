// The scheduler: takes a request, looks at the node table, names the best node or says why there is none.
//
// It decides and does no more: the caller commits the decision at the API server and then records it with
// `table.reserve(node, request)`. Answers depend on the table's state alone; ties go to the lowest node id (by UTF-16 code
// units, as `<` compares strings), so a restart gives the same answers.
import { decideGang, type GangDecision, type Gate, preemptGang, simulate } from './batch.ts';
import { ClassCache } from './class-cache.ts';
import { InvalidInputError } from './errors.ts';
import { type Explanation, explain } from './explain.ts';
import { unschedulable } from './message.ts';
import type { Profile } from './pipeline.ts';
import { findVictims, type Preemption } from './preemption.ts';
import { defaultProfiles, type Profiles } from './profiles.ts';
import type { NodeTable } from './table.ts';
import type { Decision, Request } from './types.ts';
import { checkRequest } from './validate.ts';

export class Scheduler {
  readonly table: NodeTable;
  readonly #classes: ClassCache;
  #profiles: Profiles;

  constructor(table: NodeTable, profiles: Profiles = defaultProfiles(), classes: ClassCache = new ClassCache(table)) {
    this.table = table;
    this.#profiles = profiles;
    this.#classes = classes;
  }

  /** Takes over another configuration; the next decision follows it. */
  setProfiles(profiles: Profiles): void {
    this.#profiles = profiles;
    this.#classes.clear();
  }

  /** The best node for a request as the table stands, which it does not change. Throws InvalidInputError. */
  decide(request: Request): Decision {
    checkRequest(request);
    return this.#classes.use(this.#profile(request.profile), request, (index) => {
      const best = index.best();
      if (best !== undefined) return { node: this.table.node(best.slot)!.id, score: best.score };
      return { unschedulable: unschedulable(index.refusals()) };
    });
  }

  /** Several at once, without changing anything: batch.ts. */
  simulate(requests: readonly Request[], gate?: Gate): Decision[] {
    return simulate(this, requests, gate);
  }

  /** All or none of a gang's members that have no place yet: batch.ts. */
  decideGang(requests: readonly Request[]): GangDecision {
    return decideGang(this, requests);
  }

  /** Whom to send away for a request that finds no place: preemption.ts. */
  preempt(request: Request): Preemption | undefined {
    checkRequest(request);
    return findVictims(this.table, this.#profile(request.profile), request);
  }

  /** Whom to send away for a gang, all of which or none finds a place then: batch.ts. */
  preemptGang(requests: readonly Request[]): readonly Preemption[] | undefined {
    return preemptGang(this, requests);
  }

  /** Per-reason counts, and each plugin's score for the winner and the runners-up: explain.ts. */
  explain(request: Request, runnersUp = 3): Explanation {
    checkRequest(request);
    return explain(this.table, this.#profile(request.profile), request, runnersUp);
  }

  #profile(name: string): Profile {
    const profile = this.#profiles.get(name);
    if (profile === undefined) throw new InvalidInputError('request', 'profile', `is not configured: ${name}`);
    return profile;
  }
}
