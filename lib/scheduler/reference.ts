// The scheduler as one would explain it on a whiteboard: every node, every rule, in order, nothing kept, nothing clever.
//
// It is what "exact" means: tests hold every decision of the real one against this one. It shares no code with the
// pipeline, the plugins and the table, save the matching of selectors.
import { firstUntolerated, matchesRequired, matchesSelector } from './selectors.ts';
import type { Decision, Node, Request, Reservation } from './types.ts';

/** The whole truth about a cluster, as lists. */
export interface Cluster {
  readonly nodes: readonly Node[];
  /** Everything held, also on nodes that are not in `nodes`. */
  readonly held: readonly { readonly nodeId: string; readonly reservation: Reservation }[];
}

/** Scores by plugin name; a missing one counts 0 times. */
export type Weights = Readonly<Record<string, number>>;

type Rule = (node: Node) => string | undefined;

export function referenceDecision(cluster: Cluster, request: Request, weights: Weights, limits = true): Decision {
  const rules = rulesFor(cluster, request, limits);
  const counts = new Map<string, number>();
  let best: { node: string; score: number } | undefined;
  for (const node of cluster.nodes.toSorted((left, right) => (left.id < right.id ? -1 : 1))) {
    const reason = rules.map((rule) => rule(node)).find((found) => found !== undefined);
    if (reason !== undefined) {
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      continue;
    }
    const score = scoreOf(cluster, node, request, weights);
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

function rulesFor(cluster: Cluster, request: Request, limits: boolean): Rule[] {
  const rules: Rule[] = [
    (node) => differs('node', request.node, node.id),
    (node) => differs('pool', request.pool, node.pool),
    (node) => differs('region', request.region, node.region),
    (node) => differs('site', request.site, node.site),
    (node) => differs('zone', request.zone, node.zone),
    (node) => dedication(node, request),
    (node) => (matchesSelector(request.nodeSelector ?? {}, node.labels) ? undefined : 'other labels'),
    (node) => (matchesRequired(request.nodeAffinity ?? {}, node.labels) ? undefined : 'other labels'),
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

function scoreOf(cluster: Cluster, node: Node, request: Request, weights: Weights): number {
  const scores: Record<string, number> = {
    NodeAffinity: preference(node, request),
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
