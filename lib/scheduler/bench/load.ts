// The load of the benchmarks: a cluster at about 85 % full, and requests of so many kinds that come and go.
import { NodeTable } from '../table.ts';
import { aNode, aRequest, GIB } from '../testing/fixtures.ts';
import { Random } from '../testing/random.ts';
import type { Request } from '../types.ts';

export interface Setting {
  readonly nodes: number;
  readonly classes: number;
  readonly pools: number;
  readonly spread: boolean;
}

const FULL = 0.85;

export function clusterOf({ nodes, pools }: Setting): NodeTable {
  const table = new NodeTable();
  for (let index = 0; index < nodes; index++) {
    const id = `host-${String(index).padStart(6, '0')}`;
    table.upsert(
      aNode(id, {
        pool: `pool-${index % pools}`,
        zone: `zone-${index % 3}`,
        rack: `rack-${Math.floor(index / 40)}`,
        capacity: { cpu: 64_000, memory: 256 * GIB },
      }),
    );
  }
  return table;
}

/** Kinds of requests: cpu and memory in steps, over the pools; a request is one of them with an id of its own. */
export function kindsOf({ classes, pools, spread }: Setting): Request[] {
  return Array.from({ length: classes }, (_, index) => ({
    ...aRequest('', {
      pool: `pool-${index % pools}`,
      resources: { cpu: 1000 * (1 + (index % 8)), memory: GIB * (2 + ((index * 5) % 31)) },
      ...(index >= 248 && { priority: 0, resources: { cpu: 500 * (index - 240), memory: GIB * (index - 240) } }),
    }),
    ...(spread && { spread: [{ topologyKey: 'zone', maxSkew: 2, whenUnsatisfiable: 'ScheduleAnyway' as const }] }),
  }));
}

export interface Decider {
  decide(request: Request): string | undefined;
  reserve(node: string, request: Request): void;
  release(id: string): void;
}

/** Requests come and go; about as many are held as make the cluster FULL. */
export class Load {
  readonly #held: string[] = [];
  readonly #decider: Decider;
  readonly #kinds: readonly Request[];
  readonly #random = new Random(1);
  #count = 0;

  constructor(decider: Decider, kinds: readonly Request[]) {
    this.#decider = decider;
    this.#kinds = kinds;
  }

  get held(): number {
    return this.#held.length;
  }

  arrive(): void {
    const request = { ...this.#random.pick(this.#kinds), id: `r${this.#count++}` };
    const node = this.#decider.decide(request);
    if (node === undefined) return;
    this.#decider.reserve(node, request);
    this.#held.push(request.id);
  }

  depart(): void {
    const index = this.#random.below(this.#held.length);
    const last = this.#held.pop();
    if (last === undefined) return;
    const leaving = index < this.#held.length ? this.#held[index]! : last;
    if (index < this.#held.length) this.#held[index] = last;
    this.#decider.release(leaving);
  }

  step(): void {
    this.arrive();
    this.depart();
  }
}

/** How many requests of these kinds make a cluster FULL. */
export function placementsWhenFull({ nodes }: Setting, kinds: readonly Request[]): number {
  return Math.floor((FULL * nodes * 64_000) / meanCpu(kinds));
}

function meanCpu(kinds: readonly Request[]): number {
  return kinds.reduce((sum, { resources }) => sum + resources.cpu!, 0) / kinds.length;
}
