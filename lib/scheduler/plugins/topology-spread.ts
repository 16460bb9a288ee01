// Spread: no domain of a topology key may have more than `maxSkew` matching placements above the emptiest one.
//
// The emptiest is found among domains with a node that passes the preFilters. `DoNotSchedule` turns the nodes of other
// domains away; `ScheduleAnyway` costs points for every placement beyond what DoNotSchedule would allow.
import type { Compilation, DomainCodes, DomainFilter, DomainJudge, DomainScore, Plugin } from '../plugin.ts';
import { matchesSelector } from '../selectors.ts';
import { canonicalKey, type Match, type MatchCounter, NO_DOMAIN } from '../topology.ts';
import type { Request, SpreadConstraint } from '../types.ts';

/** Used for requests that name no constraints themselves, as PodTopologySpread's defaultConstraints. */
export type DefaultConstraint = Pick<SpreadConstraint, 'topologyKey' | 'maxSkew' | 'whenUnsatisfiable'>;

interface SignedConstraint {
  readonly key: string;
  readonly maxSkew: number;
  readonly match: Match;
  /** 1 when the request itself matches, and so adds to the domain that it goes to. */
  readonly self: number;
}

interface Signed {
  readonly tenant: string;
  readonly constraints: readonly SignedConstraint[];
}

function sign(
  request: Request,
  when: SpreadConstraint['whenUnsatisfiable'],
  defaults: readonly DefaultConstraint[],
): Signed | undefined {
  const list: readonly SpreadConstraint[] = request.spread?.length ? request.spread : defaults;
  if (list.length === 0) return undefined;
  const constraints = list
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
    .map((constraint) => signConstraint(request, constraint));
  return constraints.length > 0 ? { tenant: request.tenant, constraints } : undefined;
}

function signConstraint(request: Request, { topologyKey, maxSkew, selector }: SpreadConstraint): SignedConstraint {
  const key = canonicalKey(topologyKey);
  if (selector === undefined) {
    return { key, maxSkew, match: request.group ? { group: request.group.name } : { all: true }, self: 1 };
  }
  const self = matchesSelector(selector, request.labels ?? {}) ? 1 : 0;
  return { key, maxSkew, match: { labels: selector }, self };
}

/** One constraint's view of a decision: the emptiest domain, and how far beyond maxSkew the request would go. */
class Skew {
  readonly #counter: MatchCounter;
  readonly #allowed: number;
  #fewest = Number.POSITIVE_INFINITY;

  constructor({ self, maxSkew }: SignedConstraint, counter: MatchCounter) {
    this.#counter = counter;
    this.#allowed = maxSkew - self;
  }

  begin(): void {
    this.#fewest = Number.POSITIVE_INFINITY;
  }

  see(domain: number): void {
    if (domain !== NO_DOMAIN) this.#fewest = Math.min(this.#fewest, this.#counter.in(domain));
  }

  /** 0 where it may go. A node in no domain of the key is beyond every limit. */
  excess(domain: number): number {
    if (domain === NO_DOMAIN) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#counter.in(domain) - this.#fewest - this.#allowed);
  }
}

function compile(
  { tenant, constraints }: Signed,
  compilation: Compilation,
  judge: (skews: readonly Skew[], domains: DomainCodes) => number,
): DomainJudge {
  const skews = constraints.map(
    (constraint) => new Skew(constraint, compilation.counter(tenant, constraint.match, constraint.key)),
  );
  return {
    keys: constraints.map(({ key }) => key),
    begin: () => {
      for (const skew of skews) skew.begin();
    },
    see: (domains) => {
      for (let index = 0; index < skews.length; index++) skews[index]!.see(domains[index]!);
    },
    judge: (domains) => judge(skews, domains),
  };
}

const MAX = 100;

/** A plugin with these constraints for requests that have none. */
export function topologySpread(defaults: readonly DefaultConstraint[] = []): Plugin {
  const domainFilter: DomainFilter<Signed> = {
    sign: (request) => sign(request, 'DoNotSchedule', defaults),
    compile(signed, compilation) {
      const codes = signed.constraints.map(({ key }) => compilation.reason(`spread over ${key}`));
      return compile(signed, compilation, (skews, domains) => {
        for (let index = 0; index < skews.length; index++) {
          if (skews[index]!.excess(domains[index]!) > 0) return codes[index]!;
        }
        return 0;
      });
    },
  };
  const domainScore: DomainScore<Signed> = {
    max: MAX,
    sign: (request) => sign(request, 'ScheduleAnyway', defaults),
    compile(signed, compilation) {
      return compile(signed, compilation, (skews, domains) => {
        let excess = 0;
        for (let index = 0; index < skews.length; index++) excess += skews[index]!.excess(domains[index]!);
        return MAX - Math.min(MAX, excess);
      });
    },
  };
  return { name: 'TopologySpread', domainFilter, domainScore };
}
