// Holds the scheduler against the reference on random clusters: every decision, every reason, every count.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ClassCache } from './class-cache.ts';
import { defaultProfiles } from './profiles.ts';
import { Random } from './random.ts';
import { randomRequest, TwinCluster } from './random-cluster.ts';
import { type ReferenceProfile, referenceDecision } from './reference.ts';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import type { Request } from './types.ts';

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

interface History {
  readonly seed: number;
  readonly decisions: number;
  readonly mostNodes: number;
  /** How many kinds of requests there are: they come back, so their classes are kept. */
  readonly kinds: number;
  readonly maxLeaves?: number;
}

/** Runs one random history; every decision is compared, and most are then bound. */
function run({ seed, decisions, mostNodes, kinds, maxLeaves }: History): void {
  const random = new Random(seed);
  const cluster = new TwinCluster(new NodeTable());
  const scheduler = new Scheduler(cluster.table, PROFILES, new ClassCache(cluster.table, maxLeaves));
  const templates: Request[] = [];
  for (let step = 0; step < decisions; step++) {
    for (let count = random.below(4); count > 0; count--) cluster.disturb(random, mostNodes);
    const kind = random.below(kinds);
    templates[kind] ??= randomRequest(random, '', cluster.nodeIds);
    const common = { ...templates[kind], id: `r${step}` };
    const request = random.chance(0.2) ? isDevice(common) : common;
    const decision = scheduler.decide(request);
    const expected = referenceDecision(cluster, request, referenceProfile(request.profile));
    assert.equal(decision, expected, `seed ${seed}, step ${step}`);
    if (decision.node !== undefined && random.chance(0.9)) cluster.reserve(decision.node, request);
  }
  assertSumsAgree(cluster);
}

/** What the table says that nodes gave away is the sum of what they hold. */
function assertSumsAgree(cluster: TwinCluster): void {
  for (const { id } of cluster.nodes) {
    const held = cluster.held.filter(({ nodeId }) => nodeId === id);
    const allocation = cluster.table.allocated(id);
    assert.is(allocation.placements, held.length);
    const cpu = held.reduce((sum, { reservation }) => sum + (reservation.resources.cpu ?? 0), 0);
    assert.is(allocation.resources.cpu ?? 0, cpu);
  }
}

test('decides as the reference does, through arrivals, departures and node changes', () => {
  for (let seed = 1; seed <= 8; seed++) run({ seed, decisions: 150, mostNodes: 20, kinds: 12 });
  for (let seed = 31; seed <= 33; seed++) run({ seed, decisions: 150, mostNodes: 20, kinds: 200 });
});

test('so it does when there is room for few classes only, and they are made anew all the time', () => {
  for (let seed = 41; seed <= 43; seed++) run({ seed, decisions: 150, mostNodes: 20, kinds: 12, maxLeaves: 128 });
});

test('so it does when nodes come in crowds', () => {
  run({ seed: 51, decisions: 60, mostNodes: 120, kinds: 6 });
});

test('nothing is ever given away twice', () => {
  const random = new Random(7);
  const cluster = new TwinCluster(new NodeTable());
  const scheduler = new Scheduler(cluster.table);
  for (let step = 0; step < 60; step++) cluster.disturb(random, 40);
  const nodes = new Map(cluster.nodes.map((node) => [node.id, node]));
  for (let step = 0; step < 1500; step++) {
    const request = randomRequest(random, `r${step}`, cluster.nodeIds);
    const { node } = scheduler.decide(request);
    if (node !== undefined) cluster.reserve(node, request);
    if (random.chance(0.3) && cluster.held.length > 0) cluster.release(random.pick(cluster.held).reservation.id);
    if (node === undefined) continue;
    const { resources, placements } = cluster.table.allocated(node);
    const { capacity, reserved, overcommit, maxPlacements } = nodes.get(node)!;
    assert.ok(placements <= maxPlacements);
    for (const [name, amount] of Object.entries(resources)) {
      assert.ok(amount <= Math.max(0, (capacity[name] ?? 0) - (reserved[name] ?? 0)) * (overcommit[name] ?? 1) + 0.001);
    }
  }
});

test('another scheduler that learns the same facts in another order gives the same answers', () => {
  const random = new Random(11);
  const cluster = new TwinCluster(new NodeTable());
  const scheduler = new Scheduler(cluster.table);
  for (let step = 0; step < 300; step++) {
    cluster.disturb(random, 40);
    const request = randomRequest(random, `r${step}`, cluster.nodeIds);
    const { node } = scheduler.decide(request);
    if (node !== undefined) cluster.reserve(node, request);
  }
  const restarted = new NodeTable();
  for (const { nodeId, reservation } of cluster.held.toReversed()) restarted.reserve(nodeId, reservation);
  for (const node of cluster.nodes.toReversed()) restarted.upsert(node);
  const other = new Scheduler(restarted);
  for (let step = 0; step < 200; step++) {
    const request = randomRequest(random, `again${step}`, cluster.nodeIds);
    assert.equal(other.decide(request), scheduler.decide(request));
  }
});

test.run();
