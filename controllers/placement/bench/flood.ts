// How long a request that fits waits for its place, beside any number that fit nowhere.
//
// Requests that fit come at a steady pace, first alone, then while others stand there that nobody has room for, and more of these
// come: distinct classes, gangs of hundreds, affinity terms as large as they may be, spread over labels that no host has.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Placement } from '../../../lib/api/generated.ts';
import { PLACEMENTS } from '../../../lib/api/resources.ts';
import { readAccess } from '../../../lib/apiserver/bench/load.ts';
import { usageOf } from '../../../lib/apiserver/bench/processes.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { create, type Item, oursContents, placementItem } from './contents.ts';
import { startOurs } from './peers.ts';

const USAGE = `Usage: npm run bench:scheduler -- --flood [options]

  --kubeconfig FILE  the cluster, with an administrator's token (default: an embedded one, made for this)
  --nodes N          hosts (default 500)
  --hopeless N       requests that fit nowhere (default 2000)
  --pace N           requests that fit, a second (default 5)
  --requests N       how many of these (default 100)
  --json             as the last line {name, params, results: [{what, value, unit, peer, peerValue, ratio}]}`;

const { values } = parseArgs({
  options: {
    flood: { type: 'boolean' },
    help: { type: 'boolean', short: 'h', default: false },
    kubeconfig: { type: 'string' },
    nodes: { type: 'string', default: '500' },
    hopeless: { type: 'string', default: '2000' },
    pace: { type: 'string', default: '5' },
    requests: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: 'nodes' | 'hopeless' | 'pace' | 'requests'): number => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} takes a whole number of one or more, not "${values[name]}"`);
};

type Spec = Placement['spec'];
const SMALL = { cpu: '100m', memory: '64Mi' };
const GANG = 400;

const terms = (index: number) =>
  Array.from({ length: 8 }, (_, term) => ({
    topologyKey: 'rack',
    selector: {
      matchLabels: Object.fromEntries(Array.from({ length: 16 }, (__, label) => [`l${label}`, `v${index}-${term}`])),
    },
  }));

/** Each a class of its own, but for the members of a gang. */
const HOPELESS: ((index: number) => Spec)[] = [
  (index) => ({ resources: { cpu: String(1000 + index), memory: '1Gi' } }),
  (index) => ({ resources: SMALL, affinity: { required: terms(index) } }),
  (index) => ({
    resources: SMALL,
    spread: [{ topologyKey: `invented-${index}`, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
  }),
  (index) => ({
    resources: { cpu: '60', memory: '1Gi', nowhere: 1 },
    group: { name: `gang-${Math.floor(index / 4 / GANG)}`, size: GANG, gang: true },
  }),
];

const hopeless = (namespace: string, count: number): Item[] =>
  Array.from({ length: count }, (_, index) =>
    placementItem(namespace, `hopeless-${index}`, HOPELESS[index % HOPELESS.length]!(index)),
  );

interface Waits {
  readonly p50: number;
  readonly p99: number;
  /** CPU milliseconds of the scheduler, and of the API server, while they came. */
  readonly own: number;
  readonly server: number;
}

/** Requests that fit, one after the other at the pace: how long from when the server has one until it says that it is bound. */
async function waits(cluster: Cluster, pid: number, prefix: string, count: number, pace: number): Promise<Waits> {
  const { client, namespace, kubeconfig, serverPids } = cluster;
  const access = readAccess(kubeconfig);
  const since = new Map<string, number>();
  const took: number[] = [];
  const over = Promise.withResolvers<void>();
  const stop = new AbortController();
  const before = await Promise.all([usageOf([pid]), usageOf(serverPids)]);
  const { metadata } = await client.list(PLACEMENTS, { namespace, limit: 1 });
  const follow = async () => {
    const { resourceVersion } = metadata;
    const watch = client.watch(PLACEMENTS, { namespace, resourceVersion, signal: stop.signal });
    for await (const { type, object } of watch) {
      if (type === 'BOOKMARK') continue;
      const placement = object as Placement;
      const at = since.get(placement.metadata.name);
      if (at === undefined || placement.status?.phase !== 'Bound') continue;
      since.delete(placement.metadata.name);
      took.push(performance.now() - at);
      if (took.length === count) return;
    }
    throw new Error('the watch ended');
  };
  follow().then(over.resolve, over.reject);
  for (let index = 0; index < count; index++) {
    const name = `${prefix}-${index}`;
    since.set(name, performance.now());
    await create(access, [placementItem(namespace, name, { resources: SMALL })], 1);
    await sleep(1000 / pace);
  }
  await over.promise;
  stop.abort();
  const after = await Promise.all([usageOf([pid]), usageOf(serverPids)]);
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.min(count - 1, Math.floor(count * share))]!;
  return { p50: at(0.5), p99: at(0.99), own: after[0].cpu - before[0].cpu, server: after[1].cpu - before[1].cpu };
}

async function bench(): Promise<object[]> {
  await using stack = new AsyncDisposableStack();
  const cluster = await openCluster(stack, values.kubeconfig);
  const { namespace, kubeconfig } = cluster;
  const access = readAccess(kubeconfig);
  await create(access, oursContents(namespace, { machines: whole('nodes'), requests: 0 }).machines);
  const scheduler = stack.use(startOurs(kubeconfig));
  const count = whole('requests');
  // Its start does not count.
  await waits(cluster, scheduler.pid, 'first', 1, whole('pace'));
  const alone = await waits(cluster, scheduler.pid, 'alone', count, whole('pace'));
  const flood = hopeless(namespace, whole('hopeless'));
  const half = Math.ceil(flood.length / 2);
  await create(access, flood.slice(0, half));
  // The others come meanwhile.
  const rest = create(access, flood.slice(half), 4);
  const beside = await waits(cluster, scheduler.pid, 'beside', count, whole('pace'));
  await rest;
  const told = `${flood.length} that fit nowhere`;
  return [
    line(`time to a place, p50, beside ${told}`, 'ms', beside.p50, alone.p50),
    line(`time to a place, p99, beside ${told}`, 'ms', beside.p99, alone.p99),
    line("the scheduler's CPU time meanwhile", 'ms', beside.own, alone.own),
    line("the API server's CPU time meanwhile", 'ms', beside.server, alone.server),
  ];
}

function line(what: string, unit: string, measured: number, alone: number): object {
  const [value, peerValue] = [Math.round(measured), Math.round(alone)];
  console.log(`${what}: ${value} ${unit}  (without them ${peerValue})`);
  return { what, value, unit, peer: 'without the flood', peerValue, ratio: Number((alone / measured).toPrecision(3)) };
}

if (values.help) console.log(USAGE);
else {
  const results = await bench();
  const params = {
    nodes: whole('nodes'),
    hopeless: whole('hopeless'),
    pace: whole('pace'),
    requests: whole('requests'),
    server: values.kubeconfig ? 'given' : 'embedded',
  };
  if (values.json) console.log(JSON.stringify({ name: 'scheduler-flood', params, results }));
}
