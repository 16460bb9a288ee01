// npm run bench:apiserver: writes, lists, watches, start-up, memory and stalls of the embedded server, beside a real one in the same
// run. Each server is a process of its own, so that its CPU time is its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepare } from '../conformance/runner.ts';
import { Target } from '../conformance/target.ts';
import { clone } from '../json.ts';
import { Store } from '../store/store.ts';
import { type Access, Connection, readAccess } from './load.ts';
import { processesOf, usageOf } from './processes.ts';
import { type Figure, print, report } from './report.ts';
import type { Stall } from './stall.ts';
import { NotMeasured, type Pace, watchLatency } from './watching.ts';

const usage = `Usage: npm run bench:apiserver -- [options]

  --against KUBECONFIG   a real server to measure beside
  --pids N,N,...         its processes, for their CPU time and memory (default: who listens on its port, and those in the
                         .pid files beside the kubeconfig)
  --objects N            how many objects to write (default 10000)
  --clients N            how many write at a time (default 48)
  --stored N             how many objects to start up with (default 100000; 0 leaves it out)
  --json                 a last line in JSON`;

interface Server {
  readonly name: string;
  readonly access: Access;
  readonly pids: readonly number[];
}

const PACES: readonly Pace[] = [
  { watchers: 100, rate: 200 },
  { watchers: 100, rate: 1000 },
  { watchers: 1000, rate: 50 },
];
const WIDGETS = '/apis/conformance.bmp.dev/v1/namespaces/default/widgets';

function widget(name: string): string {
  return JSON.stringify({
    apiVersion: 'conformance.bmp.dev/v1',
    kind: 'Widget',
    metadata: { name, labels: { rack: 'r1', pool: 'default' } },
    spec: {
      power: 'On',
      size: 3,
      name: 'abc',
      nested: { key: 'k' },
      disks: [{ name: 'root', size: 7 }],
      tags: ['a', 'b'],
    },
  });
}

/** Runs requests over all connections at once. @returns requests a second, and the server's CPU milliseconds for each */
async function phase(
  server: Server,
  connections: readonly Connection[],
  total: number,
  send: (connection: Connection, index: number) => Promise<{ code: number; body: Buffer }>,
): Promise<{ rate: number; cpu: number }> {
  const before = await usageOf(server.pids);
  const start = performance.now();
  let next = 0;
  const work = async (connection: Connection) => {
    for (let index = next++; index < total; index = next++) {
      const { code, body } = await send(connection, index);
      if (code >= 300) throw new Error(`${server.name} answered ${code}: ${body.toString().slice(0, 300)}`);
    }
  };
  await Promise.all(connections.map(work));
  const seconds = (performance.now() - start) / 1000;
  const after = await usageOf(server.pids);
  return { rate: total / seconds, cpu: (after.cpu - before.cpu) / total };
}

async function writes(server: Server, objects: number, clients: number): Promise<Figure[]> {
  const connections = await Promise.all(Array.from({ length: clients }, () => Connection.open(server.access)));
  const run = `b${Date.now().toString(36)}`;
  const path = (index: number) => `${WIDGETS}/${run}-${index}`;
  const figures: Figure[] = [];
  const measure = async (what: string, total: number, send: Parameters<typeof phase>[3]) => {
    const { rate, cpu } = await phase(server, connections, total, send);
    figures.push({ what, unit: '1/s', better: 'more', value: rate });
    if (server.pids.length > 0) figures.push({ what: `${what}, CPU`, unit: 'ms each', better: 'less', value: cpu });
  };
  // The first thousand warm both up: compilers, caches, connections.
  await phase(server, connections, 1000, (connection, index) =>
    connection.request('POST', WIDGETS, widget(`${run}-w${index}`)),
  );
  await measure('creates', objects, (connection, index) =>
    connection.request('POST', WIDGETS, widget(`${run}-${index}`)),
  );
  const status = JSON.stringify({ status: { phase: 'Ready', replicas: 3, selector: 'a=b' } });
  await measure('status patches', objects, (connection, index) =>
    connection.request('PATCH', `${path(index)}/status`, status, 'application/merge-patch+json'),
  );
  await measure('updates', objects, async (connection, index) => {
    const { body } = await connection.request('GET', path(index));
    const object = JSON.parse(body.toString()) as { spec: { size: number } };
    object.spec.size = 5;
    return connection.request('PUT', path(index), JSON.stringify(object));
  });
  const list = await phase(server, connections.slice(0, 1), 10, (connection) => connection.request('GET', WIDGETS));
  figures.push({ what: `list of ${objects + 1000}`, unit: 'ms', better: 'less', value: 1000 / list.rate });
  if (server.pids.length > 0) {
    figures.push({ what: 'resident memory', unit: 'MB', better: 'less', value: (await usageOf(server.pids)).memory });
  }
  for (const connection of connections) connection.close();
  return figures;
}

interface Started {
  readonly server: Server;
  readonly milliseconds: number;
  /** How long its event loop stood still at most before it ran for the first time: while its modules were compiled. */
  readonly compiling: Stall;
  /** How long its event loop stood still at most since this was asked last. */
  readonly stall: () => Promise<Stall>;
  readonly stop: () => Promise<void>;
}

/** Starts the embedded server on a directory. */
async function start(dir: string): Promise<Started> {
  const begin = performance.now();
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const args = ['--import', path('./stall.ts'), path('../main.ts'), dir];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const stall = async () => {
    child.send('stall');
    return ((await once(child, 'message')) as [Stall])[0];
  };
  // Asked at once, it is answered as soon as the event loop runs.
  const compiling = stall();
  await once(child.stdout!, 'data');
  const milliseconds = performance.now() - begin;
  return {
    compiling: await compiling,
    stall,
    server: { name: 'embedded', access: readAccess(join(dir, 'kubeconfig')), pids: [child.pid!] },
    milliseconds,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function withDefinitions(kubeconfig: string): Promise<void> {
  const target = new Target(kubeconfig);
  await prepare(target);
  target.close();
}

function stalls(when: string, { wall, cpu }: Stall): Figure[] {
  return [
    { what: `longest stall, ${when}`, unit: 'ms', better: 'less', value: wall },
    { what: `longest stall, ${when}, CPU`, unit: 'ms', better: 'less', value: cpu },
  ];
}

/** Fills a stopped server's store with copies of one of its objects. */
async function multiply(dir: string, collection: string, copies: number): Promise<void> {
  const path = join(dir, 'state.db');
  const store = await Store.open({ path, now: Date.now, sealed: ['secrets'] });
  const [model] = store.list(collection, { prefix: '' });
  const writes = Array.from({ length: copies }, (_, index) => {
    const object = clone(model!.object);
    object.metadata.name = `s${index}`;
    object.metadata.uid = randomUUID();
    return store.put(collection, `default/s${index}`, object);
  });
  await Promise.all(writes);
  await store.close();
}

/** How long a start takes when there is much to load. */
async function startUp(stored: number): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-bench-'));
  try {
    const first = await start(dir);
    await withDefinitions(join(dir, 'kubeconfig'));
    const connection = await Connection.open(first.server.access);
    await connection.request('POST', WIDGETS, widget('model'));
    connection.close();
    await first.stop();
    await multiply(dir, 'widgets.conformance.bmp.dev', stored);
    const second = await start(dir);
    const { memory, cpu } = await usageOf(second.server.pids);
    const stall = await second.stall();
    await second.stop();
    return [
      { what: `start-up with ${stored} objects`, unit: 'ms', better: 'less', value: second.milliseconds },
      { what: 'start-up, CPU of all threads', unit: 'ms', better: 'less', value: cpu },
      ...stalls('compiling at start-up', second.compiling),
      ...stalls('loading at start-up', stall),
      { what: 'resident memory after it', unit: 'MB', better: 'less', value: memory },
    ];
  } finally {
    await rm(dir, { recursive: true });
  }
}

/**
 * Measures one server; figures are told as they come, as all of it takes minutes.
 * @param stall how long it stood still since this was asked last; of a server that can tell
 */
async function measure(
  server: Server,
  { objects, clients }: { readonly objects: number; readonly clients: number },
  stall?: () => Promise<Stall>,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  const add = (more: readonly Figure[]) => {
    figures.push(...more);
    for (const line of report(more)) console.error(`${server.name}: ${print(line)}`);
  };
  const addStall = async (when: string) => {
    if (stall) add(stalls(when, await stall()));
  };
  // Its start is measured for itself.
  await stall?.();
  add(await writes(server, objects, clients));
  await addStall('writes and lists');
  for (const pace of PACES) {
    try {
      const { watchers, rate } = pace;
      const open = () => addStall(`${watchers} watches begin at once`);
      const seen = () => addStall(`${watchers} watchers, ${rate} writes/s`);
      // Those who watched before end at once, too.
      await stall?.();
      add(await watchLatency(server.access, WIDGETS, pace, { open, seen }));
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error;
      console.error(`${server.name}: ${error.message}`);
    }
  }
  return figures;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      against: { type: 'string' },
      pids: { type: 'string', default: '' },
      objects: { type: 'string', default: '10000' },
      clients: { type: 'string', default: '48' },
      stored: { type: 'string', default: '100000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [objects, clients, stored] = [Number(values.objects), Number(values.clients), Number(values.stored)];
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-bench-'));
  const started = await start(dir);
  const figures: Figure[] = [];
  let real: Figure[] | undefined;
  try {
    await withDefinitions(join(dir, 'kubeconfig'));
    figures.push(...(await measure(started.server, { objects, clients }, started.stall)));
    if (values.against) {
      await withDefinitions(values.against);
      const access = readAccess(values.against);
      const given = values.pids.split(',').filter(Boolean).map(Number);
      const pids = given.length > 0 ? given : await processesOf(values.against, access.port);
      real = await measure({ name: 'kube-apiserver', access, pids }, { objects, clients });
    }
  } finally {
    await started.stop();
    await rm(dir, { recursive: true });
  }
  if (stored > 0) figures.push(...(await startUp(stored)));
  const results = report(figures, real);
  for (const line of results) console.log(print(line));
  if (values.json) console.log(JSON.stringify({ name: 'apiserver', params: { objects, clients, stored }, results }));
  return 0;
}

process.exitCode = await main();
