// npm run soak: an hour's worth of bad days in minutes, on the real API server that a kubeconfig names.
import { parseArgs } from 'node:util';
import { LOG_LEVELS, type LogLevel } from '../../../lib/observe/logger.ts';
import { type SoakResult, soak } from './soak.ts';

const usage = `Usage: npm run soak -- [options]

Runs the operator between a hostile API server and simulated machines while people change things all the time, and checks
that everything converges, nothing is done twice, no key is stuck and nothing leaks. Exit code 1 when anything is wrong.

  --kubeconfig FILE   a cluster to itself, with an administrator's rights (default: an embedded API server)
  --seed N            brings the same faults and changes back (default 1)
  --minutes M         how long things are changed (default 6: at ten times the speed, an hour)
  --devices N         simulated machines (default 500)
  --instances N       about so many at any time (default 200)
  --placements N      about so many at any time (default 100)
  --speed N           how many times as fast the operator's time runs (default 10)
  --every MS          between two changes (default 60)
  --outage SECONDS    length of an outage by the operator's time, every ten of its minutes (default 60; 0: none)
  --log-level LEVEL   of the operator, kept with E2E_KEEP=1 (default info)
  --json              one object as the last line`;

const number = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    seed: { ...number, default: '1' },
    minutes: { ...number, default: '6' },
    devices: { ...number, default: '500' },
    instances: { ...number, default: '200' },
    placements: { ...number, default: '100' },
    speed: { ...number, default: '10' },
    every: { ...number, default: '60' },
    outage: { ...number, default: '60' },
    'log-level': { type: 'string', default: 'info' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function positive(
  name: 'seed' | 'minutes' | 'devices' | 'instances' | 'placements' | 'speed' | 'every' | 'outage',
): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new RangeError(`--${name} takes a number, not "${values[name]}"`);
}

const first = (result: SoakResult) => result.samples.find(({ when }) => when === 'before');
const last = (result: SoakResult) => result.samples.findLast(({ when }) => when === 'after');

function report(params: object, result: SoakResult): object {
  const { changes, processes, settledMs, faults, struck, passed, operations, record } = result;
  const figure = (what: string, value: number | undefined, unit: string) => ({
    what,
    value: Math.round(value ?? 0),
    unit,
  });
  return {
    name: 'hostile',
    params,
    results: [
      figure('faults found', faults.length, ''),
      figure('changes', changes, ''),
      figure('settled after', settledMs / 1000, 's'),
      figure('operator processes', processes, ''),
      figure('heap at rest before', first(result)?.heapMB, 'MiB'),
      figure('heap at rest after', last(result)?.heapMB, 'MiB'),
      ...Object.entries(struck).map(([what, value]) => figure(`struck: ${what}`, value, '')),
      ...Object.entries(passed).map(([what, value]) => figure(`reached the server: ${what}`, value, '')),
      ...Object.entries(operations).map(([what, value]) => figure(`operations: ${what}`, value, '')),
      ...Object.entries(record).map(([what, value]) => figure(`machines: ${what}`, value, '')),
    ],
  };
}

if (values.help) console.log(usage);
else {
  const speed = positive('speed');
  const outage = (positive('outage') * 1000) / speed;
  const params = {
    seed: positive('seed'),
    devices: positive('devices'),
    instances: positive('instances'),
    placements: positive('placements'),
    forMs: positive('minutes') * 60_000,
    everyMs: positive('every'),
    speed,
    hostility: {
      calls: 0.05,
      watches: 0.9,
      delayMs: 2_000 / speed,
      outages: outage > 0 ? { everyMs: 600_000 / speed, lastMs: outage } : undefined,
    },
  };
  const logLevel = values['log-level'] as LogLevel;
  if (!LOG_LEVELS.includes(logLevel)) throw new RangeError(`--log-level takes ${LOG_LEVELS.join(', ')}`);
  const begun = performance.now();
  const say = (what: string) => console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)}  ${what}`);
  const result = await soak({ ...params, kubeconfig: values.kubeconfig, patienceMs: 300_000, logLevel, say });
  for (const fault of result.faults) console.log(`FAULT  ${fault}`);
  if (values.json) console.log(JSON.stringify(report(params, result)));
  process.exitCode = result.faults.length > 0 ? 1 : 0;
}
