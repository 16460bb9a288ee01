// Placements bound per second through an API server, with kube-scheduler beside on the same one.
//
// Each scheduler is a process of its own and meets the same: machines that are there, and requests that all wait when it
// starts. The rate is taken from the moment when a tenth of them is bound, so that nobody's start counts, to the last one.
import { parseArgs } from 'node:util';
import { PLACEMENTS } from '../../../lib/api/resources.ts';
import { readAccess } from '../../../lib/apiserver/bench/load.ts';
import { usageOf } from '../../../lib/apiserver/bench/processes.ts';
import type { KubeObject, Resource } from '../../../lib/kube/resource.ts';
import { freePort } from '../../../lib/testing/free-port.ts';
import { tempDir } from '../../../lib/testing/temp-dir.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { type Contents, clear, create, kubeContents, oursContents, type Size } from './contents.ts';
import { type SchedulerProcess, startKubeScheduler, startOurs } from './peers.ts';

const USAGE = `Usage: npm run bench:scheduler -- --e2e [options]

  --kubeconfig FILE       the cluster, with an administrator's token (default: an embedded one, made for this)
  --kube-scheduler FILE   the program to measure beside, of 1.20 (only with --kubeconfig)
  --nodes N               machines (default 5000)
  --requests N            how many want a place (default 5000)
  --json                  as the last line {name, params, results: [{what, value, unit, peer, peerValue, ratio}]}`;

const { values } = parseArgs({
  options: {
    e2e: { type: 'boolean' },
    help: { type: 'boolean', short: 'h', default: false },
    kubeconfig: { type: 'string' },
    'kube-scheduler': { type: 'string' },
    nodes: { type: 'string', default: '5000' },
    requests: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
  },
});

const whole = (name: 'nodes' | 'requests'): number => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 9) return value;
  throw new RangeError(`--${name} takes a whole number of ten or more, not "${values[name]}"`);
};

interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
}
const PODS: Resource<Pod> = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

/** What takes long is told of, apart from the results. */
const say = (what: string): void => console.error(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${what}`);

interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** CPU milliseconds of the API server, for each. */
  readonly serverMs: number;
}

/**
 * Follows a kind until so many of it are bound; calls `reached` at a tenth and at the end. A watch that ends, as all do when a
 * definition was changed, is begun anew.
 */
async function follow<T extends KubeObject>(
  { client, namespace }: Cluster,
  resource: Resource<T>,
  isBound: (object: T) => boolean,
  total: number,
  reached: (count: number) => Promise<void>,
  opened: () => void,
): Promise<void> {
  const bound = new Set<string>();
  const isOver = async (object: T) => {
    const { name } = object.metadata;
    if (!isBound(object) || bound.has(name)) return false;
    bound.add(name);
    if (bound.size === Math.floor(total / 10) || bound.size === total) await reached(bound.size);
    return bound.size === total;
  };
  for (;;) {
    let resourceVersion = '';
    for await (const page of client.pages(resource, { namespace })) {
      resourceVersion = page.metadata.resourceVersion;
      for (const object of page.items) if (await isOver(object)) return;
    }
    for await (const event of client.watch(resource, { namespace, resourceVersion, opened })) {
      if (event.type !== 'BOOKMARK' && (await isOver(event.object))) return;
    }
  }
}

async function measure<T extends KubeObject>(
  name: string,
  cluster: Cluster,
  contents: Contents,
  resource: Resource<T>,
  isBound: (object: T) => boolean,
  start: () => SchedulerProcess,
): Promise<Rate> {
  const { kubeconfig, serverPids } = cluster;
  const access = readAccess(kubeconfig);
  await create(access, contents.machines);
  await create(access, contents.requests);
  say(`${name}: ${contents.machines.length} machines, ${contents.requests.length} requests`);
  const marks: { count: number; at: number; own: number; server: number }[] = [];
  try {
    const ready = Promise.withResolvers<void>();
    let pid = 0;
    const reached = async (count: number) => {
      const at = performance.now();
      const [own, server] = await Promise.all([usageOf([pid]), usageOf(serverPids)]);
      marks.push({ count, at, own: own.cpu, server: server.cpu });
    };
    const over = follow(cluster, resource, isBound, contents.requests.length, reached, ready.resolve);
    await Promise.race([ready.promise, over]);
    await using scheduler = start();
    pid = scheduler.pid;
    await over;
  } finally {
    await clear(access, contents.collections);
  }
  const [first, last] = marks as [(typeof marks)[0], (typeof marks)[0]];
  const count = last.count - first.count;
  return {
    perSecond: (count * 1000) / (last.at - first.at),
    perCpuSecond: (count * 1000) / (last.own - first.own),
    serverMs: (last.server - first.server) / count,
  };
}

async function bench(size: Size): Promise<object[]> {
  await using stack = new AsyncDisposableStack();
  const cluster = await openCluster(stack, values.kubeconfig);
  const { namespace, kubeconfig } = cluster;
  const ours = await measure(
    'placement controller',
    cluster,
    oursContents(namespace, size),
    PLACEMENTS,
    ({ status }) => status?.phase === 'Bound',
    () => startOurs(kubeconfig),
  );
  const binary = values['kube-scheduler'];
  const port = await freePort();
  const dir = stack.use(await tempDir('bench-scheduler-'));
  const peer =
    binary === undefined
      ? undefined
      : await measure(
          'kube-scheduler',
          cluster,
          kubeContents(namespace, size),
          PODS,
          ({ spec }) => spec?.nodeName !== undefined,
          () => startKubeScheduler(binary, kubeconfig, dir.path, port),
        );
  return [
    line('bound', '1/s', ours, peer, ({ perSecond }) => perSecond),
    line('bound for each CPU-second of the scheduler', '1/CPU-s', ours, peer, ({ perCpuSecond }) => perCpuSecond),
    line("the API server's CPU time for each", 'ms', ours, peer, ({ serverMs }) => serverMs, true),
    line(
      'CPU time of both for each',
      'ms',
      ours,
      peer,
      ({ serverMs, perCpuSecond }) => serverMs + 1000 / perCpuSecond,
      true,
    ),
  ];
}

const rounded = (value: number): number => Number(value.toPrecision(4));

function line(
  what: string,
  unit: string,
  ours: Rate,
  peer: Rate | undefined,
  of: (rate: Rate) => number,
  isLessBetter = false,
): object {
  const value = rounded(of(ours));
  if (peer === undefined) {
    console.log(`${what}: ${value} ${unit}`);
    return { what, value, unit };
  }
  const peerValue = rounded(of(peer));
  const ratio = rounded(isLessBetter ? peerValue / value : value / peerValue);
  console.log(`${what}: ${value} ${unit}  (kube-scheduler ${peerValue}, ${ratio}×)`);
  return { what, value, unit, peer: 'kube-scheduler 1.20', peerValue, ratio };
}

if (values.help) console.log(USAGE);
else {
  const size: Size = { machines: whole('nodes'), requests: whole('requests') };
  const results = await bench(size);
  const params = { ...size, server: values.kubeconfig ? 'given' : 'embedded' };
  if (values.json) console.log(JSON.stringify({ name: 'scheduler-e2e', params, results }));
}
