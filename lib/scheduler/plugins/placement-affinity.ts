// Affinity and anti-affinity between placements of one tenant, by domains of topology keys.
//
// Required affinity: a domain that already has a match; the first of its kind, which matches its own term, may go anywhere.
// Required anti-affinity: a domain without a match, and none that holds a placement whose own anti-affinity matches the
// request. What concerns single nodes only is a filter of nodes, which costs no look at domains.
import type { AllocationsFilter, DomainFilter, DomainScore, Plugin } from '../plugin.ts';
import { matchesSelector } from '../selectors.ts';
import type { TableView } from '../table.ts';
import { canonicalKey, type Match, type MatchCounter, NO_DOMAIN } from '../topology.ts';
import type { PlacementTerm, Request } from '../types.ts';

interface SignedTerm {
  readonly key: string;
  readonly match: Match;
}

const AFFINITY = 'affinity';
const ANTI_AFFINITY = 'anti-affinity';
const REPELLED = 'anti-affinity of another';

function signTerm({ topologyKey, selector }: PlacementTerm): SignedTerm {
  return { key: canonicalKey(topologyKey), match: { labels: selector } };
}

/** The request's own anti-affinity. */
function repelling(request: Request): SignedTerm[] {
  return (request.antiAffinity?.required ?? []).map(signTerm);
}

/** Anti-affinity that others hold against this request. */
function repelledBy(request: Request, table: TableView): SignedTerm[] {
  return table
    .repelling(request.tenant)
    .filter(([, { selector }]) => matchesSelector(selector, request.labels ?? {}))
    .map(([key, { topologyKey }]) => ({ key: canonicalKey(topologyKey), match: { repelsBy: key } }));
}

interface Repulsion {
  readonly tenant: string;
  readonly own: readonly SignedTerm[];
  readonly others: readonly SignedTerm[];
}

function signRepulsion(request: Request, table: TableView, concerns: (key: string) => boolean): Repulsion | undefined {
  if (request.antiAffinity?.required === undefined && table.repelling(request.tenant).length === 0) return undefined;
  const own = repelling(request).filter(({ key }) => concerns(key));
  const others = repelledBy(request, table).filter(({ key }) => concerns(key));
  return own.length + others.length > 0 ? { tenant: request.tenant, own, others } : undefined;
}

type Rule = { readonly counter: MatchCounter; readonly refused: number };

const filter: AllocationsFilter<Repulsion, readonly Rule[]> = {
  stage: 'filter',
  reads: 'allocations',
  sign: (request, table) => signRepulsion(request, table, (key) => key === 'node'),
  compile: ({ tenant, own, others }, { counter, reason }) =>
    [...own, ...others].map(({ key, match }, index) => ({
      counter: counter(tenant, match, key),
      refused: -reason(index < own.length ? ANTI_AFFINITY : REPELLED),
    })),
  features: (rules) =>
    rules.map(({ counter }) => ({
      name: `counter ${counter.id}`,
      kind: 'flag',
      read: (slot) => (counter.in(slot) > 0 ? 1 : 0),
    })),
  join(parts) {
    const lanes = parts.flatMap((rules, lane) => (rules ? [{ lane, rules }] : []));
    // A node's slot is its domain's code (topology.ts).
    return (slot, verdicts) => {
      for (const { lane, rules } of lanes) {
        if (verdicts[lane]! < 0) continue;
        const broken = rules.find((rule) => rule.counter.in(slot) > 0);
        if (broken) verdicts[lane] = broken.refused;
      }
    };
  },
};

interface Requirements extends Repulsion {
  readonly affinity: readonly (SignedTerm & { readonly self: boolean })[];
}

const domainFilter: DomainFilter<Requirements> = {
  sign(request, table) {
    const repulsion = signRepulsion(request, table, (key) => key !== 'node');
    if (request.affinity?.required === undefined && repulsion === undefined) return undefined;
    const affinity = (request.affinity?.required ?? []).map((term) => ({
      ...signTerm(term),
      self: matchesSelector(term.selector, request.labels ?? {}),
    }));
    return { tenant: request.tenant, own: [], others: [], ...repulsion, affinity };
  },
  compile({ tenant, affinity, own, others }, { counter, reason }) {
    const allowed = (domain: number, count: MatchCounter, self: boolean) =>
      domain !== NO_DOMAIN && (count.in(domain) > 0 || (self && count.total === 0));
    const rules = [
      ...affinity.map(({ key, match, self }) => ({ key, match, text: AFFINITY, self, attracts: true })),
      ...own.map(({ key, match }) => ({ key, match, text: ANTI_AFFINITY, self: false, attracts: false })),
      ...others.map(({ key, match }) => ({ key, match, text: REPELLED, self: false, attracts: false })),
    ].map((rule) => ({ ...rule, counter: counter(tenant, rule.match, rule.key), code: reason(rule.text) }));
    return {
      keys: rules.map(({ key }) => key),
      judge(domains) {
        for (let index = 0; index < rules.length; index++) {
          const rule = rules[index]!;
          const domain = domains[index]!;
          const passes = rule.attracts ? allowed(domain, rule.counter, rule.self) : rule.counter.in(domain) === 0;
          if (!passes) return rule.code;
        }
        return 0;
      },
    };
  },
};

interface Preferences {
  readonly tenant: string;
  readonly terms: readonly (SignedTerm & { readonly weight: number; readonly attracts: boolean })[];
}

const MAX = 100;

/** The share of the preferred weights that a domain satisfies: 100 when all. */
const domainScore: DomainScore<Preferences> = {
  max: MAX,
  sign({ tenant, affinity, antiAffinity }) {
    if (affinity?.preferred === undefined && antiAffinity?.preferred === undefined) return undefined;
    const termsOf = (list: typeof affinity, attracts: boolean) =>
      (list?.preferred ?? []).map(({ weight, term }) => ({ ...signTerm(term), weight, attracts }));
    const terms = [...termsOf(affinity, true), ...termsOf(antiAffinity, false)];
    return terms.length > 0 ? { tenant, terms } : undefined;
  },
  compile({ tenant, terms }, { counter }) {
    const counters = terms.map(({ match, key }) => counter(tenant, match, key));
    const total = terms.reduce((sum, { weight }) => sum + weight, 0);
    return {
      keys: terms.map(({ key }) => key),
      judge(domains) {
        let satisfied = 0;
        for (let index = 0; index < terms.length; index++) {
          const { attracts, weight } = terms[index]!;
          if (counters[index]!.in(domains[index]!) > 0 === attracts) satisfied += weight;
        }
        return Math.floor((MAX * satisfied) / total);
      },
    };
  },
};

export const placementAffinity: Plugin = { name: 'PlacementAffinity', filter, domainFilter, domainScore };
