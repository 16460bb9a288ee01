// Resources: does it fit what is free, and which node is left in the best shape by it.
import type { AllocationsFilter, AllocationsScore, Plugin, Score } from '../plugin.ts';
import type { ResourceColumn } from '../table.ts';
import type { Request } from '../types.ts';

/** Names and amounts in turn, without zeros: device, cpu and memory in this order, then the others by name. */
type Wanted = readonly (string | number)[];

const FIRST = ['device', 'cpu', 'memory'];

function wanted({ resources }: Request): Wanted {
  const list: (string | number)[] = [];
  for (const name of FIRST) if (resources[name]! > 0) list.push(name, resources[name]!);
  const others: string[] = [];
  for (const name in resources) if (!FIRST.includes(name) && resources[name]! > 0) others.push(name);
  for (const name of others.sort()) list.push(name, resources[name]!);
  return list;
}

function amountOf(list: Wanted, name: string): number {
  const index = list.indexOf(name);
  return index < 0 ? 0 : Number(list[index + 1]);
}

/** Negated codes, by resource: what a class wants, and how it is told that there is too little. */
type Checks = ReadonlyMap<string, { readonly amount: number; readonly refused: number }>;

/** One resource, by lane. Its column is looked up until there is one. */
interface Check {
  readonly name: string;
  readonly amounts: Float64Array;
  readonly refused: Int32Array;
  column: ResourceColumn | undefined;
}

const fitFilter: AllocationsFilter<Wanted, Checks> = {
  stage: 'filter',
  reads: 'allocations',
  sign: wanted,
  compile(list, { reason }) {
    const checks = new Map<string, { amount: number; refused: number }>();
    for (let index = 0; index < list.length; index += 2) {
      const name = String(list[index]);
      const code = reason(name === 'device' ? 'taken' : `too little ${name}`);
      checks.set(name, { amount: Number(list[index + 1]), refused: -code });
    }
    return checks;
  },
  join(parts, table) {
    const names = new Set(parts.flatMap((part) => (part ? [...part.keys()] : [])));
    const checks = [...names].sort(byTurn).map(
      (name): Check => ({
        name,
        // Who wants nothing of it has enough, also where more was bound than there is.
        amounts: Float64Array.from(parts, (part) => part?.get(name)?.amount ?? Number.NEGATIVE_INFINITY),
        refused: Int32Array.from(parts, (part) => part?.get(name)?.refused ?? 0),
        column: undefined,
      }),
    );
    return (slot, verdicts) => {
      for (let index = 0; index < checks.length; index++) {
        const check = checks[index]!;
        check.column ??= table.resource(check.name);
        const free = check.column ? check.column.free[slot]! : 0;
        const { amounts, refused } = check;
        for (let lane = 0; lane < amounts.length; lane++) {
          if (free < amounts[lane]! && verdicts[lane]! >= 0) verdicts[lane] = refused[lane]!;
        }
      }
    };
  },
};

/** The order in which they are asked: that of `wanted`. */
function byTurn(left: string, right: string): number {
  const [one, other] = [FIRST.indexOf(left), FIRST.indexOf(right)];
  if (one >= 0 || other >= 0) return (one < 0 ? FIRST.length : one) - (other < 0 ? FIRST.length : other);
  return left < right ? -1 : 1;
}

export const nodeResourcesFit: Plugin = { name: 'NodeResourcesFit', filter: fitFilter };

const SCALE = 1000;

/** The part of a resource that is in use once the request is there, of SCALE; all of it where there is none. */
function share(capacity: number, free: number, amount: number): number {
  return capacity <= 0 ? SCALE : Math.floor((SCALE * Math.min(capacity, capacity - free + amount)) / capacity);
}

interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

/** A score over the shares of cpu and memory that would be in use. */
function shapeScore(of: (cpu: number, memory: number) => number): AllocationsScore<Wanted, Amounts> {
  return {
    max: SCALE,
    reads: 'allocations',
    sign: wanted,
    compile: (list) => ({ cpu: amountOf(list, 'cpu'), memory: amountOf(list, 'memory') }),
    join(parts, table, weight) {
      const cpuAmounts = Float64Array.from(parts, (part) => part?.cpu ?? 0);
      const memoryAmounts = Float64Array.from(parts, (part) => part?.memory ?? 0);
      const weights = Int32Array.from(parts, (part) => (part ? weight : 0));
      let cpu: ResourceColumn | undefined;
      let memory: ResourceColumn | undefined;
      return (slot, verdicts) => {
        cpu ??= table.resource('cpu');
        memory ??= table.resource('memory');
        const [cpuCapacity, cpuFree] = [cpu?.capacity[slot] ?? 0, cpu?.free[slot] ?? 0];
        const [memoryCapacity, memoryFree] = [memory?.capacity[slot] ?? 0, memory?.free[slot] ?? 0];
        for (let lane = 0; lane < weights.length; lane++) {
          if (verdicts[lane]! < 0) continue;
          const ofCpu = share(cpuCapacity, cpuFree, cpuAmounts[lane]!);
          const ofMemory = share(memoryCapacity, memoryFree, memoryAmounts[lane]!);
          verdicts[lane]! += weights[lane]! * of(ofCpu, ofMemory);
        }
      };
    },
  };
}

/** The fuller the better: keeps empty nodes empty. */
export const mostAllocated: Plugin = {
  name: 'MostAllocated',
  score: shapeScore((cpu, memory) => Math.floor((cpu + memory) / 2)),
};

/** The emptier the better: spreads load. */
export const leastAllocated: Plugin = {
  name: 'LeastAllocated',
  score: shapeScore((cpu, memory) => SCALE - Math.ceil((cpu + memory) / 2)),
};

/** The less one resource is left over without the other, the better: a node with memory but no cpu is stranded. */
export const balancedAllocation: Plugin = {
  name: 'BalancedAllocation',
  score: shapeScore((cpu, memory) => SCALE - Math.abs(cpu - memory)),
};

const SIZE_MAX = 10_000;
const DOUBLING = 20;

/**
 * The smallest node that is enough: each doubling of one of its resources costs 20 points. An amount on its own, not in
 * relation to the other nodes, so that the answer for a node never depends on which others there are.
 */
const smallestScore: Score<true> = {
  max: SIZE_MAX,
  reads: 'node',
  sign: () => true,
  compile(_signed, { table }) {
    return (slot) => {
      let size = 0;
      for (const amount of Object.values(table.node(slot)!.capacity))
        size += Math.floor(DOUBLING * Math.log2(1 + amount));
      return SIZE_MAX - Math.min(SIZE_MAX, size);
    };
  },
};

export const smallestSufficient: Plugin = { name: 'SmallestSufficient', score: smallestScore };
