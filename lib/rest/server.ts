// The HTTP side: routes, who calls, bounds, and one shape of answer. What a task is stands in task.ts.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import type { Placement } from '../api/generated.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../kube/errors.ts';
import type { Log } from '../observe/log.ts';
import { readBody } from './body.ts';
import { CONTENT_SECURITY_POLICY, document } from './docs.ts';
import { type Limit, RateLimits } from './limits.ts';
import { openapi } from './openapi.ts';
import type { Placements, PlacementsSource } from './placements.ts';
import { invalid, Problem, problemOf } from './problem.ts';
import { asksForTheSame, placementFor, readRequest, resultOf, TASK_PATTERN, taskIdOf } from './task.ts';

export interface RestOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** PEM; without it plain HTTP, on loopback only: tokens are not sent over a network in clear. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  readonly placements: PlacementsSource;
  /** Where Placements are made. */
  readonly namespace: string;
  /** Nobody is asked for a token: on loopback only. */
  readonly anonymous?: boolean | undefined;
  /** Of each caller. */
  readonly limit: Limit;
  /** Requests under way at a time, of all callers together. */
  readonly maxInFlight: number;
  readonly log: Log;
  /** Milliseconds, from any start. */
  readonly now?: () => number;
}

export interface RestServer {
  readonly url: string;
  close(): Promise<void>;
}

/** To make a task or find it, where it comes and goes. */
const MOST_ATTEMPTS = 5;

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: string | Buffer;
}

/** Rejects when it cannot listen, or may not where it was told to. */
export async function startRestServer(options: RestOptions): Promise<RestServer> {
  const { host = '127.0.0.1', port, tls, anonymous, log } = options;
  if (!isLoopback(host) && anonymous) throw new Error(`anonymous callers are served on loopback only, not on ${host}`);
  if (!isLoopback(host) && !tls) throw new Error(`on ${host} tokens need TLS: give a certificate and its key`);
  const respond = createResponder(options);
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    respond(request).then(
      (answer) => send(response, answer),
      (error: unknown) => {
        const problem = error instanceof ApiError ? problemOf(error) : error;
        if (!(problem instanceof Problem) || problem.status >= 500) log.error({ err: error }, 'a request failed');
        send(
          response,
          problem instanceof Problem ? answerOf(problem) : json(500, { error: 'something went wrong here' }),
        );
      },
    );
  };
  const server = tls ? createTlsServer(tls, handler) : createServer(handler);
  Object.assign(server, { headersTimeout: 10_000, requestTimeout: 30_000, maxHeadersCount: 64 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const authority = isIP(host) === 6 ? `[${host}]` : host;
  return {
    url: `${tls ? 'https' : 'http'}://${authority}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
    },
  };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function createResponder(options: RestOptions): (request: IncomingMessage) => Promise<Answer> {
  const { placements, namespace, anonymous = false, limit, maxInFlight, now = () => performance.now() } = options;
  const limits = new RateLimits(limit, now);
  const description = json(200, openapi({ anonymous }));
  let inFlight = 0;

  async function schedule(request: IncomingMessage, own: Placements): Promise<Answer> {
    const key = idempotencyKey(request);
    const wanted = readRequest(await readBody(request));
    const taskId = key === undefined ? randomUUID() : taskIdOf(key, namespace);
    const placement = placementFor(wanted, taskId, namespace);
    const existing = await createOrFind(own, placement, key === undefined);
    if (existing && !asksForTheSame(existing, placement)) {
      throw invalid('Idempotency-Key', 'a key that was not used for another request', key);
    }
    return json(200, { task_id: taskId });
  }

  async function onTask(request: IncomingMessage, url: URL, taskId: string, own: Placements): Promise<Answer> {
    if (!new RegExp(TASK_PATTERN).test(taskId)) throw new Problem(404, { error: 'there is no such task' });
    if (request.method === 'DELETE') {
      await own.delete(taskId);
      return { status: 204 };
    }
    return json(200, resultOf(await own.get(taskId), url.searchParams.get('explain') === 'true'));
  }

  /** Who calls, as far as limits go. */
  function callerOf(request: IncomingMessage, token: string | undefined): string {
    return token === undefined
      ? (request.socket.remoteAddress ?? '')
      : createHash('sha256').update(token).digest('hex');
  }

  async function limited(request: IncomingMessage, work: (own: Placements) => Promise<Answer>): Promise<Answer> {
    // A page of another site that a browser shows could reach a loopback address under a name of its own.
    if (anonymous && !isLoopback(hostOf(request)))
      throw new Problem(403, { error: 'only for callers on this machine' });
    const token = anonymous ? undefined : bearerToken(request);
    const wait = limits.take(callerOf(request, token));
    if (wait > 0) throw new Problem(429, { error: 'too many requests' }, Math.ceil(wait));
    if (inFlight >= maxInFlight) throw new Problem(429, { error: 'too many requests at a time' }, 1);
    inFlight++;
    try {
      return await work(placements.with(token));
    } finally {
      inFlight--;
    }
  }

  return async (request) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, root, taskId, ...more] = url.pathname.split('/');
    const isTask = (root === 'result' || root === 'schedule') && taskId !== undefined && more.length === 0;
    if (isTask) {
      allow(request, root === 'schedule' ? ['GET', 'DELETE'] : ['GET']);
      return limited(request, (own) => onTask(request, url, taskId, own));
    }
    if (url.pathname === '/schedule') {
      allow(request, ['POST']);
      return limited(request, (own) => schedule(request, own));
    }
    allow(request, ['GET', 'HEAD']);
    if (url.pathname === '/openapi.json') return description;
    if (url.pathname === '/healthz') return { status: 200, type: 'text/plain; charset=utf-8', content: 'ok\n' };
    const found = root === 'docs' ? await document(url.pathname) : undefined;
    if (found === undefined) throw new Problem(404, { error: 'there is nothing here; /docs tells what there is' });
    return { status: 200, ...found, headers: { 'content-security-policy': CONTENT_SECURITY_POLICY } };
  };
}

/** A name that came before, or an answer that was lost: the task is there already. Undefined when it was made now. */
async function createOrFind(own: Placements, placement: Placement, isNew: boolean): Promise<Placement | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      await own.create(placement);
      return undefined;
    } catch (error) {
      if (isNew || !isAlreadyExists(error)) throw error;
    }
    try {
      return await own.get(placement.metadata.name);
    } catch (error) {
      // It went in between, and another one may be made.
      if (!isNotFound(error) || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

function allow({ method = 'GET' }: IncomingMessage, methods: readonly string[]): void {
  if (!methods.includes(method)) throw invalid('method', methods.join(' or '), method, 405);
}

function bearerToken({ headers }: IncomingMessage): string {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) throw new Problem(401, { error: 'a bearer token of the cluster is needed' });
  return token;
}

function hostOf({ headers }: IncomingMessage): string {
  const name = URL.parse(`http://${headers.host ?? ''}`)?.hostname ?? '';
  return name.replace(/^\[(.*)\]$/, '$1');
}

function idempotencyKey({ headers }: IncomingMessage): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key === '' || key.length > 255) {
    throw invalid('Idempotency-Key', 'from 1 to 255 characters', key);
  }
  return key;
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json', content: JSON.stringify(body) };
}

function answerOf({ status, told, retryAfter }: Problem): Answer {
  const headers = {
    ...(retryAfter !== undefined && { 'retry-after': String(Math.max(1, retryAfter)) }),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 405 && { allow: told.expected!.replaceAll(' or ', ', ') }),
    // What was not read of a body is not mistaken for the next request.
    ...(status === 413 && { connection: 'close' }),
  };
  return { ...json(status, told), headers };
}

function send(response: ServerResponse, { status, type, headers, content }: Answer): void {
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(type !== undefined && { 'content-type': type }),
    ...headers,
  });
  response.end(content);
}
