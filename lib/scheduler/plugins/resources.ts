// Resources: does it fit what is free, and which node is left in the best shape by it.
import type { AllocationsFilter, AllocationsScore, Feature, Plugin, Score } from '../plugin.ts';
import type { ResourceColumn, TableView } from '../table.ts';
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

/** What there is of a resource, or what is left of it; 0 while no node has had any. */
function resourceFeature(what: 'capacity' | 'free', name: string, table: TableView): Feature {
  let column: ResourceColumn | undefined;
  const read = (slot: number) => {
    column ??= table.resource(name);
    return column ? column[what][slot]! : 0;
  };
  return { name: `${what} ${name}`, kind: what === 'capacity' ? 'of the node' : 'number', read };
}

/** Negated codes, by resource: what a class wants, and how it is told that there is too little. */
type Checks = ReadonlyMap<string, { readonly amount: number; readonly refused: number }>;

/** One resource, by lane. Its column is looked up until there is one. */
interface Check {
  readonly name: string;
  readonly amounts: Float64Array;
  readonly most: number;
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
  features: (checks, table) => Array.from(checks.keys(), (name) => resourceFeature('free', name, table)),
  join(parts, table) {
    const names = new Set(parts.flatMap((part) => (part ? [...part.keys()] : [])));
    const checks = [...names].sort(byTurn).map((name): Check => {
      // Who wants nothing of it has enough, also where more was bound than there is.
      const amounts = Float64Array.from(parts, (part) => part?.get(name)?.amount ?? Number.NEGATIVE_INFINITY);
      const refused = Int32Array.from(parts, (part) => part?.get(name)?.refused ?? 0);
      return { name, amounts, most: amounts.reduce((one, other) => Math.max(one, other)), refused, column: undefined };
    });
    return (slot, verdicts) => {
      for (let index = 0; index < checks.length; index++) {
        const check = checks[index]!;
        check.column ??= table.resource(check.name);
        const free = check.column ? check.column.free[slot]! : 0;
        if (free >= check.most) continue;
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

/** The shares of a resource that would be in use, for what lanes ask of it: many ask for the same, which is worked out once. */
class Shares {
  /** Of the node that was looked at, by amount. */
  readonly shares: Int32Array;
  /** By lane, whose share it is. */
  readonly at: Int32Array;
  readonly #name: string;
  readonly #table: TableView;
  /** Each once, rising. */
  readonly #amounts: Float64Array;
  #column: ResourceColumn | undefined;

  constructor(name: string, lanes: readonly number[], table: TableView) {
    this.#name = name;
    this.#table = table;
    this.#amounts = Float64Array.from(new Set(lanes)).sort();
    this.shares = new Int32Array(this.#amounts.length);
    this.at = Int32Array.from(lanes, (amount) => this.#amounts.indexOf(amount));
  }

  look(slot: number): void {
    this.#column ??= this.#table.resource(this.#name);
    const capacity = this.#column ? this.#column.capacity[slot]! : 0;
    const free = this.#column ? this.#column.free[slot]! : 0;
    const amounts = this.#amounts;
    for (let index = 0; index < amounts.length; index++) {
      this.shares[index] = share(capacity, free, amounts[index]!);
      // Who asks for more than is left would not leave less.
      if (amounts[index]! >= free) {
        this.shares.fill(this.shares[index]!, index);
        return;
      }
    }
  }
}

interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

/** Adds to the verdict of every lane in question the score of shares of cpu and memory, which stand where `at` says. */
type AddScores = (verdicts: Int32Array, cpu: Shares, memory: Shares, weight: number) => void;

/** A score over the shares of cpu and memory that would be in use. */
function shapeScore(add: AddScores): AllocationsScore<Wanted, Amounts> {
  return {
    max: SCALE,
    reads: 'allocations',
    sign: wanted,
    compile: (list) => ({ cpu: amountOf(list, 'cpu'), memory: amountOf(list, 'memory') }),
    features: (_amounts, table) =>
      ['cpu', 'memory'].flatMap((name) => [
        resourceFeature('capacity', name, table),
        resourceFeature('free', name, table),
      ]),
    // Every request signs this, so only lanes that nobody has lack a part.
    join(parts, table, weight) {
      const cpu = new Shares(
        'cpu',
        parts.map((part) => part?.cpu ?? 0),
        table,
      );
      const memory = new Shares(
        'memory',
        parts.map((part) => part?.memory ?? 0),
        table,
      );
      return (slot, verdicts) => {
        cpu.look(slot);
        memory.look(slot);
        add(verdicts, cpu, memory, weight);
      };
    },
  };
}

/** The fuller the better: keeps empty nodes empty. */
export const mostAllocated: Plugin = {
  name: 'MostAllocated',
  score: shapeScore((verdicts, cpu, memory, weight) => {
    for (let lane = 0; lane < cpu.at.length; lane++) {
      if (verdicts[lane]! < 0) continue;
      verdicts[lane]! += weight * ((cpu.shares[cpu.at[lane]!]! + memory.shares[memory.at[lane]!]!) >> 1);
    }
  }),
};

/** The emptier the better: spreads load. */
export const leastAllocated: Plugin = {
  name: 'LeastAllocated',
  score: shapeScore((verdicts, cpu, memory, weight) => {
    for (let lane = 0; lane < cpu.at.length; lane++) {
      if (verdicts[lane]! < 0) continue;
      const both = cpu.shares[cpu.at[lane]!]! + memory.shares[memory.at[lane]!]!;
      verdicts[lane]! += weight * (SCALE - ((both + 1) >> 1));
    }
  }),
};

/** The less one resource is left over without the other, the better: a node with memory but no cpu is stranded. */
export const balancedAllocation: Plugin = {
  name: 'BalancedAllocation',
  score: shapeScore((verdicts, cpu, memory, weight) => {
    for (let lane = 0; lane < cpu.at.length; lane++) {
      if (verdicts[lane]! < 0) continue;
      const apart = Math.abs(cpu.shares[cpu.at[lane]!]! - memory.shares[memory.at[lane]!]!);
      verdicts[lane]! += weight * (SCALE - apart);
    }
  }),
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
