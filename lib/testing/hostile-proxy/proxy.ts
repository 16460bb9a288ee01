// An HTTP proxy between a client and an API server that does to the traffic what bad days do to it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCredentials, type Endpoint } from '../../kube/credentials.ts';
import type { KubeObject } from '../../kube/resource.ts';
import { kubeconfigOf } from '../scripted-server.ts';
import { type Fault, faultOf, type HostileRequest, type Hostility, isOutage, outageOf } from './faults.ts';

export interface HostileProxy extends AsyncDisposable {
  /** Leads to the proxy, with the credentials of the server behind it. */
  readonly kubeconfig: string;
  /** How often each fault has struck. */
  readonly struck: ReadonlyMap<string, number>;
  /** Requests that reached the server, by method. */
  readonly passed: ReadonlyMap<string, number>;
  /** From now on everything passes. */
  relent(): void;
  /** Hostile again; outages are counted from now. */
  resume(): void;
}

export interface ProxyOptions {
  /** Lets everything pass until told to resume. */
  readonly calm?: boolean;
  /** Hears what was drawn for each request, outages aside. */
  readonly drawn?: (request: HostileRequest, fault: Fault) => void;
  /** Hears of each write that took hold at the server, whatever became of its answer. */
  readonly written?: (write: Write) => void;
}

/** A write and what the server answered to it. */
export interface Write {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The object as it is now, or a Status. */
  readonly object: KubeObject;
}

/** Serves until disposed of. `kubeconfig` names the server behind. */
export async function startHostileProxy(
  kubeconfig: string,
  hostility: Hostility,
  { calm = false, drawn, written }: ProxyOptions = {},
): Promise<HostileProxy> {
  const credentials = createCredentials({ kubeconfig });
  const counts = new Map<string, number>();
  const struck = new Map<string, number>();
  const passed = new Map<string, number>();
  /** Hostile since then. */
  let since: number | undefined;
  let nextOutage: NodeJS.Timeout | undefined;

  function count(map: Map<string, number>, key: string): number {
    const before = map.get(key) ?? 0;
    map.set(key, before + 1);
    return before;
  }

  function nextFault(method: string, url: URL): Fault {
    if (since === undefined) return { type: 'none' };
    if (isOutage(hostility, performance.now() - since)) return { type: 'reset' };
    const isWatch = url.searchParams.has('watch');
    const nth = count(counts, `${method} ${url.pathname} ${isWatch}`);
    const request = { method, path: url.pathname, isWatch, nth };
    const fault = faultOf(hostility, request);
    drawn?.(request, fault);
    return fault;
  }

  /** At its beginning an outage takes every connection with it. */
  function awaitOutage(start: number, period: number): void {
    const outage = outageOf(hostility, period);
    if (!outage) return;
    nextOutage = setTimeout(
      () => {
        count(struck, 'outage');
        server.closeAllConnections();
        awaitOutage(start, period + 1);
      },
      start + outage.begins - performance.now(),
    );
  }

  function relent(): void {
    since = undefined;
    clearTimeout(nextOutage);
  }

  function resume(): void {
    relent();
    since = performance.now();
    awaitOutage(since, 0);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://proxy');
    const method = request.method ?? 'GET';
    const fault = nextFault(method, url);
    if (fault.type !== 'none') count(struck, fault.type === 'status' ? `status ${fault.status}` : fault.type);
    const forward = async () => {
      count(passed, method);
      const answer = await forwarded(await credentials.current(), request, response);
      return written && method !== 'GET' && answer.status < 300
        ? overheard(answer, (object) => written({ method, path: url.pathname, object }))
        : answer;
    };
    strike(fault, forward, response).catch(() => {
      // The client has left, or the server has: either way this connection is over.
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dir = await mkdtemp(join(tmpdir(), 'hostile-'));
  const path = join(dir, 'kubeconfig');
  if (!calm) resume();
  await writeFile(path, kubeconfigOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  return {
    kubeconfig: path,
    struck,
    passed,
    relent,
    resume,
    async [Symbol.asyncDispose]() {
      relent();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await credentials.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Upstream {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
}

async function forwarded(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<Upstream> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const left = new AbortController();
  response.on('close', () => left.abort());
  const { 'content-type': contentType, accept } = request.headers;
  const answer = await endpoint.dispatcher.request({
    origin: endpoint.origin,
    path: endpoint.basePath + (request.url ?? '/'),
    method: (request.method ?? 'GET') as 'GET',
    headers: { ...endpoint.headers, ...(contentType && { 'content-type': contentType }), ...(accept && { accept }) },
    body: chunks.length > 0 ? Buffer.concat(chunks) : null,
    signal: left.signal,
    bodyTimeout: 0,
  });
  return { status: answer.statusCode, body: answer.body as AsyncIterable<Uint8Array> };
}

/** The same answer, of which somebody has heard already. */
async function overheard({ status, body }: Upstream, hear: (object: KubeObject) => void): Promise<Upstream> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  hear(JSON.parse(whole.toString('utf8')) as KubeObject);
  return { status, body: Readable.from([whole]) };
}

async function strike(fault: Fault, forward: () => Promise<Upstream>, response: ServerResponse): Promise<void> {
  switch (fault.type) {
    case 'none':
      return pass(await forward(), response);
    case 'delay':
      await sleep(fault.ms);
      return pass(await forward(), response);
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'status':
      answerStatus(response, fault.status);
      return;
    case 'lost-answer':
      await drain(await forward());
      response.socket?.resetAndDestroy();
      return;
    case 'half-open':
      // The client's deadline ends it.
      return drain(await forward());
    case 'cut':
      await passBytes(await forward(), response, fault.bytes);
      response.destroy();
      return;
    case 'silence':
      return passBytes(await forward(), response, fault.bytes);
    case 'truncation':
      await passBytes(await forward(), response, fault.bytes);
      response.end();
      return;
    case 'expiry':
      await passBytes(await forward(), response, fault.bytes);
      response.end(`\n${JSON.stringify({ type: 'ERROR', object: statusBody(410) })}\n`);
  }
}

async function drain({ body }: Upstream): Promise<void> {
  for await (const _ of body);
}

async function pass(answer: Upstream, response: ServerResponse): Promise<void> {
  await passBytes(answer, response, Infinity);
  response.end();
}

/** The answer's first `limit` bytes; what comes after them stays unread. */
async function passBytes({ status, body }: Upstream, response: ServerResponse, limit: number): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.flushHeaders();
  let left = limit;
  for await (const chunk of body) {
    response.write(chunk.subarray(0, Math.min(left, chunk.length)));
    left -= chunk.length;
    if (left <= 0) return;
  }
}

const REASONS: Record<number, string> = {
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};
const statusBody = (code: number) => ({
  apiVersion: 'v1',
  kind: 'Status',
  status: 'Failure',
  code,
  reason: REASONS[code],
  message: `hostile ${REASONS[code]}`,
  // Names no object, as of a server that has just started and does not serve the kind yet.
  details: {},
});

function answerStatus(response: ServerResponse, code: number): void {
  response.writeHead(code, { 'content-type': 'application/json', ...(code === 429 && { 'retry-after': '1' }) });
  response.end(JSON.stringify(statusBody(code)));
}
