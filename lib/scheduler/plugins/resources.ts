// Resources: does it fit what is free, and which node is left in the best shape by it.
import type { Filter, Plugin, Score } from '../plugin.ts';
import type { TableView } from '../table.ts';
import type { Request } from '../types.ts';

/** What is asked for, without zeros: device, cpu and memory in this order, then the others by name. */
type Wanted = readonly (readonly [name: string, amount: number])[];

const ORDER = ['device', 'cpu', 'memory'];

export function wanted(request: Request): Wanted {
  const list: [string, number][] = [];
  for (const name in request.resources) {
    const amount = request.resources[name]!;
    if (amount > 0) list.push([name, amount]);
  }
  return list.sort(([left], [right]) => rankOf(left) - rankOf(right) || (left < right ? -1 : 1));
}

function rankOf(name: string): number {
  const index = ORDER.indexOf(name);
  return index < 0 ? ORDER.length : index;
}

const fitFilter: Filter<Wanted> = {
  stage: 'filter',
  reads: 'allocations',
  sign: wanted,
  compile(list, { table, reason }) {
    const checks = list.map(([name, amount]) => ({
      name,
      amount,
      column: table.resource(name),
      code: reason(name === 'device' ? 'taken' : `too little ${name}`),
    }));
    return (slot) => {
      for (const check of checks) {
        check.column ??= table.resource(check.name);
        if (check.column === undefined || check.column.free[slot]! < check.amount) return check.code;
      }
      return 0;
    };
  },
};

export const nodeResourcesFit: Plugin = { name: 'NodeResourcesFit', filter: fitFilter };

/** The share of a node's resource that is in use once the request is there, in parts of `scale`, rounded down. */
export function usedShare(capacity: number, free: number, amount: number, scale: number): number {
  return capacity > 0 ? Math.floor((scale * Math.min(capacity, capacity - free + amount)) / capacity) : scale;
}

const SCALE = 1000;
const SHAPED = ['cpu', 'memory'];

/** A score over the shares of cpu and memory that would be in use. */
function shapeScore(of: (shares: readonly number[]) => number): Score<Wanted> {
  return {
    max: SCALE,
    reads: 'allocations',
    sign: (request) => wanted(request).filter(([name]) => SHAPED.includes(name)),
    compile(list, { table }) {
      const amounts = SHAPED.map((name) => list.find(([other]) => other === name)?.[1] ?? 0);
      return (slot) => of(SHAPED.map((name, index) => shareIn(table, name, slot, amounts[index]!)));
    },
  };
}

function shareIn(table: TableView, name: string, slot: number, amount: number): number {
  const column = table.resource(name);
  return column ? usedShare(column.capacity[slot]!, column.free[slot]!, amount, SCALE) : SCALE;
}

/** The fuller the better: keeps empty nodes empty. */
export const mostAllocated: Plugin = {
  name: 'MostAllocated',
  score: shapeScore((shares) => Math.floor(shares.reduce((sum, share) => sum + share, 0) / shares.length)),
};

/** The emptier the better: spreads load. */
export const leastAllocated: Plugin = {
  name: 'LeastAllocated',
  score: shapeScore((shares) => SCALE - Math.ceil(shares.reduce((sum, share) => sum + share, 0) / shares.length)),
};

/** The less one resource is left over without the other, the better: a node with memory but no cpu is stranded. */
export const balancedAllocation: Plugin = {
  name: 'BalancedAllocation',
  score: shapeScore((shares) => SCALE - (Math.max(...shares) - Math.min(...shares))),
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
