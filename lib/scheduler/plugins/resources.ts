// Resources: does it fit what is free, and which node is left in the best shape by it.
import type { Filter, Plugin, Score } from '../plugin.ts';
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

/** One resource's check. Its column is looked up until there is one. */
interface Check {
  readonly name: string;
  readonly amount: number;
  readonly code: number;
  column: ResourceColumn | undefined;
}

const fitFilter: Filter<Wanted> = {
  stage: 'filter',
  reads: 'allocations',
  sign: wanted,
  compile(list, { table, reason }) {
    const checks: Check[] = [];
    for (let index = 0; index < list.length; index += 2) {
      const name = String(list[index]);
      const code = reason(name === 'device' ? 'taken' : `too little ${name}`);
      checks.push({ name, amount: Number(list[index + 1]), code, column: undefined });
    }
    return (slot) => {
      for (let index = 0; index < checks.length; index++) {
        const check = checks[index]!;
        check.column ??= table.resource(check.name);
        if (check.column === undefined || check.column.free[slot]! < check.amount) return check.code;
      }
      return 0;
    };
  },
};

export const nodeResourcesFit: Plugin = { name: 'NodeResourcesFit', filter: fitFilter };

const SCALE = 1000;

/** The part of a node's resource that is in use once the request is there, of SCALE; all of it where there is none. */
function share(column: ResourceColumn | undefined, slot: number, amount: number): number {
  if (column === undefined) return SCALE;
  const capacity = column.capacity[slot]!;
  if (capacity <= 0) return SCALE;
  return Math.floor((SCALE * Math.min(capacity, capacity - column.free[slot]! + amount)) / capacity);
}

/** A score over the shares of cpu and memory that would be in use. */
function shapeScore(of: (cpu: number, memory: number) => number): Score<Wanted> {
  return {
    max: SCALE,
    reads: 'allocations',
    sign: wanted,
    compile(list, { table }) {
      const [cpuAmount, memoryAmount] = [amountOf(list, 'cpu'), amountOf(list, 'memory')];
      let cpu: ResourceColumn | undefined;
      let memory: ResourceColumn | undefined;
      return (slot) => {
        cpu ??= table.resource('cpu');
        memory ??= table.resource('memory');
        return of(share(cpu, slot, cpuAmount), share(memory, slot, memoryAmount));
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
