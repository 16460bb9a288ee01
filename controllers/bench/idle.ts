// What the operator costs while nothing is to be done: thousands of Devices on offer, whose BMCs are polled all the time; and what
// it writes when machines are switched by hand. The operator is the product's own process, started as anyone starts it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { DEVICE_INVENTORIES, DEVICE_TYPES, DEVICES, GROUP, IMAGES, SITES } from '../../lib/api/resources.ts';
import { ensureNamespace, installDefinitions } from '../../lib/cli/manifests.ts';
import { follow, type View } from '../../lib/cli/view.ts';
import { createClient, type KubeClient } from '../../lib/kube/client.ts';
import { found } from '../../lib/kube/errors.ts';
import type { KubeObject, Resource } from '../../lib/kube/resource.ts';
import { createLogger } from '../../lib/observe/logger.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { freePort } from '../../lib/testing/free-port.ts';
import { servedGroups, tokenIn } from '../e2e/service-account.ts';
import { type Clones, makeClones } from './clones.ts';

const USAGE = `Usage: npm run bench:operator -- --kubeconfig FILE [options]

The operator with thousands of Devices on offer and nothing to do: memory, CPU, stalls, writes; then some machines are switched
on by hand, and what it writes of that is counted.

  --kubeconfig FILE   a cluster to itself, with an administrator's rights and token
  --devices N         how many (default 10000)
  --seconds S         how long it is watched (default 120: two polls of each machine's power)
  --switched N        machines to switch by hand (default 50)
  --json              as the last line {name, params, results: [{what, value, unit, limit}]}`;

interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The most that it shall be. */
  readonly limit?: number;
}

/** Nothing was written for so long: it has come to rest. */
const QUIET_MS = 15_000;
const REMOVERS = 16;
const PAGE = 500;
const PATIENCE = { deadlineMs: 600_000, everyMs: 250 };
const MAIN = new URL('../main.ts', import.meta.url).pathname;

interface OperatorUnderTest extends AsyncDisposable {
  /** By the metric's name: the sum over all labels, or over those series that have this one. */
  metrics(): Promise<(name: string, label?: string) => number>;
}

async function startOperatorProcess(kubeconfig: string): Promise<OperatorUnderTest> {
  const port = await freePort();
  const options = ['--kubeconfig', kubeconfig, '--provision-port', '0', '--boot-port', '0', '--log-level', 'error'];
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'run', ...options, '--metrics-port', String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // As the image has it.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const ended = once(child, 'exit');
  const token = tokenIn(kubeconfig);
  async function scrape(): Promise<string> {
    const headers = { authorization: `Bearer ${token}` };
    // The certificate is the operator's own, made for the names that machines reach it by.
    const asked = get({ host: '127.0.0.1', port, path: '/metrics', headers, rejectUnauthorized: false });
    const [answer] = await once(asked, 'response');
    const body = await text(answer);
    if (answer.statusCode !== 200) throw new Error(`the operator's metrics: ${answer.statusCode} ${body}`);
    return body;
  }
  await eventually(
    () =>
      scrape().catch((error: Error & { code?: string }) => {
        if (error.code === 'ECONNREFUSED') return undefined; // not up yet
        throw error;
      }),
    PATIENCE,
  );
  return {
    async metrics() {
      const lines = (await scrape()).split('\n');
      return (name, label = '') =>
        lines
          .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Counts changes of Devices. */
function countChanges(view: View, stack: AsyncDisposableStack) {
  const counts = new Map<string, number>();
  let last = performance.now();
  stack.defer(
    view.devices.subscribe(({ object: { metadata } }) => {
      counts.set(metadata.name, (counts.get(metadata.name) ?? 0) + 1);
      last = performance.now();
    }),
  );
  const total = () => [...counts.values()].reduce((sum, count) => sum + count, 0);
  return {
    counts,
    total,
    reset: () => counts.clear(),
    atRest: () => eventually(() => performance.now() - last > QUIET_MS, PATIENCE),
  };
}

const MIB = 2 ** 20;
const CPU = 'process_cpu_seconds_total';
const RESIDENT = 'process_resident_memory_bytes';
const SENSORS = 'request="sensors"';
const STALL = 'nodejs_eventloop_lag_max_seconds';

async function measure(
  { devices, seconds, switched }: { devices: number; seconds: number; switched: number },
  kubeconfig: string,
  view: View,
  clones: Clones,
): Promise<Result[]> {
  await using stack = new AsyncDisposableStack();
  const changes = countChanges(view, stack);
  const begun = performance.now();
  const operator = stack.use(await startOperatorProcess(kubeconfig));
  const synced = await eventually(async () => {
    const metric = await operator.metrics();
    return metric('controller_runtime_reconcile_total') >= devices && metric('workqueue_depth') === 0 && metric;
  }, PATIENCE);
  const startS = (performance.now() - begun) / 1000;
  say('the operator has looked at all of them');
  await changes.atRest();
  say('at rest');
  const settling = changes.total();
  changes.reset();

  // The first reading of a BMC's sensors takes its whole repository along.
  await eventually(async () => (await operator.metrics())('bmc_requests_total', SENSORS) >= devices, PATIENCE);
  say('the sensors of all of them were read');
  const before = await operator.metrics();
  await setTimeout(seconds * 1000);
  const after = await operator.metrics();
  const idleWrites = changes.total();
  const polls = after('bmc_requests_total') - before('bmc_requests_total');

  changes.reset();
  for (const name of clones.names.slice(0, switched)) clones.switch(name, 'On');
  await eventually(() => changes.counts.size >= switched, PATIENCE);
  await changes.atRest();
  const most = Math.max(...changes.counts.values());
  return [
    { what: 'start until every Device was looked at', value: startS, unit: 's' },
    { what: 'longest stall until then', value: synced(STALL) * 1000, unit: 'ms' },
    { what: 'status writes until it came to rest', value: settling, unit: '' },
    { what: 'idle: resident memory', value: after(RESIDENT) / MIB, unit: 'MB', limit: 400 },
    { what: 'idle: share of a core', value: (100 * (after(CPU) - before(CPU))) / seconds, unit: '%', limit: 5 },
    { what: 'idle: longest stall', value: after(STALL) * 1000, unit: 'ms', limit: 100 },
    { what: 'idle: questions to BMCs', value: polls / seconds, unit: '1/s' },
    { what: 'idle: status writes', value: idleWrites, unit: '', limit: 0 },
    { what: 'machines switched by hand', value: switched, unit: '' },
    { what: 'status writes for each, at most', value: most, unit: '' },
  ];
}

/** Finalizers go as well: their owner is gone. */
async function cleanUp(client: KubeClient): Promise<void> {
  const kinds: Resource[] = [DEVICES, DEVICE_INVENTORIES, IMAGES, DEVICE_TYPES, SITES];
  const first = async (resource: Resource) =>
    (await client.list(resource, { limit: PAGE })).items.map(({ metadata }) => metadata);
  const remove = async (resource: Resource, { name, finalizers }: KubeObject['metadata']) => {
    const body = { metadata: { finalizers: null } };
    if (finalizers) await found(client.patch(resource, { name }, { type: 'merge', body }));
    // Where there is a garbage collector, it has been at inventories already.
    await found(client.delete(resource, { name }));
  };
  for (const resource of kinds) {
    // Always the first page: by the time that it is gone, the next one of an old list may have been compacted away.
    for (let page = await first(resource); page.length > 0; page = await first(resource)) {
      const remover = async () => {
        for (let next = page.pop(); next; next = page.pop()) await remove(resource, next);
      };
      await Promise.all(Array.from({ length: REMOVERS }, remover));
    }
  }
}

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    kubeconfig: { type: 'string' },
    devices: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '120' },
    switched: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});

async function bench(
  kubeconfig: string,
  params: { devices: number; seconds: number; switched: number },
): Promise<Result[]> {
  await using stack = new AsyncDisposableStack();
  const client = createClient({ kubeconfig });
  stack.defer(() => client.close());
  const stop = new AbortController();
  stack.defer(() => stop.abort(new Error('the benchmark is over')));
  if (!(await servedGroups(client)).has(GROUP)) await installDefinitions(client, stop.signal);
  if ((await client.list(DEVICES, { limit: 1 })).items.length > 0)
    throw new Error('there are Devices already: this benchmark needs a cluster to itself');
  await ensureNamespace(client, OPERATOR_NAMESPACE);
  stack.defer(() => cleanUp(client));
  const clones = await makeClones(client, params.devices, stack);
  const view = await follow(client, createLogger({ level: 'error' }), stop.signal);
  say(`${params.devices} Devices on offer`);
  return await measure(params, kubeconfig, view, clones);
}

/** What takes long is told of, apart from the results. */
const say = (what: string): void => console.error(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${what}`);

const whole = (name: 'devices' | 'seconds' | 'switched'): number => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} takes a whole number, not "${values[name]}"`);
};

if (values.help || !values.kubeconfig) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 1;
} else {
  const params = { devices: whole('devices'), seconds: whole('seconds'), switched: whole('switched') };
  const results = (await bench(values.kubeconfig, params)).map((result) => ({
    ...result,
    value: Number(result.value.toPrecision(4)),
  }));
  for (const { what, value, unit, limit } of results)
    console.log(`${what.padEnd(44)} ${value} ${unit}${limit === undefined ? '' : `   (at most ${limit})`}`);
  if (values.json) console.log(JSON.stringify({ name: 'operator', params, results }));
}
