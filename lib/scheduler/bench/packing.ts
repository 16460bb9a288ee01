// How well hosts are filled: seeded workloads whose VMs come and go, under several ways of choosing a host.
//
//   npm run bench:packing -- [--hosts N] [--seeds N] [--svg FILE] [--json]
//
// For each workload and way: utilisation at the first refusal (the larger of cpu's and memory's share in use), what is
// stranded then (free on hosts on which not even the smallest VM fits), hosts empty at 70 % load, and the hosts in use at
// that load against a lower bound (all that is in use, as if it could be cut at will). The last line with --json:
// {name, params, results: [{what, value, unit, peer, peerValue, ratio}]}.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Profiles, parseConfiguration } from '../profiles.ts';
import { Scheduler } from '../scheduler.ts';
import { NodeTable } from '../table.ts';
import { aNode, aRequest, GIB } from '../testing/fixtures.ts';
import { Random } from '../testing/random.ts';
import type { Request, Resources } from '../types.ts';
import { firstFit, type HostPicker, virtflow } from './pickers.ts';
import { type BarGroup, barChart } from './plot.ts';

const HOST = { cpu: 64_000, memory: 256 * GIB };

type Shape = readonly [cores: number, gib: number];

/** Kinds of VMs, and how often each comes. */
const WORKLOADS: Readonly<Record<string, readonly Shape[]>> = {
  'powers of two': [1, 2, 4, 8, 16].map((cores) => [cores, cores * 4] as const),
  balanced: [1, 2, 3, 4, 6, 8, 12].map((cores) => [cores, cores * 4] as const),
  complementary: [
    [8, 8],
    [2, 32],
    [4, 8],
    [1, 16],
    [16, 16],
    [4, 64],
  ],
  'not dividing': [
    [3, 11],
    [5, 17],
    [7, 31],
    [9, 29],
    [11, 53],
    [13, 37],
  ],
};

/** A way of choosing: builds what decides for a table. */
type Way = (table: NodeTable) => HostPicker;

function profile(name: string, weight: number): Profiles {
  return parseConfiguration({
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'SchedulerConfiguration',
    profiles: [
      { schedulerName: 'default', plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name, weight }] } } },
    ],
  }).profiles;
}

function scheduled(profiles?: Profiles): Way {
  return (table) => {
    const scheduler = new Scheduler(table, profiles);
    return (request) => scheduler.decide(request).node;
  };
}

const WAYS: Readonly<Record<string, Way>> = {
  'default profile': scheduled(),
  'most allocated': scheduled(profile('MostAllocated', 1)),
  'least allocated': scheduled(profile('LeastAllocated', 1)),
  'first fit': firstFit,
  'virtflow formula': virtflow,
};

/** One workload on one set of hosts. */
class Run {
  readonly #table = new NodeTable();
  readonly #pick: HostPicker;
  readonly #random: Random;
  readonly #shapes: readonly Shape[];
  readonly #hosts: number;
  readonly #held: { id: string; resources: Resources }[] = [];
  readonly #inUse = { cpu: 0, memory: 0 };
  #count = 0;

  constructor(way: Way, shapes: readonly Shape[], hosts: number, seed: number) {
    for (let index = 0; index < hosts; index++) {
      this.#table.upsert(aNode(`host-${String(index).padStart(5, '0')}`, { capacity: HOST, maxPlacements: 1000 }));
    }
    this.#pick = way(this.#table);
    this.#random = new Random(seed);
    this.#shapes = shapes;
    this.#hosts = hosts;
  }

  get utilisation(): number {
    const share = (name: 'cpu' | 'memory') => this.#inUse[name] / (this.#hosts * HOST[name]);
    return Math.max(share('cpu'), share('memory'));
  }

  /** False when the VM that came found no host. */
  arrive(): boolean {
    const [cores, gib] = this.#random.pick(this.#shapes);
    const request: Request = aRequest(`vm-${this.#count++}`, { resources: { cpu: cores * 1000, memory: gib * GIB } });
    const host = this.#pick(request);
    if (host === undefined) return false;
    this.#table.reserve(host, request);
    this.#held.push(request);
    this.#change(request.resources, 1);
    return true;
  }

  depart(): void {
    const index = this.#random.below(this.#held.length);
    const leaving = this.#held[index]!;
    this.#held[index] = this.#held.at(-1)!;
    this.#held.pop();
    this.#table.release(leaving.id);
    this.#change(leaving.resources, -1);
  }

  /** Comes to that utilisation, and stays about there while as many VMs as it holds come and go that many times. */
  churn(utilisation: number, times: number): void {
    while (this.utilisation < utilisation && this.arrive());
    for (let step = this.#held.length * times; step > 0; step--) {
      if (this.utilisation >= utilisation) this.depart();
      else if (!this.arrive()) this.depart();
    }
  }

  get emptyHosts(): number {
    let empty = 0;
    for (let slot = 0; slot < this.#table.slots; slot++) if (this.#table.placements[slot] === 0) empty++;
    return empty;
  }

  /** Hosts in use, times the least that could be. */
  get bins(): number {
    return (this.#hosts - this.emptyHosts) / Math.ceil(this.utilisation * this.#hosts);
  }

  /** The share of a resource that is free where no VM of any kind fits. */
  stranded(name: 'cpu' | 'memory'): number {
    const [cpu, memory] = [this.#table.resource('cpu')!, this.#table.resource('memory')!];
    let lost = 0;
    for (let slot = 0; slot < this.#table.slots; slot++) {
      const fits = this.#shapes.some(
        ([cores, gib]) => cores * 1000 <= cpu.free[slot]! && gib * GIB <= memory.free[slot]!,
      );
      if (!fits) lost += (name === 'cpu' ? cpu : memory).free[slot]!;
    }
    return lost / (this.#hosts * HOST[name]);
  }

  #change(resources: Resources, sign: 1 | -1): void {
    this.#inUse.cpu += sign * resources.cpu!;
    this.#inUse.memory += sign * resources.memory!;
  }
}

interface Outcome {
  readonly atRefusal: number;
  readonly strandedCpu: number;
  readonly strandedMemory: number;
  readonly emptyAt70: number;
  readonly binsAt70: number;
}

function outcome(way: Way, shapes: readonly Shape[], hosts: number, seed: number): Outcome {
  const filling = new Run(way, shapes, hosts, seed);
  filling.churn(0.85, 3);
  while (filling.arrive());
  const resting = new Run(way, shapes, hosts, seed);
  resting.churn(0.7, 5);
  return {
    atRefusal: 100 * filling.utilisation,
    strandedCpu: 100 * filling.stranded('cpu'),
    strandedMemory: 100 * filling.stranded('memory'),
    emptyAt70: resting.emptyHosts,
    binsAt70: resting.bins,
  };
}

function mean(outcomes: readonly Outcome[], of: keyof Outcome): number {
  return outcomes.reduce((sum, each) => sum + each[of], 0) / outcomes.length;
}

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '500' },
    seeds: { type: 'string', default: '3' },
    svg: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [hosts, seeds] = [Number(values.hosts), Number(values.seeds)];
const results = [];
const groups: BarGroup[] = [];
for (const [workload, shapes] of Object.entries(WORKLOADS)) {
  const rows = Object.entries(WAYS).map(([name, way]) => {
    const outcomes = Array.from({ length: seeds }, (_, index) => outcome(way, shapes, hosts, index + 1));
    const row = {
      name,
      atRefusal: mean(outcomes, 'atRefusal'),
      strandedCpu: mean(outcomes, 'strandedCpu'),
      strandedMemory: mean(outcomes, 'strandedMemory'),
      emptyAt70: mean(outcomes, 'emptyAt70'),
      binsAt70: mean(outcomes, 'binsAt70'),
    };
    console.log(
      `${workload.padEnd(14)} ${name.padEnd(17)} ${row.atRefusal.toFixed(2)} % at the first refusal, stranded cpu ` +
        `${row.strandedCpu.toFixed(2)} % memory ${row.strandedMemory.toFixed(2)} %; at 70 %: ` +
        `${row.emptyAt70.toFixed(0)} hosts empty, ${row.binsAt70.toFixed(3)} × the least`,
    );
    return row;
  });
  groups.push({ name: workload, bars: rows.map(({ name, atRefusal }) => ({ name, value: atRefusal })) });
  const [ours, ...others] = rows;
  const best = others.reduce((one, other) => (other.atRefusal > one.atRefusal ? other : one));
  results.push({
    what: `${workload}: utilisation at the first refusal`,
    value: ours!.atRefusal,
    unit: '%',
    peer: best.name,
    peerValue: best.atRefusal,
    ratio: ours!.atRefusal / best.atRefusal,
    rows,
  });
}
if (values.svg !== undefined) {
  const title = `% in use when the first VM finds no host: ${hosts} hosts, VMs coming and going`;
  writeFileSync(values.svg, barChart(groups, { title, from: 60, to: 100, step: 10 }));
}
if (values.json) console.log(JSON.stringify({ name: 'packing', params: values, results }));
