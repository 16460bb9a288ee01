// How many BMCs one process keeps an eye on, and what each costs. Simulated BMCs in other processes, real UDP between.
//
//   npm run bench:bmc -- [--bmcs N] [--rounds N] [--concurrency N] [--processes N] [--ipmitool N] [--period MS] [--json]
//
// The peer is one ipmitool process per poll, as many operators do it. Last line with --json:
// {name, params, results: [{what, value, unit, peer, peerValue, ratio}]}; a ratio above 1 says that we are ahead.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs, promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { findProgram } from '../../testing/peers.ts';
import type { Driver } from '../driver.ts';
import { Transport } from '../ipmi/transport.ts';
import { openDriver } from '../open.ts';
import { FleetPoller } from '../poller.ts';
import { BmcPool } from '../pool.ts';
import { measureFloor } from './floor.ts';
import { BENCH_ACCOUNT, type Order } from './orders.ts';

const USAGE = `Usage: npm run bench:bmc -- [options]

  --bmcs N         simulated BMCs (default 1000)
  --rounds N       times that all are polled, once each (10)
  --concurrency N  polls at a time in these rounds (128)
  --processes N    that the simulated BMCs run in (2)
  --ipmitool N     polls by one ipmitool process each; 0: none (50)
  --period MS      in which each BMC is asked once while changes are waited for (5000)
  --json           the results as one line at the end`;
/**
 * Garbage of node:crypto holds memory outside JavaScript's heap, which V8 does not see: by its own rule it collects so late that
 * this is most of the process. In percent that the heap may grow before it is collected whole.
 */
const HEAP_GROWTH = 40;
setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);

const SIMULATORS = new URL('../../sim/bmc/bench/simulators.ts', import.meta.url);
const SLOW_MS = 400;
/** Simulators share the processors with what is measured: that they are late is no loss. */
const PATIENT = [3000, 6000, 12_000, 24_000];
const TICKS_PER_SECOND = 100; // of /proc/self/stat, on every Linux

interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: string;
  readonly peerValue?: number;
  readonly ratio?: number;
}

interface Machine {
  readonly port: number;
  readonly order: (order: Order) => void;
  readonly index: number;
}

async function startSimulators(
  count: number,
  processes: number,
): Promise<{ machines: Machine[]; children: ChildProcess[] }> {
  const machines: Machine[] = [];
  const children: ChildProcess[] = [];
  for (let i = 0; i < processes; i++) {
    const share = Math.floor(count / processes) + (i < count % processes ? 1 : 0);
    const child = fork(SIMULATORS, [String(share)]);
    children.push(child);
    const [ports] = (await once(child, 'message')) as [number[]];
    machines.push(...ports.map((port, index) => ({ port, index, order: (order: Order) => void child.send(order) })));
  }
  return { machines, children };
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** Polls each driver once, so many at a time. */
async function round(drivers: readonly Driver[], concurrency: number): Promise<Measured> {
  const signal = AbortSignal.timeout(600_000);
  const [start, before] = [performance.now(), process.cpuUsage()];
  let next = 0;
  const worker = async () => {
    while (next < drivers.length) await drivers[next++]!.power(signal);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: drivers.length / seconds, cpuMicroseconds: (user + system) / drivers.length };
}

/** The value that this share of them, 0 to 1, does not exceed. */
const quantile = (numbers: readonly number[], share: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) * share)] ?? Number.NaN;
const median = (numbers: readonly number[]) => quantile(numbers, 0.5);

/** CPU seconds of child processes that have ended and were waited for (proc(5): cutime, cstime). */
function childrenSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** One ipmitool process per poll, one after the other. */
async function pollByIpmitool(machines: readonly Machine[], polls: number): Promise<Measured> {
  const run = promisify(execFile);
  const [start, before] = [performance.now(), childrenSeconds()];
  for (let i = 0; i < polls; i++) {
    const { port } = machines[i % machines.length]!;
    const login = [
      '-I',
      'lanplus',
      '-C',
      '17',
      '-H',
      '127.0.0.1',
      '-p',
      String(port),
      '-U',
      BENCH_ACCOUNT.username,
      '-E',
    ];
    const env = { PATH: process.env.PATH, IPMI_PASSWORD: BENCH_ACCOUNT.password };
    await run('ipmitool', [...login, 'chassis', 'power', 'status'], { env });
  }
  const seconds = (performance.now() - start) / 1000;
  return { perSecond: polls / seconds, cpuMicroseconds: ((childrenSeconds() - before) * 1e6) / polls };
}

const systemTime = {
  monotonic: () => performance.now(),
  after: (ms: number, fire: () => void) => {
    const timer = setTimeout(fire, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

interface Watched {
  /** Milliseconds from each change to its notice. */
  readonly noticed: readonly number[];
  /** Milliseconds that questions to machines that are well went out after their time. */
  readonly late: readonly number[];
  /** Questions to machines that are well that failed all the same. */
  readonly failures: number;
}

/** Keeps an eye on all of them until it has noticed that a sample of those that are well was switched on. */
async function watchFleet(
  machines: readonly Machine[],
  pool: BmcPool,
  periodMs: number,
  healthy: readonly number[],
): Promise<Watched> {
  const well = new Set(healthy.map(String));
  let failures = 0;
  const late: number[] = [];
  const waiting = new Map<string, (at: number) => void>();
  const poller = new FleetPoller({
    driver: (key, target) => pool.driver(key, target),
    clock: systemTime,
    periods: { power: periodMs },
    deadlineMs: 10_000,
    asked: (key, _kind, lateMs) => {
      if (well.has(key)) late.push(lateMs);
    },
    observed: (key, { value }) => {
      if (value === 'On') waiting.get(key)?.(performance.now());
    },
    failed: (key) => {
      if (well.has(key)) failures++; // those that are dead are part of the measurement
    },
  });
  for (const [index, machine] of machines.entries()) poller.watch(String(index), targetOf(machine));
  const sample = healthy.filter((_, place) => place % Math.ceil(healthy.length / 50) === 0);
  const switched = performance.now();
  const notices = sample.map(
    (index) => new Promise<number>((resolve) => waiting.set(String(index), (at) => resolve(at - switched))),
  );
  for (const index of sample) machines[index]!.order({ what: 'power', index: machines[index]!.index, state: 'On' });
  const noticed = await Promise.all(notices);
  await poller.close();
  for (const index of sample) machines[index]!.order({ what: 'power', index: machines[index]!.index, state: 'Off' });
  return { noticed, late, failures };
}

const targetOf = ({ port }: Machine) => ({ address: `ipmi://127.0.0.1:${port}`, credentials: BENCH_ACCOUNT });

interface Parameters {
  readonly bmcs: number;
  readonly rounds: number;
  readonly concurrency: number;
  readonly processes: number;
  readonly ipmitool: number;
  readonly period: number;
}

async function measure(
  params: Parameters,
  machines: readonly Machine[],
  report: (result: Result) => void,
): Promise<void> {
  const transport = new Transport();
  const ipmi = { schedule: PATIENT };
  const pool = new BmcPool((target) => openDriver(target, { transport, ipmi }));
  const memory = () => {
    globalThis.gc?.();
    return process.memoryUsage().rss / 1e6;
  };
  const before = memory();
  const drivers = machines.map((machine, index) => pool.driver(String(index), targetOf(machine)));
  const first = await round(drivers, params.concurrency);
  report({ what: 'first polls, log-in included', value: first.perSecond, unit: '1/s' });
  report({ what: 'CPU per log-in and first poll', value: first.cpuMicroseconds, unit: 'us' });
  const polls: Measured[] = [];
  for (let i = 0; i < params.rounds; i++) polls.push(await round(drivers, params.concurrency));
  const perSecond = median(polls.map((poll) => poll.perSecond));
  const cpu = median(polls.map((poll) => poll.cpuMicroseconds));
  report({ what: 'resident memory, whole process', value: memory(), unit: 'MB' });
  report({ what: 'resident memory per BMC', value: ((memory() - before) * 1000) / machines.length, unit: 'kB' });
  const floor = await measureFloor(20_000);
  report({ what: 'CPU per poll', value: cpu, unit: 'us', peer: 'the floor', peerValue: floor, ratio: floor / cpu });
  const peer =
    params.ipmitool > 0 && findProgram('ipmitool') ? await pollByIpmitool(machines, params.ipmitool) : undefined;
  report({
    what: 'polls on open sessions',
    value: perSecond,
    unit: '1/s',
    ...(peer && {
      peer: 'ipmitool, one after the other',
      peerValue: peer.perSecond,
      ratio: perSecond / peer.perSecond,
    }),
  });
  if (peer) {
    const ratio = peer.cpuMicroseconds / cpu;
    report({ what: 'CPU per poll', value: cpu, unit: 'us', peer: 'ipmitool', peerValue: peer.cpuMicroseconds, ratio });
  }
  await measureWatching(params, machines, pool, report);
  transport.close(); // the sessions end with the simulators
}

/**
 * How soon changes are noticed, and how late those that are well are asked: while all are well, with 5 % dead and 5 % slow, and
 * with all well again. What the machine itself does to the figures is in the first and the third, too.
 */
async function measureWatching(
  { period }: Parameters,
  machines: readonly Machine[],
  pool: BmcPool,
  report: (result: Result) => void,
): Promise<void> {
  const well = machines.map((_, place) => place).filter((place) => place % 10 !== 0);
  const watched = () => watchFleet(machines, pool, period, well);
  const before = await watched();
  for (const [place, { order, index }] of machines.entries()) {
    if (place % 20 === 0) order({ what: 'die', index });
    if (place % 20 === 10) order({ what: 'slow', index, ms: SLOW_MS });
  }
  const spoilt = await watched();
  for (const { order, index } of machines) order({ what: 'recover', index });
  const after = await watched();
  const noticed = [...before.noticed, ...after.noticed];
  const late = [...before.late, ...after.late];
  const compare = (what: string, value: number, peerValue: number) =>
    report({ what, value, unit: 'ms', peer: 'all well', peerValue, ratio: peerValue / value });
  const each = `polled every ${period} ms`;
  report({ what: `change of power noticed, ${each}, median`, value: median(noticed), unit: 'ms' });
  compare('the same with 5 % dead and 5 % slow', median(spoilt.noticed), median(noticed));
  compare('slowest', Math.max(...spoilt.noticed), Math.max(...noticed));
  compare('those that are well are asked late by, median', median(spoilt.late), median(late));
  compare('99 of 100 by at most', quantile(spoilt.late, 0.99), quantile(late, 0.99));
  const failures = before.failures + spoilt.failures + after.failures;
  report({ what: 'failed questions to machines that were well', value: failures, unit: '' });
}

const { values } = parseArgs({
  options: {
    bmcs: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '10' },
    concurrency: { type: 'string', default: '128' },
    processes: { type: 'string', default: '2' },
    ipmitool: { type: 'string', default: '50' },
    period: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const { json, help, ...numbers } = values;
if (help) {
  console.log(USAGE);
  process.exit();
}
const params = Object.fromEntries(
  Object.entries(numbers).map(([key, text]) => [key, Number(text)]),
) as unknown as Parameters;
const { machines, children } = await startSimulators(params.bmcs, params.processes);
const results: Result[] = [];
try {
  await measure(params, machines, (result) => {
    results.push(result);
    const { what, value, unit, peer, peerValue, ratio } = result;
    const beside = peer === undefined ? '' : `   (${peer}: ${peerValue?.toFixed(1)}, ratio ${ratio?.toFixed(2)})`;
    if (!json) console.log(`${what.padEnd(64)} ${value.toFixed(1).padStart(10)} ${unit}${beside}`);
  });
} finally {
  for (const child of children) child.disconnect();
}
if (json) console.log(JSON.stringify({ name: 'bmc', params, results }));
process.exit();
