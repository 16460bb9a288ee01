// Runs random histories and holds every decision of the scheduler against the reference's; throws at the first difference.
import * as assert from 'node:assert/strict';
import { ClassCache } from '../class-cache.ts';
import { defaultProfiles } from '../profiles.ts';
import { type ReferenceProfile, referenceDecision } from '../reference.ts';
import { Scheduler } from '../scheduler.ts';
import { NodeTable } from '../table.ts';
import type { Request } from '../types.ts';
import { Random } from './random.ts';
import { randomRequest, TwinCluster } from './random-cluster.ts';

const PROFILES = defaultProfiles();

function referenceProfile(name: string): ReferenceProfile {
  const weights = Object.fromEntries(PROFILES.get(name)!.scores.map(({ plugin, weight }) => [plugin.name, weight]));
  const rack = { topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' } as const;
  const isDefault = name === 'default';
  return { weights, limits: isDefault, defaultSpread: isDefault ? [] : [rack] };
}

function isDevice(request: Request): Request {
  return { ...request, profile: 'devices', resources: { ...request.resources, device: 1 } };
}

export interface History {
  readonly seed: number;
  readonly decisions: number;
  readonly mostNodes: number;
  /** How many kinds of requests there are: they come back, so their classes are kept. */
  readonly kinds: number;
  readonly maxBytes?: number;
}

/** Runs one random history; every decision is compared, and most are then bound. */
export function compareHistory({ seed, decisions, mostNodes, kinds, maxBytes }: History): void {
  const random = new Random(seed);
  const cluster = new TwinCluster(new NodeTable());
  const scheduler = new Scheduler(cluster.table, PROFILES, new ClassCache(cluster.table, maxBytes));
  const templates: Request[] = [];
  for (let step = 0; step < decisions; step++) {
    for (let count = random.below(4); count > 0; count--) cluster.disturb(random, mostNodes);
    const kind = random.below(kinds);
    templates[kind] ??= randomRequest(random, '', cluster.nodeIds);
    const common = { ...templates[kind], id: `r${step}` };
    const request = random.chance(0.2) ? isDevice(common) : common;
    const decision = scheduler.decide(request);
    const expected = referenceDecision(cluster, request, referenceProfile(request.profile));
    assert.deepEqual(decision, expected, `seed ${seed}, step ${step}`);
    if (decision.node !== undefined && random.chance(0.9)) cluster.reserve(decision.node, request);
  }
  assertSumsAgree(cluster);
}

/** What the table says that nodes gave away is the sum of what they hold. */
function assertSumsAgree(cluster: TwinCluster): void {
  for (const { id } of cluster.nodes) {
    const held = cluster.held.filter(({ nodeId }) => nodeId === id);
    const allocation = cluster.table.allocated(id);
    assert.equal(allocation.placements, held.length);
    const cpu = held.reduce((sum, { reservation }) => sum + (reservation.resources.cpu ?? 0), 0);
    assert.equal(allocation.resources.cpu ?? 0, cpu);
  }
}
