// The framework on a cluster with many objects: time and memory of the first sync beside client-node's own informer,
// reconciles and writes a second, and what it costs to have nothing to do.
//
// Every figure comes from a process of its own.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { createClient } from '../../kube/client.ts';
import type { Measurement } from './measured.ts';
import { empty, fill } from './objects.ts';

interface Result {
  what: string;
  value: number;
  unit: string;
  peer?: string;
  peerValue?: number;
  ratio?: number;
}

const run = promisify(execFile);

async function measure(program: string, ...args: string[]): Promise<Measurement> {
  const env = { ...process.env, NODE_ENV: 'production' };
  const path = fileURLToPath(new URL(program, import.meta.url));
  const { stdout } = await run(process.execPath, [path, ...args], { env });
  return JSON.parse(stdout) as Measurement;
}

const round = (value: number) => Number(value.toPrecision(4));
const CLIENT_NODE = '@kubernetes/client-node informer';

/** Where less is better. */
function besides(what: string, unit: string, ours: number, peer: number): Result {
  return { what, unit, value: round(ours), peer: CLIENT_NODE, peerValue: round(peer), ratio: round(peer / ours) };
}

async function atScale(kubeconfig: string, objects: number, seconds: number): Promise<Result[]> {
  const client = createClient({ kubeconfig });
  const namespace = `bench-${randomBytes(4).toString('hex')}`;
  await fill(client, namespace, objects);
  try {
    const of = (work: string) => measure('measure.ts', kubeconfig, namespace, work, String(seconds));
    const ours = await of('sync');
    const theirs = await measure('../../kube/bench/client-node.ts', kubeconfig, namespace);
    const idle = await of('idle');
    const unchanged = await of('reconcile');
    const changing = await of('write');
    const named = (what: string) => `${what}, ${objects} objects`;
    const alone = (what: string, value: number, unit: string): Result => ({
      what: named(what),
      value: round(value),
      unit,
    });
    return [
      besides(named('first sync'), 's', ours.seconds, theirs.seconds),
      besides(named('CPU of the first sync'), 's', ours.cpuSeconds, theirs.cpuSeconds),
      besides(named('resident memory after it'), 'MB', ours.residentMB, theirs.residentMB),
      besides(named('longest stall during it'), 'ms', ours.stallMs, theirs.stallMs),
      alone('idle: resident memory', idle.residentMB, 'MB'),
      alone('idle: share of a core', (100 * idle.cpuSeconds) / idle.seconds, '%'),
      alone('idle: longest stall', idle.stallMs, 'ms'),
      alone('reconciles that change nothing', unchanged.count / unchanged.seconds, '1/s'),
      alone('the same per CPU second', unchanged.count / unchanged.cpuSeconds, '1/s'),
      alone('reconciles that write', changing.count / changing.seconds, '1/s'),
      alone('the same per CPU second', changing.count / changing.cpuSeconds, '1/s'),
    ];
  } finally {
    await empty(client, namespace);
    await client.close();
  }
}

const USAGE = `Usage: npm run bench:runtime -- --kubeconfig FILE [options]

The framework against a real API server: the first sync beside client-node's own informer, what it costs to have nothing
to do, reconciles and writes. It fills a namespace of its own with ConfigMaps of a Device's size, and deletes it at the end.

  --kubeconfig FILE   the cluster
  --objects N,N       how many objects (default 10000,50000)
  --seconds S         how long reconciles, writes and idleness are measured (default 10)
  --json              as the last line {name, params, results: [{what, value, unit, peer, peerValue, ratio}]};
                      a ratio above 1 means ahead of the peer`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    kubeconfig: { type: 'string' },
    objects: { type: 'string', default: '10000,50000' },
    seconds: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
if (values.help || !values.kubeconfig) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 1);
}
const sizes = values.objects.split(',').map(Number);
const results: Result[] = [];
for (const objects of sizes) results.push(...(await atScale(values.kubeconfig, objects, Number(values.seconds))));
for (const { what, value, unit, peerValue } of results) {
  console.log(
    `${what.padEnd(56)} ${value} ${unit}${peerValue === undefined ? '' : `   (${CLIENT_NODE}: ${peerValue})`}`,
  );
}
if (values.json)
  console.log(
    JSON.stringify({ name: 'runtime', params: { objects: sizes, seconds: Number(values.seconds) }, results }),
  );
