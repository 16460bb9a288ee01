// Random clusters, requests and events for property tests: small numbers of everything, so that rules meet each other often.

import type { Cluster } from '../reference.ts';
import type { NodeTable } from '../table.ts';
import type {
  LabelSelector,
  Labels,
  Node,
  NodeAffinity,
  PlacementAffinity,
  PlacementTerm,
  Request,
  Reservation,
  SpreadConstraint,
  Taint,
  Toleration,
} from '../types.ts';
import { aNode, aRequest, GIB } from './fixtures.ts';
import type { Random } from './random.ts';

const POOLS = ['default', 'gpu', 'edge'];
const TENANTS = ['team-a', 'team-b', 'team-c'];
const LABEL_VALUES = ['1', '2', '3'];

export function randomNode(random: Random, id: string): Node {
  const dedicated = random.chance(0.2);
  const held = random.chance(0.1);
  return aNode(id, {
    labels: randomLabels(random),
    pool: random.pick(POOLS),
    region: random.chance(0.8) ? 'region-1' : 'region-2',
    site: random.pick(['site-1', 'site-2']),
    zone: random.pick(['zone-1', 'zone-2', 'zone-3', '']),
    rack: random.pick(['rack-1', 'rack-2', 'rack-3', 'rack-4', '']),
    dedicated,
    ...(dedicated && random.chance(0.5) && { dedicatedTo: random.pick(TENANTS) }),
    taints: random.chance(0.2) ? [randomTaint(random)] : [],
    capacity: randomCapacity(random),
    reserved: random.chance(0.3) ? { cpu: 500 * random.below(4), memory: random.below(3) * GIB } : {},
    overcommit: random.chance(0.4) ? { cpu: random.pick([0.333, 1.1, 2, 4]) } : {},
    maxPlacements: random.chance(0.1) ? random.below(3) : 20,
    schedulable: !held,
    ...(held && random.chance(0.8) && { hold: random.pick(['cordoned', 'in maintenance', 'being deleted'] as const) }),
  });
}

function randomCapacity(random: Random): Record<string, number> {
  return {
    cpu: random.pick([4000, 8000, 16_000, 16_000]),
    memory: random.pick([16, 32, 64, 64]) * GIB + random.below(2),
    ...(random.chance(0.3) && { gpu: random.below(4) }),
    ...(random.chance(0.5) && { device: 1 }),
  };
}

function randomLabels(random: Random): Labels {
  return {
    ...(random.chance(0.7) && { tier: random.pick(LABEL_VALUES) }),
    ...(random.chance(0.7) && { row: random.pick(LABEL_VALUES) }),
  };
}

function randomTaint(random: Random): Taint {
  return {
    key: random.pick(['gpu', 'special']),
    ...(random.chance(0.5) && { value: random.pick(LABEL_VALUES) }),
    effect: random.pick(['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const),
  };
}

export function randomRequest(random: Random, id: string, nodeIds: readonly string[]): Request {
  return aRequest(id, {
    tenant: random.pick(TENANTS),
    resources: {
      ...(random.chance(0.95) && { cpu: 500 * random.below(10) }),
      ...(random.chance(0.95) && { memory: random.below(10) * GIB }),
      ...(random.chance(0.1) && { gpu: random.below(3) }),
      ...(random.chance(0.05) && { licence: 1 }),
    },
    ...(random.chance(0.03) && nodeIds.length > 0 && { node: random.pick(nodeIds) }),
    ...(random.chance(0.6) && { pool: random.pick(POOLS) }),
    ...(random.chance(0.1) && { region: random.pick(['region-1', 'region-2', 'region-3']) }),
    ...(random.chance(0.1) && { site: random.pick(['site-1', 'site-2']) }),
    ...(random.chance(0.1) && { zone: random.pick(['zone-1', 'zone-2']) }),
    dedicated: random.chance(0.2),
    tolerations: random.chance(0.3) ? [randomToleration(random)] : [],
    ...(random.chance(0.2) && { nodeSelector: randomSelector(random) }),
    ...(random.chance(0.2) && { nodeAffinity: randomAffinity(random) }),
    labels: randomLabels(random),
    ...(random.chance(0.2) && { affinity: randomPlacementAffinity(random) }),
    ...(random.chance(0.2) && { antiAffinity: randomPlacementAffinity(random) }),
    ...(random.chance(0.3) && { spread: randomSpread(random) }),
    ...(random.chance(0.2) && { group: { name: random.pick(['group-1', 'group-2']), size: 3 } }),
    priority: random.below(3),
  });
}

const KEYS = ['node', 'rack', 'zone', 'site', 'region', 'row'];

function randomTerm(random: Random): PlacementTerm {
  return { topologyKey: random.pick(KEYS), selector: randomSelector(random) };
}

function randomPlacementAffinity(random: Random): PlacementAffinity {
  return {
    ...(random.chance(0.6) && { required: [randomTerm(random)] }),
    ...(random.chance(0.6) && { preferred: [{ weight: 1 + random.below(100), term: randomTerm(random) }] }),
  };
}

function randomSpread(random: Random): SpreadConstraint[] {
  return Array.from({ length: 1 + random.below(2) }, () => ({
    topologyKey: random.pick(KEYS),
    maxSkew: 1 + random.below(2),
    whenUnsatisfiable: random.pick(['DoNotSchedule', 'ScheduleAnyway'] as const),
    ...(random.chance(0.5) && { selector: randomSelector(random) }),
  }));
}

function randomToleration(random: Random): Toleration {
  return {
    ...(random.chance(0.8) && { key: random.pick(['gpu', 'special']) }),
    operator: random.pick(['Exists', 'Equal'] as const),
    ...(random.chance(0.5) && { value: random.pick(LABEL_VALUES) }),
    ...(random.chance(0.3) && { effect: random.pick(['NoSchedule', 'NoExecute'] as const) }),
  };
}

export function randomSelector(random: Random): LabelSelector {
  const key = random.pick(['tier', 'row']);
  if (random.chance(0.5)) return { matchLabels: { [key]: random.pick(LABEL_VALUES) } };
  const operator = random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const);
  const values =
    operator === 'In' || operator === 'NotIn' ? [random.pick(LABEL_VALUES), random.pick(LABEL_VALUES)] : [];
  return { matchExpressions: [{ key, operator, values }] };
}

function randomAffinity(random: Random): NodeAffinity {
  return {
    ...(random.chance(0.5) && { required: [randomSelector(random), randomSelector(random)] }),
    ...(random.chance(0.7) && {
      preferred: [
        { weight: 1 + random.below(100), preference: randomSelector(random) },
        { weight: 1 + random.below(100), preference: randomSelector(random) },
      ],
    }),
  };
}

/** A cluster kept twice, as the table has it and as plain lists, for holding one against the other. */
export class TwinCluster implements Cluster {
  readonly table: NodeTable;
  readonly #nodes = new Map<string, Node>();
  readonly #held = new Map<string, { nodeId: string; reservation: Reservation }>();

  constructor(table: NodeTable) {
    this.table = table;
  }

  get nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  get held(): readonly { nodeId: string; reservation: Reservation }[] {
    return [...this.#held.values()];
  }

  get nodeIds(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  upsert(node: Node): void {
    this.#nodes.set(node.id, node);
    this.table.upsert(node);
  }

  remove(nodeId: string): void {
    this.#nodes.delete(nodeId);
    this.table.remove(nodeId);
  }

  reserve(nodeId: string, reservation: Reservation): void {
    this.#held.set(reservation.id, { nodeId, reservation });
    this.table.reserve(nodeId, reservation);
  }

  release(requestId: string): void {
    this.#held.delete(requestId);
    this.table.release(requestId);
  }

  /** One thing that happens to a cluster besides decisions: nodes come, change and go, placements depart. */
  disturb(random: Random, mostNodes: number): void {
    const dice = random.below(100);
    const known = this.nodeIds;
    if (dice < 50 && this.#held.size > 0) this.release(random.pick([...this.#held.keys()]));
    else if (dice < 80 && known.length < mostNodes) {
      const id = `n${random.below(mostNodes * 2)}`;
      this.upsert(randomNode(random, id));
    } else if (dice < 90 && known.length > 0) this.upsert(randomNode(random, random.pick(known)));
    else if (dice < 95 && known.length > 0) this.remove(random.pick(known));
  }
}
