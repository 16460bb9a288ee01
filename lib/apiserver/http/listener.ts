// The HTTPS listener: who may in, how many at once, and what every request gets back, whatever happens.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { endable } from '../../http/endable.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { refusal } from '../auth/authorizer.ts';
import type { User } from '../auth/user.ts';
import type { ServingCertificate } from '../certs/authority.ts';
import type { Cluster } from '../rest/call.ts';
import { ApiError, badRequest, internal, tooLarge } from '../status.ts';
import { StorageError } from '../store/log.ts';
import { OBJECT_LIMIT, ObjectTooLarge } from '../store/store.ts';
import { Documents } from './documents.ts';
import { InFlight, LIMITS, type Limits } from './in-flight.ts';
import { parseResourceRequest } from './request.ts';
import { answerResource } from './resources.ts';
import { errorReply, PAGE_NOT_FOUND, type Reply, send } from './respond.ts';
import { SNAPSHOT_PATH, type Snapshots } from './snapshot.ts';

const READS = new Set(['GET', 'HEAD']);
const OPEN_PATHS = new Set(['/healthz', '/livez', '/readyz']);

/** What Node's parser of HTTP finds wrong, as status lines; all else is a bad request. */
const CLIENT_ERRORS: { readonly [code: string]: string } = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

export interface ListenerOptions {
  readonly cluster: Cluster;
  readonly authenticator: Authenticator;
  readonly snapshots: Snapshots;
  readonly host: string;
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly ready: () => boolean;
  readonly limits?: Limits;
  readonly log: (line: string) => void;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #end: () => Promise<void>;
  readonly #documents: Documents;
  readonly #inFlight: InFlight;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    const limits = options.limits ?? LIMITS;
    this.#inFlight = new InFlight(limits);
    this.#documents = new Documents(options.cluster.registry, () => `${options.host}:${this.port}`);
    const { certificate, key } = options.certificate;
    this.#server = createServer({
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      keepAlive: true,
      noDelay: true,
      // Slow senders are cut off; a client may keep its connection between requests.
      headersTimeout: limits.headMilliseconds,
      requestTimeout: limits.wholeMilliseconds,
      connectionsCheckingInterval: limits.headMilliseconds / 4,
    });
    this.#end = endable(this.#server);
    this.#server.keepAliveTimeout = 180_000;
    this.#server.on('request', (request, response) => void this.#handle(request, response));
    // A failed handshake is the client's affair; it must not end the server.
    this.#server.on('tlsClientError', (error) => options.log(`TLS handshake failed: ${error.message}`));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (!socket.writable) return;
      socket.end(`HTTP/1.1 ${CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
    });
  }

  /** @throws Error when the port is taken. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen(options.port, options.host, () => resolve());
    });
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Serves new connections with another certificate. */
  renew({ certificate, key }: ServingCertificate): void {
    this.#server.setSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' });
  }

  close(): Promise<void> {
    return this.#end();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const warnings: string[] = [];
    try {
      const reply = await this.#answer(request, response, warnings);
      if (reply) await send(request, response, reply);
    } catch (error) {
      await this.#refuse(request, response, error, warnings);
    } finally {
      // What was not read of a refused body would be taken for the next request.
      if (!request.complete && !response.headersSent) request.resume();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, warnings: string[]): Promise<Reply | undefined> {
    const { path, query } = parseTarget(request.url ?? '/');
    if (OPEN_PATHS.has(path)) return this.#health(path);
    if (path === '/version' && request.method === 'GET') return this.#documents.get(path, query, undefined);
    const user = this.#options.authenticator.authenticate(request.headers, request.socket);
    const parsed = parseResourceRequest(request.method ?? 'GET', path, query);
    response.once('close', this.#inFlight.enter(parsed?.verb === 'watch' ? 'watches' : 'short'));
    if (!parsed) {
      this.#authorizePath(user, request.method ?? 'GET', path);
      if (path === SNAPSHOT_PATH) return this.#options.snapshots.answer(request, response);
      const document = READS.has(request.method ?? '') && this.#documents.get(path, query, request.headers.accept);
      if (document) return document;
    }
    if (!parsed) return /^\/apis\/[^/]+/.test(path) ? PAGE_NOT_FOUND : this.#documents.index(404);
    return answerResource(this.#options.cluster, parsed, query, user, request, response, warnings);
  }

  /** @throws ApiError 403 */
  #authorizePath(user: User, method: string, path: string): void {
    const wanted = { verb: method.toLowerCase(), path };
    const decision = this.#options.cluster.authorizer.decide(user, wanted);
    if (!decision.allowed) throw new ApiError(403, 'Forbidden', `forbidden: ${refusal(user, wanted, decision)}`, {});
  }

  #health(path: string): Reply {
    const well = path !== '/readyz' || this.#options.ready();
    return { code: well ? 200 : 500, text: well ? 'ok' : 'not ready', contentType: 'text/plain; charset=utf-8' };
  }

  async #refuse(request: IncomingMessage, response: ServerResponse, error: unknown, warnings: string[]): Promise<void> {
    if (request.errored || response.destroyed) return;
    const refusal = this.#refusal(error, request);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (refusal.code === 413) response.setHeader('Connection', 'close');
    const yaml = /application\/yaml/.test(request.headers.accept ?? '');
    await send(request, response, errorReply(refusal, yaml ? 'yaml' : 'json', warnings));
  }

  #refusal(error: unknown, request: IncomingMessage): ApiError {
    if (error instanceof ApiError) return error;
    if (error instanceof ObjectTooLarge) return tooLarge(OBJECT_LIMIT);
    if (error instanceof StorageError) {
      this.#options.log(`storage: ${error.message}`);
      return internal(error.message);
    }
    const { stack, message } = error as Error;
    this.#options.log(`${request.method} ${request.url?.split('?', 1)[0]}: ${stack ?? message}`);
    return internal('the server failed to answer; its log says why');
  }
}

const NO_QUERY = new URLSearchParams();

/** Path and query of a request's target: mostly a path alone, else as a proxy writes it. @throws ApiError 400 */
function parseTarget(target: string): { path: string; query: URLSearchParams } {
  if (target.startsWith('/')) {
    const mark = target.indexOf('?');
    if (mark < 0) return { path: target, query: NO_QUERY };
    return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark)) };
  }
  const url = URL.parse(target);
  if (!url) throw badRequest(`malformed path ${target.split('?', 1)[0]}`);
  return { path: url.pathname, query: url.searchParams };
}
