// The scheduler as one would explain it on a whiteboard: every node, every rule, in order, nothing kept, nothing clever.
//
// It is what "exact" means: tests hold every decision of the real one against this one. It shares no code with the
// pipeline, the plugins and the table, save the matching of selectors.
import { firstUntolerated, matchesRequired, matchesSelector } from './selectors.ts';
import type { Decision, Node, PlacementTerm, Request, Reservation, SpreadConstraint } from './types.ts';

/** The whole truth about a cluster, as lists. */
export interface Cluster {
  readonly nodes: readonly Node[];
  /** Everything held, also on nodes that are not in `nodes`. */
  readonly held: readonly { readonly nodeId: string; readonly reservation: Reservation }[];
}

/** Scores by plugin name; a missing one counts 0 times. */
export type Weights = Readonly<Record<string, number>>;

type Rule = (node: Node) => string | undefined;

/** What a profile is made of, in so far as it differs between profiles. */
export interface ReferenceProfile {
  readonly weights: Weights;
  /** Whether the limit of placements counts. */
  readonly limits: boolean;
  readonly defaultSpread: readonly SpreadConstraint[];
}

export function referenceDecision(cluster: Cluster, asked: Request, profile: ReferenceProfile): Decision {
  const request = asked.spread?.length ? asked : { ...asked, spread: profile.defaultSpread };
  const { weights, limits } = profile;
  const about = aboutRules(request);
  const eligible = cluster.nodes.filter((node) => about.every((rule) => rule(node) === undefined));
  const rules = [...about, ...rulesFor(cluster, request, limits), ...placementRules(cluster, request, eligible)];
  const counts = new Map<string, number>();
  let best: { node: string; score: number } | undefined;
  for (const node of cluster.nodes.toSorted((left, right) => (left.id < right.id ? -1 : 1))) {
    const reason = rules.map((rule) => rule(node)).find((found) => found !== undefined);
    if (reason !== undefined) {
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      continue;
    }
    const score = scoreOf(cluster, node, request, weights, eligible);
    if (best === undefined || score > best.score) best = { node: node.id, score };
  }
  return best ?? { unschedulable: refusal(counts, cluster.nodes.length) };
}

function refusal(counts: ReadonlyMap<string, number>, total: number) {
  const reasons = [...counts].map(([reason, count]) => ({ reason, count }));
  reasons.sort((left, right) => right.count - left.count || (left.reason < right.reason ? -1 : 1));
  const list = reasons.map(({ reason, count }) => `${count} ${reason}`);
  return { total, reasons, message: total > 0 ? `0/${total} nodes fit: ${list.join(', ')}` : '0/0 nodes fit' };
}

/** Which nodes the request is about at all. */
function aboutRules(request: Request): Rule[] {
  return [
    (node) => differs('node', request.node, node.id),
    (node) => differs('pool', request.pool, node.pool),
    (node) => differs('region', request.region, node.region),
    (node) => differs('site', request.site, node.site),
    (node) => differs('zone', request.zone, node.zone),
    (node) => dedication(node, request),
    (node) => (matchesSelector(request.nodeSelector ?? {}, node.labels) ? undefined : 'other labels'),
    (node) => (matchesRequired(request.nodeAffinity ?? {}, node.labels) ? undefined : 'other labels'),
  ];
}

function rulesFor(cluster: Cluster, request: Request, limits: boolean): Rule[] {
  const rules: Rule[] = [
    (node) => (node.schedulable ? undefined : (node.hold ?? 'not ready')),
    (node) => {
      const taint = firstUntolerated(node.taints, request.tolerations, ['NoSchedule', 'NoExecute']);
      return taint && `taint ${taint.key}`;
    },
  ];
  if (limits) {
    rules.push((node) => (heldOn(cluster, node).length >= node.maxPlacements ? 'too many placements' : undefined));
  }
  for (const name of inOrder(Object.keys(request.resources))) {
    const amount = request.resources[name]!;
    const reason = name === 'device' ? 'taken' : `too little ${name}`;
    rules.push((node) => (amount > 0 && amount > freeOf(cluster, node, name) ? reason : undefined));
  }
  return rules;
}

function differs(what: string, wanted: string | undefined, actual: string): string | undefined {
  return wanted === undefined || wanted === actual ? undefined : `other ${what}`;
}

function dedication(node: Node, request: Request): string | undefined {
  if (node.dedicated && !request.dedicated) return 'dedicated';
  if (!node.dedicated && request.dedicated) return 'not dedicated';
  const foreign = node.dedicated && node.dedicatedTo !== undefined && node.dedicatedTo !== request.tenant;
  return foreign ? 'dedicated to another tenant' : undefined;
}

function inOrder(names: readonly string[]): string[] {
  const first = ['device', 'cpu', 'memory'];
  return [...first.filter((name) => names.includes(name)), ...names.filter((name) => !first.includes(name)).sort()];
}

function heldOn(cluster: Cluster, node: Node): Reservation[] {
  return cluster.held.filter(({ nodeId }) => nodeId === node.id).map(({ reservation }) => reservation);
}

function capacityOf(node: Node, name: string): number {
  const own = Math.max(0, (node.capacity[name] ?? 0) - (node.reserved[name] ?? 0));
  const factor = node.overcommit[name] ?? 1;
  return Number((BigInt(own) * BigInt(Math.round(factor * 1000))) / 1000n);
}

function freeOf(cluster: Cluster, node: Node, name: string): number {
  return heldOn(cluster, node).reduce(
    (free, reservation) => free - (reservation.resources[name] ?? 0),
    capacityOf(node, name),
  );
}

/** Between placements: first what concerns single nodes, then affinity, anti-affinity and spread over wider domains. */
function placementRules(cluster: Cluster, request: Request, eligible: readonly Node[]): Rule[] {
  const own = (request.antiAffinity?.required ?? []).map((term) => ({
    term,
    holder: undefined,
    text: 'anti-affinity',
  }));
  const others = repellingTerms(cluster, request).map((term) => ({
    term,
    holder: term,
    text: 'anti-affinity of another',
  }));
  const repulsions = [...own, ...others];
  const repulsionRules = (concerns: (key: string) => boolean): Rule[] =>
    repulsions
      .filter(({ term }) => concerns(term.topologyKey))
      .map(({ term, holder, text }) => (node) => {
        const found = inDomain(cluster, request.tenant, term.topologyKey, node).some((reservation) =>
          holder ? holds(reservation, holder) : matchesSelector(term.selector, reservation.labels ?? {}),
        );
        return found ? text : undefined;
      });
  return [
    ...repulsionRules((key) => key === 'node'),
    ...(request.affinity?.required ?? []).map(
      (term): Rule =>
        (node) =>
          attracts(cluster, request, term, node) ? undefined : 'affinity',
    ),
    ...repulsionRules((key) => key !== 'node'),
    ...(request.spread ?? [])
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
      .map(
        (constraint): Rule =>
          (node) =>
            excess(cluster, request, constraint, node, eligible) > 0
              ? `spread over ${constraint.topologyKey}`
              : undefined,
      ),
  ];
}

/** What any of the tenant's placements, also one on no known node, holds against the request; own order for each. */
function repellingTerms(cluster: Cluster, request: Request): PlacementTerm[] {
  return cluster.held
    .filter(({ reservation }) => reservation.tenant === request.tenant)
    .flatMap(({ reservation }) => reservation.antiAffinity?.required ?? [])
    .filter((term) => matchesSelector(term.selector, request.labels ?? {}));
}

function holds(reservation: Reservation, term: PlacementTerm): boolean {
  return (reservation.antiAffinity?.required ?? []).some((own) => JSON.stringify(own) === JSON.stringify(term));
}

function attracts(cluster: Cluster, request: Request, term: PlacementTerm, node: Node): boolean {
  if (domainOf(node, term.topologyKey) === '') return false;
  const isMatch = (reservation: Reservation) => matchesSelector(term.selector, reservation.labels ?? {});
  if (inDomain(cluster, request.tenant, term.topologyKey, node).some(isMatch)) return true;
  const anywhere = cluster.nodes.flatMap((other) => inDomain(cluster, request.tenant, term.topologyKey, other));
  return !anywhere.some(isMatch) && matchesSelector(term.selector, request.labels ?? {});
}

/** The tenant's reservations on all nodes that are in the same domain as this one. */
function inDomain(cluster: Cluster, tenant: string, key: string, node: Node): Reservation[] {
  const domain = domainOf(node, key);
  if (domain === '') return [];
  return cluster.nodes
    .filter((other) => domainOf(other, key) === domain)
    .flatMap((other) => heldOn(cluster, other))
    .filter((reservation) => reservation.tenant === tenant);
}

function countFor(cluster: Cluster, request: Request, { selector, topologyKey }: SpreadConstraint, node: Node): number {
  return inDomain(cluster, request.tenant, topologyKey, node).filter((reservation) => {
    if (selector) return matchesSelector(selector, reservation.labels ?? {});
    return request.group === undefined || reservation.group?.name === request.group.name;
  }).length;
}

/** By how much a placement here would go beyond maxSkew. */
function excess(
  cluster: Cluster,
  request: Request,
  constraint: SpreadConstraint,
  node: Node,
  eligible: readonly Node[],
): number {
  const { topologyKey, selector, maxSkew } = constraint;
  if (domainOf(node, topologyKey) === '') return Number.POSITIVE_INFINITY;
  const others = eligible.filter((other) => domainOf(other, topologyKey) !== '');
  const fewest = Math.min(...others.map((other) => countFor(cluster, request, constraint, other)));
  const self = selector === undefined || matchesSelector(selector, request.labels ?? {}) ? 1 : 0;
  return Math.max(0, countFor(cluster, request, constraint, node) + self - fewest - maxSkew);
}

function spreadScore(cluster: Cluster, node: Node, request: Request, eligible: readonly Node[]): number {
  const soft = (request.spread ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway');
  if (soft.length === 0) return 0;
  const sum = soft.reduce((total, constraint) => total + excess(cluster, request, constraint, node, eligible), 0);
  return 100 - Math.min(100, sum);
}

function placementPreference(cluster: Cluster, node: Node, request: Request): number {
  const terms = [
    ...(request.affinity?.preferred ?? []).map((preferred) => ({ ...preferred, wanted: true })),
    ...(request.antiAffinity?.preferred ?? []).map((preferred) => ({ ...preferred, wanted: false })),
  ];
  if (terms.length === 0) return 0;
  const satisfied = terms.filter(({ term, wanted }) => {
    const there = inDomain(cluster, request.tenant, term.topologyKey, node);
    return there.some(({ labels }) => matchesSelector(term.selector, labels ?? {})) === wanted;
  });
  const sum = (list: readonly { weight: number }[]) => list.reduce((total, { weight }) => total + weight, 0);
  return Math.floor((100 * sum(satisfied)) / sum(terms));
}

function domainOf(node: Node, key: string): string {
  const own: Record<string, string> = {
    node: node.id,
    rack: node.rack,
    zone: node.zone,
    site: node.site,
    region: node.region,
  };
  return own[key] ?? node.labels[key] ?? '';
}

function scoreOf(cluster: Cluster, node: Node, request: Request, weights: Weights, eligible: readonly Node[]): number {
  const scores: Record<string, number> = {
    NodeAffinity: preference(node, request),
    PlacementAffinity: placementPreference(cluster, node, request),
    TopologySpread: spreadScore(cluster, node, request, eligible),
    TaintToleration: 10 - Math.min(10, preferNotTaints(node, request)),
    MostAllocated: Math.floor(
      (usedAfter(cluster, node, request, 'cpu') + usedAfter(cluster, node, request, 'memory')) / 2,
    ),
    LeastAllocated:
      1000 - Math.ceil((usedAfter(cluster, node, request, 'cpu') + usedAfter(cluster, node, request, 'memory')) / 2),
    BalancedAllocation:
      1000 - Math.abs(usedAfter(cluster, node, request, 'cpu') - usedAfter(cluster, node, request, 'memory')),
    SmallestSufficient: 10_000 - Math.min(10_000, sizeOf(node)),
  };
  return Object.entries(weights).reduce((sum, [name, weight]) => sum + weight * scores[name]!, 0);
}

function preference(node: Node, request: Request): number {
  const preferred = request.nodeAffinity?.preferred ?? [];
  if (preferred.length === 0) return 0;
  const matching = preferred.filter(({ preference: selector }) => matchesSelector(selector, node.labels));
  const sum = (list: typeof preferred) => list.reduce((total, { weight }) => total + weight, 0);
  return Math.floor((100 * sum(matching)) / sum(preferred));
}

function preferNotTaints(node: Node, request: Request): number {
  return node.taints.filter((taint) => firstUntolerated([taint], request.tolerations, ['PreferNoSchedule'])).length;
}

/** In thousandths of what the node can give; a node that has none of it counts as full. */
function usedAfter(cluster: Cluster, node: Node, request: Request, name: string): number {
  const capacity = capacityOf(node, name);
  const used = capacity - freeOf(cluster, node, name) + (request.resources[name] ?? 0);
  return capacity > 0 ? Math.floor((1000 * Math.min(capacity, used)) / capacity) : 1000;
}

function sizeOf(node: Node): number {
  return Object.values(node.capacity).reduce((sum, amount) => sum + Math.floor(20 * Math.log2(1 + amount)), 0);
}
