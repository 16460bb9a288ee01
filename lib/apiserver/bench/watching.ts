// How long after a write was sent a hundred watchers have seen it, at a steady pace of writes. Counted from sending, because
// watchers may see a write before its answer has arrived.
import { request as httpsRequest } from 'node:https';
import { type Access, Connection } from './load.ts';

const WATCHERS = 100;
const RATE = 200;
const SECONDS = 5;

interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly better: 'less';
  readonly value: number;
}

/** Opens a watch and calls back with the resourceVersion of every event. */
async function openWatch(access: Access, path: string, onVersion: (version: string) => void): Promise<() => void> {
  const { host, port, ca, token } = access;
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host, port, ca, path, headers: { Authorization: `Bearer ${token}` }, agent: false });
    let ended = false;
    request.on('error', (error) => {
      // Ending the watch breaks the connection.
      if (!ended) reject(error);
    });
    request.on('response', (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          const version = /"resourceVersion":"(\d+)"/.exec(line)?.[1];
          if (version) onVersion(version);
        }
      });
      resolve(() => {
        ended = true;
        request.destroy();
      });
    });
    request.end();
  });
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Latency over all watchers and writes: median and 99th percentile. */
export async function watchLatency(access: Access, collection: string): Promise<Figure[]> {
  const name = `watched-${Date.now().toString(36)}`;
  const writer = await Connection.open(access);
  const body = JSON.stringify({ apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata: { name }, spec: {} });
  await writer.request('POST', collection, body);
  const { body: list } = await writer.request('GET', `${collection}?limit=1`);
  const from = /"resourceVersion":"(\d+)"/.exec(list.toString())![1]!;
  const seen = new Map<string, number[]>();
  const query = `watch=1&resourceVersion=${from}&fieldSelector=metadata.name%3D${name}`;
  const close = await Promise.all(
    Array.from({ length: WATCHERS }, () =>
      openWatch(access, `${collection}?${query}`, (version) => {
        const times = seen.get(version) ?? [];
        times.push(performance.now());
        seen.set(version, times);
      }),
    ),
  );
  const sent = new Map<string, number>();
  const total = RATE * SECONDS;
  const start = performance.now();
  for (let index = 0; index < total; index++) {
    const due = start + (index * 1000) / RATE;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const patch = JSON.stringify({ spec: { size: (index % 10) + 1, replicas: index } });
    const sending = performance.now();
    const reply = await writer.request('PATCH', `${collection}/${name}`, patch, 'application/merge-patch+json');
    sent.set(/"resourceVersion":"(\d+)"/.exec(reply.body.toString())![1]!, sending);
  }
  // Whoever has not seen the last write by now counts as late as this.
  const last = [...sent.keys()].at(-1)!;
  const deadline = performance.now() + 5000;
  while ((seen.get(last)?.length ?? 0) < WATCHERS && performance.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const end of close) end();
  writer.close();
  const delays = [...sent].flatMap(([version, at]) => (seen.get(version) ?? []).map((time) => time - at));
  delays.sort((a, b) => a - b);
  const what = `watch latency, ${WATCHERS} watchers, ${RATE} writes/s`;
  return [
    { what: `${what}, p50`, unit: 'ms', better: 'less', value: percentile(delays, 0.5) },
    { what: `${what}, p99`, unit: 'ms', better: 'less', value: percentile(delays, 0.99) },
  ];
}
