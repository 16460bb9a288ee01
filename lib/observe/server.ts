// What an operator tells of itself over HTTP: alive, ready, metrics.
//
// Probes come from the kubelet without credentials and learn a word. Metrics may be kept for those whom `authorize` lets in.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { Registry } from '@prometheus-io/client';
import { endable } from '../http/endable.ts';
import type { Log } from './log.ts';

export interface ObserveServerOptions {
  /** 0: any free port. */
  port: number;
  /** Default 127.0.0.1. */
  host?: string | undefined;
  /** PEM; without it plain HTTP. */
  tls?: { key: string; cert: string } | undefined;
  log: Log;
  healthy(): boolean;
  ready(): boolean;
  metrics?: Pick<Registry, 'metrics' | 'contentType'> | undefined;
  /** Whether the bearer of this token may read metrics; default everyone may. It may throw: nobody may then. */
  authorize?: ((token: string) => Promise<boolean>) | undefined;
}

export interface ObserveServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects when it cannot listen. */
export async function startObserveServer(options: ObserveServerOptions): Promise<ObserveServer> {
  const { port, host = '127.0.0.1', tls, log } = options;
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, options).then(
      ({ status, type = 'text/plain; charset=utf-8', body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
      },
      (error: unknown) => {
        log.error({ err: error }, 'a request for health or metrics failed');
        response.writeHead(500).end('internal error\n');
      },
    );
  };
  const server = tls ? createTlsServer(tls, handler) : createServer(handler);
  // Probes are small and quick: whoever is slow does not keep a connection.
  Object.assign(server, { headersTimeout: 5_000, requestTimeout: 10_000, maxHeadersCount: 50 });
  const end = endable(server);
  await listen(server, port, host);
  return {
    port: (server.address() as AddressInfo).port,
    close: end,
  };
}

interface Answer {
  status: number;
  type?: string;
  body: string;
}

async function answer({ method, url, headers }: IncomingMessage, options: ObserveServerOptions): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'method not allowed\n' };
  switch (url?.split('?', 1)[0]) {
    case '/healthz':
    case '/livez':
      return word(options.healthy());
    case '/readyz':
      return word(options.healthy() && options.ready());
    case '/metrics':
      return options.metrics
        ? metrics(headers.authorization, options.metrics, options)
        : { status: 404, body: 'not found\n' };
    default:
      return { status: 404, body: 'not found\n' };
  }
}

const word = (good: boolean): Answer => (good ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not ok\n' });

async function metrics(
  authorization: string | undefined,
  registry: Pick<Registry, 'metrics' | 'contentType'>,
  { authorize, log }: ObserveServerOptions,
): Promise<Answer> {
  if (authorize) {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (!token) return { status: 401, body: 'a bearer token is needed\n' };
    try {
      if (!(await authorize(token))) return { status: 403, body: 'forbidden\n' };
    } catch (error) {
      log.warn({ err: error }, 'could not tell whether metrics may be read');
      return { status: 503, body: 'cannot authorize now\n' };
    }
  }
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
