// The HTTP side of the provisioning API, as protocol.ts describes it: plain HTTP for network boots, HTTPS for agents and
// installed systems. It knows wire, tokens and limits; what is to be answered comes from the backend.
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ipxeScript, retryScript } from '../../boot/ipxe.ts';
import type { LiveBoot } from '../../boot/kernel-arguments.ts';
import { MEDIA_PATH, mediaArguments, parseMediaPath } from '../../boot/media.ts';
import { endable } from '../../http/endable.ts';
import { OriginError } from '../../images/origin.ts';
import type { Log } from '../../observe/log.ts';
import type { SessionGrant } from '../protocol.ts';
import { isRefusal, type NetworkBoot, type ProvisionBackend, type Refusal } from './backend.ts';
import { BodyError, parseReport, parseSessionRequest, parseSystemReport } from './bodies.ts';
import { type BootFile, openBootFile } from './boot-files.ts';
import { type Certificate, certificateFingerprint } from './certificate.ts';
import { DISCOVERY_PATH, discoveryScript, parseDiscovery } from './discovery.ts';
import { IMAGES_PATH, type ImageShelf, imageAnswer } from './image-files.ts';
import { mediaAnswer } from './media-files.ts';
import {
  bootToken,
  hashNonce,
  isMediaKey,
  readBootToken,
  readSessionToken,
  readSystemToken,
  type SessionClaims,
  sessionToken,
} from './tokens.ts';

export interface ProvisionApiOptions {
  /** Address to listen on. */
  readonly host: string;
  /** HTTPS; 0: any free port, as for bootPort. */
  readonly port: number;
  /** Plain HTTP, for firmware that cannot do better. */
  readonly bootPort: number;
  /** How machines reach the two, where that is not the address listened on. */
  readonly advertise?: { readonly url?: string; readonly bootUrl?: string };
  /** Folder of the files served at {bootUrl}/liveos/; see boot-files.ts. Without it there are none. */
  readonly bootFiles?: string;
  /** Images served at {bootUrl}/images/v1/{name}/{sha256}; without it there are none. */
  readonly images?: ImageShelf;
  readonly tls: Certificate;
  /** Signs the tokens: tokens.ts's KEY_BYTES random bytes, the same over restarts and replicas. */
  readonly key: Uint8Array;
  readonly backend: ProvisionBackend;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** How long a request may wait for the controller, in milliseconds. */
  readonly holdMs?: number;
  /** How long somebody may take to send his headers, and all of a request, in milliseconds. */
  readonly patience?: { readonly headersMs: number; readonly requestMs: number };
}

export interface ProvisionApi {
  /** https://…, without a path. */
  readonly url: string;
  /** http://…, without a path. */
  readonly bootUrl: string;
  /** SHA-256 of the certificate: 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** Ends what is under way and gives the ports back. */
  close(): Promise<void>;
}

const FILES = '/liveos/';
const HOLD_MS = 20_000;
const MAX_BODY_BYTES = 1024 * 1024;
/** An origin that is silent has been given up before. */
const IDLE_MS = 300_000;
/** Whoever is slower holds a connection that others may need. */
const PATIENCE = { headersMs: 10_000, requestMs: 30_000 };
const RETRY_AFTER_SECONDS = 2;
/** Each machine keeps one connection open, and a second one at most. */
const MAX_CONNECTIONS = 25_000;

const REFUSALS: Readonly<Record<Refusal['refuse'], { status: number; code: string }>> = {
  invalid: { status: 401, code: 'Unauthorized' },
  stale: { status: 409, code: 'StaleTask' },
  later: { status: 503, code: 'TryAgain' },
};

class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly path: string;
  /** Aborted when the time to answer is over, or the caller has gone. */
  readonly signal: AbortSignal;
  /** Aborted when the answer was sent, or the caller has gone. */
  readonly sent: AbortSignal;
}
interface Answer {
  readonly status: number;
  readonly type?: 'application/json' | 'text/plain' | 'application/octet-stream';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable | BootFile;
  /** To be called when it was sent, or cannot be. */
  readonly close?: () => Promise<void>;
}
type Handler = (exchange: Exchange) => Answer | Promise<Answer>;

/** @throws when a port is taken, the certificate is unusable or the key too short. */
export async function startProvisionApi(options: ProvisionApiOptions): Promise<ProvisionApi> {
  const { backend, key, tls, log, host } = options;
  const now = options.now ?? Date.now;
  const holdMs = options.holdMs ?? HOLD_MS;
  const fingerprint = certificateFingerprint(tls.cert);

  const session = (request: IncomingMessage): SessionClaims =>
    readSessionToken(key, bearer(request), now()) ?? unauthorized('the session is not valid, or has ended');

  const routes: Readonly<Record<string, Handler>> = {
    'POST /agent/v1/session': async ({ request, signal }) => {
      const asked = parseSessionRequest(await readBody(request));
      const boot = readBootToken(key, asked.token) ?? unauthorized('the boot token is not valid');
      const { agentVersion, identity, disks } = asked;
      const nonceHash = hashNonce(asked.nonce);
      const granted = await backend.openSession({ ...boot, nonceHash, agentVersion, identity, disks }, signal);
      if (isRefusal(granted)) return refusal(granted);
      const { device, operationId } = boot;
      const { expiresAt } = granted;
      const grant: SessionGrant = {
        session: sessionToken(key, { ...boot, nonceHash, expiresAt }),
        device,
        operationId,
        expiresAt,
      };
      return json(201, grant);
    },
    'POST /agent/v1/report': async ({ request, signal }) => {
      const claims = session(request);
      const orders = await backend.report(claims, parseReport(await readBody(request)), signal);
      return isRefusal(orders) ? refusal(orders) : json(200, orders);
    },
    'POST /agent/v1/log': async ({ request }) => {
      const claims = session(request);
      backend.agentLog(claims, await readBody(request));
      return { status: 204 };
    },
    'POST /system/v1/report': async ({ request, signal }) => {
      const claims = readSystemToken(key, bearer(request)) ?? unauthorized('the token is not valid');
      const report = parseSystemReport(await readBody(request));
      if (report.instanceUID !== claims.instanceUID) unauthorized('the token is of another instance');
      const refused = await backend.systemReport(claims, report, signal);
      return refused ? refusal(refused) : { status: 204 };
    },
  };

  const { headersMs, requestMs } = options.patience ?? PATIENCE;
  const limits = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: 30_000,
    // Node looks only so often; by itself every half a minute.
    connectionsCheckingInterval: headersMs / 4,
  };
  const api = createHttpsServer(
    { ...tls, ...limits, minVersion: 'TLSv1.2' },
    listener((exchange) => {
      const handler = routes[`${exchange.request.method} ${exchange.path}`];
      if (!handler) throw new HttpError(404, 'NotFound', 'no such path');
      return handler(exchange);
    }),
  );
  const boot = createHttpServer(
    limits,
    listener((exchange) => {
      const { method } = exchange.request;
      const isRead = method === 'GET' || method === 'HEAD';
      if (isRead && exchange.path.startsWith(IMAGES_PATH)) return image(exchange);
      if (isRead && exchange.path.startsWith(MEDIA_PATH)) return media(exchange);
      if (method !== 'GET') throw new HttpError(404, 'NotFound', 'no such path');
      if (exchange.path.startsWith(DISCOVERY_PATH)) return discovered(exchange);
      return exchange.path.startsWith(FILES) ? bootFile(exchange) : bootScript(exchange);
    }),
  );

  async function bootFile({ path }: Exchange): Promise<Answer> {
    const { bootFiles } = options;
    const body = bootFiles === undefined ? undefined : await openBootFile(bootFiles, path.slice(FILES.length));
    if (!body) throw new HttpError(404, 'NotFound', 'no such file');
    return { status: 200, type: 'application/octet-stream', body };
  }

  async function image({ path, request, signal, sent }: Exchange): Promise<Answer> {
    const { images } = options;
    const asked = { range: request.headers.range, headOnly: request.method === 'HEAD' };
    const signals = { opening: signal, whole: sent };
    const answer = images && (await imageAnswer(images, path, asked, signals).catch(unavailable(signal)));
    if (!answer || answer.status === 404) throw new HttpError(404, 'NotFound', 'no operation asks for such an image');
    return octets(answer);
  }

  function discovered({ request }: Exchange): Answer {
    const machine = parseDiscovery(request.url ?? '', request.socket.remoteAddress);
    if (!machine) throw new HttpError(404, 'NotFound', 'no such path');
    backend.discovered?.(machine);
    return { status: 200, type: 'text/plain', body: '#!ipxe\n' };
  }

  function bootScript({ path }: Exchange): Answer {
    const mac = /^\/boot\/v1\/([0-9a-f]{2}(?:[:-][0-9a-f]{2}){5})$/i.exec(path)?.[1];
    if (mac === undefined) throw new HttpError(404, 'NotFound', 'no such path');
    const macAddress = mac.toLowerCase().replaceAll('-', ':');
    const found = backend.boot(macAddress);
    if (found === undefined)
      throw new HttpError(404, 'NoNetworkBoot', 'nothing waits for a network boot of this machine');
    if (found === 'unknown') return { status: 200, type: 'text/plain', body: discoveryScript(bootUrl, macAddress) };
    // iPXE would take 503 for "nothing here" and go on to the disk.
    if (isRefusal(found)) return { status: 200, type: 'text/plain', body: retryScript(`${bootUrl}${path}`) };
    const { kernelUrl, initrdUrl } = found;
    const script = ipxeScript({ kernelUrl, initrdUrl, ...liveBoot(macAddress, found) });
    return { status: 200, type: 'text/plain', body: script };
  }

  const liveBoot = (macAddress: string, found: NetworkBoot): LiveBoot => ({
    url,
    fingerprint,
    token: bootToken(key, found),
    macAddress,
    network: found.network,
    ...(found.kernelArguments && { kernelArguments: found.kernelArguments }),
  });

  async function media({ path, request }: Exchange): Promise<Answer> {
    const asked = parseMediaPath(path);
    const found = asked && backend.boot(asked.macAddress);
    if (found !== undefined && found !== 'unknown' && isRefusal(found)) return refusal(found);
    const isWanted = asked && found !== undefined && found !== 'unknown' && isMediaKey(key, found, asked.key);
    const { bootFiles } = options;
    const how = { range: request.headers.range, headOnly: request.method === 'HEAD' };
    const answer =
      isWanted && bootFiles !== undefined
        ? await mediaAnswer(bootFiles, mediaArguments(liveBoot(asked.macAddress, found)), how)
        : undefined;
    if (!answer) throw new HttpError(404, 'NotFound', 'no boot waits for such a disc');
    return octets(answer);
  }

  /** One request from its first byte to its last, whatever goes wrong in between. */
  function listener(handle: Handler) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      const ended = new AbortController();
      const sent = new AbortController();
      const deadline = setTimeout(() => ended.abort(), holdMs);
      response.on('close', () => {
        clearTimeout(deadline);
        ended.abort();
        sent.abort();
      });
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      // A promise even where the handler throws at once.
      Promise.resolve({ request, path, signal: ended.signal, sent: sent.signal })
        .then(handle)
        .catch((error: unknown) => failure(error, path))
        .then((answer) => sendAndClose(response, answer))
        .catch((error: unknown) => {
          log.warn({ err: error, path }, 'an answer could not be sent');
          response.destroy();
        });
    };
  }

  function failure(error: unknown, path: string): Answer {
    if (error instanceof HttpError) return json(error.status, { code: error.code, message: error.message });
    if (error instanceof BodyError) return json(400, { code: 'BadRequest', message: error.message });
    log.error({ err: error, path }, 'a request failed');
    return json(500, { code: 'InternalError', message: 'the operator failed at this; its log says why' });
  }

  for (const server of [api, boot]) {
    // Whoever takes nothing of his answer for so long has gone.
    server.timeout = IDLE_MS;
    server.maxConnections = MAX_CONNECTIONS;
  }
  const [endApi, endBoot] = [endable(api), endable(boot)];
  const apiPort = await listen(api, options.port, host);
  const bootPort = await listen(boot, options.bootPort, host).catch(async (error: unknown) => {
    await endApi();
    throw error;
  });
  const url = options.advertise?.url ?? `https://${authority(host, apiPort)}`;
  const bootUrl = options.advertise?.bootUrl ?? `http://${authority(host, bootPort)}`;
  return {
    url,
    bootUrl,
    fingerprint,
    async close() {
      await Promise.all([endApi(), endBoot()]);
    },
  };
}

/** Agents come back for what may pass, and tell what does not. */
function unavailable(signal: AbortSignal) {
  return (error: unknown): never => {
    if (signal.aborted) throw new HttpError(503, 'TryAgain', 'the image has not begun to come yet');
    if (!(error instanceof OriginError)) throw error;
    throw new HttpError(error.passing ? 502 : 404, 'ImageUnavailable', error.message);
  };
}

function unauthorized(message: string): never {
  throw new HttpError(401, 'Unauthorized', message);
}

/** RFC 6750, §2.1. */
function bearer(request: IncomingMessage): string {
  return /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? unauthorized('no bearer token');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new HttpError(413, 'TooLarge', `a body has at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

/** A file, or part of one. */
function octets({ stream: body, ...rest }: Omit<Answer, 'body'> & { readonly stream?: Readable }): Answer {
  return { ...rest, type: 'application/octet-stream', ...(body && { body }) };
}

function refusal({ refuse, message }: Refusal): Answer {
  const { status, code } = REFUSALS[refuse];
  return json(status, { code, message });
}

async function sendAndClose(response: ServerResponse, answer: Answer): Promise<void> {
  try {
    await send(response, answer);
  } finally {
    await answer.close?.();
  }
}

async function send(response: ServerResponse, { status, type, headers = {}, body }: Answer): Promise<void> {
  response.statusCode = status;
  response.setHeader('cache-control', 'no-store');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (type) response.setHeader('content-type', type);
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  // What was not read of the body stays on the connection: it cannot carry another request.
  if (status === 413) response.setHeader('connection', 'close');
  if (body instanceof Readable) await pipeline(body, response);
  else if (typeof body === 'object') {
    response.setHeader('content-length', body.bytes);
    await pipeline(body.stream, response);
  } else if (!response.destroyed) {
    response.end(body);
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
