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
import { findProgram } from '../../testing/peers.ts';
import type { Driver } from '../driver.ts';
import { Transport } from '../ipmi/transport.ts';
import { openDriver } from '../open.ts';
import { FleetPoller } from '../poller.ts';
import { BmcPool } from '../pool.ts';
import { measureFloor } from './floor.ts';
import { BENCH_ACCOUNT, type Order } from './orders.ts';

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

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

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

interface Noticed {
  readonly median: number;
  readonly slowest: number;
  /** Questions to machines that are well that failed all the same. */
  readonly failures: number;
}

/** Milliseconds from the moment that machines were switched until the poller has said so, each of a sample. */
async function timeToNotice(
  machines: readonly Machine[],
  pool: BmcPool,
  periodMs: number,
  healthy: number[],
): Promise<Noticed> {
  const well = new Set(healthy.map(String));
  let failures = 0;
  const waiting = new Map<string, (at: number) => void>();
  const poller = new FleetPoller({
    driver: (key, target) => pool.driver(key, target),
    clock: systemTime,
    periods: { power: periodMs },
    deadlineMs: 10_000,
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
  const noticed = sample.map(
    (index) => new Promise<number>((resolve) => waiting.set(String(index), (at) => resolve(at - switched))),
  );
  for (const index of sample) machines[index]!.order({ what: 'power', index: machines[index]!.index, state: 'On' });
  const times = await Promise.all(noticed);
  await poller.close();
  for (const index of sample) machines[index]!.order({ what: 'power', index: machines[index]!.index, state: 'Off' });
  return { median: median(times), slowest: Math.max(...times), failures };
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
  const all = machines.map((_, index) => index);
  const noticed = await timeToNotice(machines, pool, params.period, all);
  report({
    what: `change of power noticed, polled every ${params.period} ms, median`,
    value: noticed.median,
    unit: 'ms',
  });
  for (const [place, { order, index }] of machines.entries()) {
    if (place % 20 === 0) order({ what: 'die', index });
    if (place % 20 === 10) order({ what: 'slow', index, ms: SLOW_MS });
  }
  const late = await timeToNotice(
    machines,
    pool,
    params.period,
    all.filter((place) => place % 10 !== 0),
  );
  const spoilt = `the same with 5 % dead and 5 % slow, median`;
  report({
    what: spoilt,
    value: late.median,
    unit: 'ms',
    peer: 'all well',
    peerValue: noticed.median,
    ratio: noticed.median / late.median,
  });
  report({ what: 'the same, slowest', value: late.slowest, unit: 'ms' });
  const failures = noticed.failures + late.failures;
  report({ what: 'failed questions to machines that were well', value: failures, unit: '' });
  transport.close(); // the sessions end with the simulators
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
  },
});
const { json, ...numbers } = values;
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
