// Decisions per CPU-second of the pure scheduler, at about 85 % full, with a bind and a departure for every decision.
//
//   npm run bench:scheduler -- [--nodes N] [--classes N,N] [--pools N,N] [--spread] [--seconds S] [--json]
//
// The peer is a plain scan over objects, as one would write it first (reference: lib/scheduler/reference.ts does the same
// but explains itself). Last line with --json: {name, params, results: [{what, value, unit, peer, peerValue, ratio}]}.
import { parseArgs } from 'node:util';
import { Scheduler } from '../scheduler.ts';
import { NodeTable } from '../table.ts';
import { aNode, aRequest, GIB } from '../testing/fixtures.ts';
import { Random } from '../testing/random.ts';
import type { Request } from '../types.ts';
import { PlainScheduler } from './plain.ts';

interface Setting {
  readonly nodes: number;
  readonly classes: number;
  readonly pools: number;
  readonly spread: boolean;
}

const FULL = 0.85;

function clusterOf({ nodes, pools }: Setting): NodeTable {
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
function kindsOf({ classes, pools, spread }: Setting): Request[] {
  return Array.from({ length: classes }, (_, index) => ({
    ...aRequest('', {
      pool: `pool-${index % pools}`,
      resources: { cpu: 1000 * (1 + (index % 8)), memory: GIB * (2 + ((index * 5) % 31)) },
      ...(index >= 248 && { priority: 0, resources: { cpu: 500 * (index - 240), memory: GIB * (index - 240) } }),
    }),
    ...(spread && { spread: [{ topologyKey: 'zone', maxSkew: 2, whenUnsatisfiable: 'ScheduleAnyway' as const }] }),
  }));
}

interface Decider {
  decide(request: Request): string | undefined;
  reserve(node: string, request: Request): void;
  release(id: string): void;
}

/** Requests come and go; about as many are held as make the cluster FULL. */
class Load {
  readonly #held: string[] = [];
  readonly #decider: Decider;
  readonly #kinds: readonly Request[];
  readonly #random = new Random(1);
  #count = 0;

  constructor(decider: Decider, kinds: readonly Request[]) {
    this.#decider = decider;
    this.#kinds = kinds;
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

function fill(setting: Setting, load: Load): void {
  const mean = meanCpu(kindsOf(setting));
  for (let left = (FULL * setting.nodes * 64_000) / mean; left > 0; left--) load.arrive();
}

function meanCpu(kinds: readonly Request[]): number {
  return kinds.reduce((sum, { resources }) => sum + resources.cpu!, 0) / kinds.length;
}

/** Runs steps for that many CPU-seconds; answers steps per CPU-second. */
function rate(load: Load, seconds: number, batch: number): number {
  const start = process.cpuUsage();
  let steps = 0;
  let used = 0;
  while (used < seconds * 1e6) {
    for (let index = 0; index < batch; index++) load.step();
    steps += batch;
    const { user, system } = process.cpuUsage(start);
    used = user + system;
  }
  return (steps * 1e6) / used;
}

/** Microseconds that a step takes, at these shares of all. */
function latencies(load: Load, steps: number, shares: readonly number[]): number[] {
  const taken = new Float64Array(steps);
  for (let index = 0; index < steps; index++) {
    const start = performance.now();
    load.step();
    taken[index] = (performance.now() - start) * 1000;
  }
  taken.sort();
  return shares.map((share) => taken[Math.min(steps - 1, Math.floor(share * steps))]!);
}

function measure(setting: Setting, seconds: number) {
  const table = clusterOf(setting);
  const kinds = kindsOf(setting);
  const scheduler = new Scheduler(table);
  const ours = new Load(
    {
      decide: (request) => scheduler.decide(request).node,
      reserve: (node, request) => table.reserve(node, request),
      release: (id) => table.release(id),
    },
    kinds,
  );
  fill(setting, ours);
  rate(ours, seconds / 4, 64);
  const value = rate(ours, seconds, 64);
  const [p50, p99] = latencies(ours, 20_000, [0.5, 0.99]);
  const plain = new PlainScheduler(table);
  const peerValue = setting.spread ? undefined : rate(new Load(plain, kinds), seconds / 4, 1);
  return { value, p50: p50!, p99: p99!, peerValue };
}

function numbers(text: string): number[] {
  return text.split(',').map((part) => {
    const number = Number(part);
    if (!Number.isInteger(number) || number < 1) throw new Error(`not a whole number above 0: ${part}`);
    return number;
  });
}

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    classes: { type: 'string', default: '16,64,256' },
    pools: { type: 'string', default: '1,4,16' },
    spread: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});

const results = [];
for (const nodes of numbers(values.nodes)) {
  for (const pools of numbers(values.pools)) {
    for (const classes of numbers(values.classes)) {
      for (const spread of values.spread ? [false, true] : [false]) {
        const { value, p50, p99, peerValue } = measure({ nodes, classes, pools, spread }, Number(values.seconds));
        const what = `${nodes} nodes, ${pools} pools, ${classes} classes${spread ? ', spread over zones' : ''}`;
        results.push({
          what,
          value: Math.round(value),
          unit: 'decisions/CPU-s',
          ...(peerValue !== undefined && {
            peer: 'scan over objects',
            peerValue: Math.round(peerValue),
            ratio: value / peerValue,
          }),
        });
        results.push(
          { what: `${what}, p50`, value: p50, unit: 'µs' },
          { what: `${what}, p99`, value: p99, unit: 'µs' },
        );
        const beside = peerValue === undefined ? '' : `  (scan over objects ${Math.round(peerValue)})`;
        console.log(
          `${what}: ${Math.round(value)} decisions/CPU-s, p50 ${p50.toFixed(1)} µs, p99 ${p99.toFixed(1)} µs${beside}`,
        );
      }
    }
  }
}
if (values.json) console.log(JSON.stringify({ name: 'scheduler', params: values, results }));
