// How long after a write was answered all watchers have seen it, at a steady pace of writes. Watchers are a process of their own, so
// that neither they nor the writers wait for each other.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Access, Connection } from './load.ts';
import type { Figure } from './report.ts';
import { clock, type FromWatchers, type WatchersTask } from './watchers.ts';

const WRITERS = 16;
const SECONDS = 5;
/** Whoever has not seen the last write by then has lost it. */
const PATIENCE = 60_000;

export interface Pace {
  readonly watchers: number;
  /** Writes a second. */
  readonly rate: number;
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const versionIn = (body: Buffer): string => /"resourceVersion":"(\d+)"/.exec(body.toString('latin1'))![1]!;

/** Writes at the pace. @returns when each version was answered, in the order of answers */
async function write(access: Access, collection: string, run: string, rate: number): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  const total = rate * SECONDS;
  const start = clock();
  const work = async (writer: number) => {
    const connection = await Connection.open(access);
    for (let index = writer; index < total; index += WRITERS) {
      const wait = start + (index * 1000) / rate - clock();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      const patch = JSON.stringify({ spec: { size: (index % 10) + 1, replicas: index } });
      const path = `${collection}/${run}-${writer}`;
      const { body } = await connection.request('PATCH', path, patch, 'application/merge-patch+json');
      answered.set(versionIn(body), clock());
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer)));
  return answered;
}

/** What else is looked at on the way: when all watches are open, and when all of them have seen the last write. */
export interface Moments {
  readonly open: () => Promise<void>;
  readonly seen: () => Promise<void>;
}

/** The server could not do what was to be measured. */
export class NotMeasured extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotMeasured';
  }
}

/**
 * Median and 99th percentile over all watchers and writes, and the pace that was reached.
 * @throws NotMeasured when they do not open, or do not see everything
 */
export async function watchLatency(
  access: Access,
  collection: string,
  { watchers, rate }: Pace,
  moments: Moments,
): Promise<Figure[]> {
  const what = `watch latency, ${watchers} watchers, ${rate} writes/s`;
  const run = `watched-${Date.now().toString(36)}`;
  const connection = await Connection.open(access);
  let from = '';
  for (let writer = 0; writer < WRITERS; writer++) {
    const metadata = { name: `${run}-${writer}`, labels: { run } };
    const body = JSON.stringify({ apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata, spec: {} });
    from = versionIn((await connection.request('POST', collection, body)).body);
  }
  connection.close();
  const child = fork(fileURLToPath(new URL('./watchers.ts', import.meta.url)), { serialization: 'advanced' });
  const task: WatchersTask = {
    access: { host: access.host, port: access.port, token: access.token, ca: access.ca.toString() },
    path: `${collection}?watch=1&resourceVersion=${from}&labelSelector=run%3D${run}`,
    count: watchers,
  };
  const gone = new AbortController();
  child.once('exit', () => gone.abort());
  const heard = async (type: FromWatchers['type']): Promise<FromWatchers> => {
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(PATIENCE)]);
    try {
      return ((await once(child, 'message', { signal })) as [FromWatchers])[0];
    } catch (error) {
      if (!signal.aborted) throw error;
      if (child.connected) child.disconnect();
      throw new NotMeasured(`${what}: not measured, not all were ${type} after ${PATIENCE / 1000} s`);
    }
  };
  child.send(task);
  await heard('watching');
  await moments.open();
  const start = clock();
  const answered = await write(access, collection, run, rate);
  const reached = answered.size / ((clock() - start) / 1000);
  // Answers may come in another order than versions.
  const last = [...answered.keys()].reduce((a, b) => (Number(a) > Number(b) ? a : b));
  child.send({ last });
  const message = await heard('seen');
  await moments.seen();
  child.disconnect();
  const times = message.type === 'seen' ? message.times : [];
  const known = times.filter(([version]) => answered.has(version));
  // A watcher may see a write before its answer has arrived.
  const delays = known.flatMap(([version, seen]) => seen.map((time) => Math.max(0, time - answered.get(version)!)));
  const sorted = Float64Array.from(delays).sort();
  if (sorted.length !== answered.size * watchers)
    throw new Error(`${what}: ${sorted.length} events were seen, not ${answered.size * watchers}`);
  return [
    { what: `${what}, p50`, unit: 'ms', better: 'less', value: percentile(sorted, 0.5) },
    { what: `${what}, p99`, unit: 'ms', better: 'less', value: percentile(sorted, 0.99) },
    { what: `${what}, pace`, unit: '1/s', better: 'more', value: reached },
  ];
}
