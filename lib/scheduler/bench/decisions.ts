// Decisions per CPU-second of the pure scheduler, at about 85 % full, with a bind and a departure for every decision.
//
//   npm run bench:scheduler -- [--nodes N,N] [--classes N,N] [--pools N,N] [--spread no,yes] [--seconds S] [--json]
//   npm run bench:scheduler -- --memory [--nodes N] [--placements N] [--json]
//
// The peer is a plain scan over objects, as one would write it first (lib/scheduler/reference.ts says the same in plainer
// words, and slower). Both are measured in turns, in short windows, and the median window counts: what else the machine does
// meets both alike. --memory says what the process holds once that many placements are bound. The last line with --json:
// {name, params, results: [{what, value, unit, peer, peerValue, ratio}]}.
import { parseArgs } from 'node:util';
import { Scheduler } from '../scheduler.ts';
import type { NodeTable } from '../table.ts';
import { clusterOf, kindsOf, Load, placementsWhenFull, type Setting } from './load.ts';
import { PlainScheduler } from './plain.ts';

const WINDOWS = 9;
const LATENCIES = 20_000;
/** Steps between two looks at the CPU time, which cost as much as some decisions do. */
const OURS = 512;
const PLAIN = 4;

function loadOf(setting: Setting): { table: NodeTable; load: Load } {
  const table = clusterOf(setting);
  const scheduler = new Scheduler(table);
  const decider = {
    decide: (request: Parameters<Scheduler['decide']>[0]) => scheduler.decide(request).node,
    reserve: table.reserve.bind(table),
    release: table.release.bind(table),
  };
  return { table, load: new Load(decider, kindsOf(setting)) };
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

function median(list: readonly number[]): number {
  return list.toSorted((one, other) => one - other)[list.length >> 1]!;
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

interface Measured {
  readonly value: number;
  readonly p50: number;
  readonly p99: number;
  readonly peerValue?: number;
}

function measure(setting: Setting, seconds: number): Measured {
  const { table, load } = loadOf(setting);
  const kinds = kindsOf(setting);
  for (let left = placementsWhenFull(setting, kinds); left > 0; left--) load.arrive();
  // The plain one knows no spread.
  const plain = setting.spread ? undefined : new Load(new PlainScheduler(table), kinds);
  rate(load, seconds / 4, OURS);
  const [ours, peers]: number[][] = [[], []];
  for (let window = 0; window < WINDOWS; window++) {
    ours!.push(rate(load, seconds / WINDOWS, OURS));
    if (plain) peers!.push(rate(plain, seconds / WINDOWS / 4, PLAIN));
  }
  const [p50, p99] = latencies(load, LATENCIES, [0.5, 0.99]);
  return { value: median(ours!), p50: p50!, p99: p99!, ...(plain && { peerValue: median(peers!) }) };
}

function decisions(settings: readonly Setting[], seconds: number): object[] {
  return settings.flatMap((setting) => {
    const { nodes, pools, classes, spread } = setting;
    const { value, p50, p99, peerValue } = measure(setting, seconds);
    const what = `${nodes} nodes, ${pools} pools, ${classes} classes${spread ? ', spread over zones' : ''}`;
    const beside = peerValue === undefined ? '' : `  (scan over objects ${Math.round(peerValue)})`;
    console.log(
      `${what}: ${Math.round(value)} decisions/CPU-s, p50 ${p50.toFixed(1)} µs, p99 ${p99.toFixed(1)} µs${beside}`,
    );
    const peer = peerValue && {
      peer: 'scan over objects',
      peerValue: Math.round(peerValue),
      ratio: value / peerValue,
    };
    return [
      { what, value: Math.round(value), unit: 'decisions/CPU-s', ...peer },
      { what: `${what}, p50`, value: p50, unit: 'µs' },
      { what: `${what}, p99`, value: p99, unit: 'µs' },
    ];
  });
}

/** Megabytes resident with that many placements on that many nodes, all classes in use. */
function memory(setting: Setting, placements: number): object[] {
  const { load } = loadOf(setting);
  while (load.held < placements) {
    const before = load.held;
    load.arrive();
    if (load.held === before) load.depart();
  }
  for (let step = 0; step < LATENCIES; step++) load.step();
  const value = Math.round(process.memoryUsage().rss / 1e6);
  const what = `${setting.nodes} nodes, ${load.held} placements, ${setting.classes} classes`;
  console.log(`${what}: ${value} MB resident`);
  return [{ what, value, unit: 'MB resident' }];
}

function numbers(text: string): number[] {
  return text.split(',').map((part) => {
    const number = Number(part);
    if (!Number.isInteger(number) || number < 1) throw new Error(`not a whole number above 0: ${part}`);
    return number;
  });
}

function truths(text: string): boolean[] {
  return text.split(',').map((part) => {
    if (part !== 'yes' && part !== 'no') throw new Error(`neither yes nor no: ${part}`);
    return part === 'yes';
  });
}

const { values } = parseArgs({
  options: {
    nodes: { type: 'string' },
    classes: { type: 'string' },
    pools: { type: 'string' },
    spread: { type: 'string', default: 'no,yes' },
    seconds: { type: 'string', default: '1' },
    memory: { type: 'boolean', default: false },
    placements: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});

function settings(): Setting[] {
  return numbers(values.nodes ?? '5000').flatMap((nodes) =>
    numbers(values.pools ?? '1,4,16').flatMap((pools) =>
      numbers(values.classes ?? '16,64,256').flatMap((classes) =>
        truths(values.spread).map((spread) => ({ nodes, pools, classes, spread })),
      ),
    ),
  );
}

function first(option: string | undefined, otherwise: number): number {
  return option === undefined ? otherwise : numbers(option)[0]!;
}

const large = {
  nodes: first(values.nodes, 100_000),
  pools: first(values.pools, 16),
  classes: first(values.classes, 64),
  spread: false,
};
const results = values.memory
  ? memory(large, first(values.placements, 1))
  : decisions(settings(), Number(values.seconds));
if (values.json) console.log(JSON.stringify({ name: 'scheduler', params: values, results }));
