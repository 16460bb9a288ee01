// What the benchmarks compare with: a scheduler as one writes it first, objects and a loop over all nodes.
import type { NodeTable } from '../table.ts';
import type { Node, Request } from '../types.ts';

interface Host {
  readonly node: Node;
  readonly free: { cpu: number; memory: number };
  placements: number;
}

/** Starts from what a table holds; pool, dedicated, hold, limit, cpu and memory; most allocated first. */
export class PlainScheduler {
  readonly #hosts: Host[] = [];
  readonly #held = new Map<string, { host: Host; request: Request }>();
  readonly #byId = new Map<string, Host>();

  constructor(table: NodeTable) {
    for (let slot = 0; slot < table.slots; slot++) {
      const node = table.node(slot);
      if (node === undefined) continue;
      const free = { cpu: table.resource('cpu')!.free[slot]!, memory: table.resource('memory')!.free[slot]! };
      const host = { node, free, placements: table.placements[slot]! };
      this.#hosts.push(host);
      this.#byId.set(node.id, host);
    }
  }

  decide(request: Request): string | undefined {
    const feasible = this.#hosts.filter((host) => fits(host, request));
    const scored = feasible.map((host) => ({ host, score: score(host, request) }));
    return scored.reduce<(typeof scored)[number] | undefined>(
      (best, each) => (best === undefined || each.score > best.score ? each : best),
      undefined,
    )?.host.node.id;
  }

  reserve(nodeId: string, request: Request): void {
    const host = this.#byId.get(nodeId)!;
    this.#account(host, request, 1);
    this.#held.set(request.id, { host, request });
  }

  release(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#account(held.host, held.request, -1);
  }

  #account(host: Host, { resources }: Request, sign: 1 | -1): void {
    host.free.cpu -= sign * (resources.cpu ?? 0);
    host.free.memory -= sign * (resources.memory ?? 0);
    host.placements += sign;
  }
}

function fits({ node, free, placements }: Host, { pool, dedicated, resources }: Request): boolean {
  return (
    (pool === undefined || pool === node.pool) &&
    dedicated === node.dedicated &&
    node.schedulable &&
    placements < node.maxPlacements &&
    free.cpu >= (resources.cpu ?? 0) &&
    free.memory >= (resources.memory ?? 0)
  );
}

function score({ node, free }: Host, { resources }: Request): number {
  const used = (name: 'cpu' | 'memory') => 1 - (free[name] - (resources[name] ?? 0)) / node.capacity[name]!;
  return (used('cpu') + used('memory')) / 2;
}
