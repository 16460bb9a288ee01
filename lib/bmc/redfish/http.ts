// HTTPS to one BMC: one connection, kept; bounded answers; and only to a certificate that is believed.
import { type AgentOptions, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Duplex, Readable } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { TlsTrust } from '../driver.ts';
import { type Json, parse, ShapeError } from './json.ts';

const MOST_BYTES = 8 << 20;
const IDLE_MILLISECONDS = 30_000;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Undefined for answers without a body. */
  readonly json: Json | undefined;
}

/** The request was given up. `connected` tells a service that says nothing from an address where there is none. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
  readonly connected: boolean;

  constructor(connected: boolean, cause: unknown) {
    super('given up', { cause });
    this.connected = connected;
  }
}

/** The certificate is not the one to believe. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export interface Origin {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsTrust;
}

/** An answer whose body goes on; refusals have none. */
export interface HttpStream extends HttpAnswer {
  readonly body: AsyncIterable<Buffer>;
}

export class HttpConnection {
  readonly #origin: Origin;
  readonly #agent: HttpAgent;
  /** For an answer that goes on: it would keep all others waiting. */
  #second: HttpAgent | undefined;

  constructor(origin: Origin) {
    this.#origin = origin;
    this.#agent = agentFor(origin, { keepAlive: true, maxSockets: 1, timeout: IDLE_MILLISECONDS });
  }

  /**
   * One request, one answer, whatever its status. Rejects with the network's error, CertificateError, ShapeError (no JSON) or
   * GivenUp when the signal fires. A kept connection that the BMC had closed meanwhile is not told from one that broke: `reused` says so.
   */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const incoming = await this.#begun(request, this.#agent, signal);
    try {
      return answer(incoming, await collect(incoming));
    } catch (error) {
      throw signal.aborted ? new GivenUp(true, signal.reason) : error;
    }
  }

  /**
   * The same on a connection of its own, without waiting for the answer's end. Its body throws when the connection breaks, or
   * the signal fires. `begunMs`: for the answer to begin.
   */
  async stream(request: HttpRequest, begunMs: number, signal: AbortSignal): Promise<HttpStream> {
    this.#second ??= agentFor(this.#origin, { maxSockets: 1 });
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException('the answer did not begin', 'TimeoutError')), begunMs);
    try {
      const incoming = await this.#begun(request, this.#second, AbortSignal.any([signal, late.signal]));
      // A peer that is gone without a word is noticed by the kernel.
      incoming.socket.setKeepAlive(true, IDLE_MILLISECONDS);
      if (incoming.statusCode === 200) return { ...answer(incoming, NOTHING), body: incoming };
      return { ...answer(incoming, await collect(incoming)), body: emptyStream() };
    } finally {
      clearTimeout(timer);
    }
  }

  #begun(request: HttpRequest, agent: HttpAgent, signal: AbortSignal): Promise<IncomingMessage> {
    const { secure, host, port } = this.#origin;
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const headers = {
      accept: 'application/json',
      'odata-version': '4.0',
      ...(body && { 'content-type': 'application/json', 'content-length': String(body.length) }),
      ...request.headers,
    };
    return new Promise((resolve, reject) => {
      const open = secure ? httpsRequest : httpRequest;
      const { method, path } = request;
      const outgoing = open({ agent, host, port, method, path, headers, signal }, resolve);
      outgoing.on('error', (error) => {
        const connected = outgoing.socket?.connecting === false;
        reject(signal.aborted ? new GivenUp(connected, signal.reason) : mark(error, outgoing.reusedSocket));
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#second?.destroy();
  }
}

const NOTHING = Buffer.alloc(0);
const emptyStream = (): AsyncIterable<Buffer> => Readable.from([]);

const agentFor = ({ secure, tls }: Origin, options: AgentOptions): HttpAgent =>
  secure ? new TrustingAgent(options, tls ?? {}) : new HttpAgent(options);

const mark = (error: Error, reused: boolean) => Object.assign(error, { reused });

function answer(incoming: IncomingMessage, bytes: Buffer): HttpAnswer {
  const { statusCode: status = 0, headers } = incoming;
  const isJson = /json/.test(headers['content-type'] ?? '');
  if (bytes.length === 0 || (!isJson && status >= 400)) return { status, headers, json: undefined };
  return { status, headers, json: parse(bytes, 'the answer') };
}

async function collect(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MOST_BYTES) throw new ShapeError(`more than ${MOST_BYTES} bytes in one answer`); // ends the connection, too
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Hands a connection out only after its certificate was judged, so that no password goes to a stranger. */
class TrustingAgent extends HttpsAgent {
  readonly #trust: TlsTrust;

  constructor(options: ConstructorParameters<typeof HttpsAgent>[0], trust: TlsTrust) {
    super(options);
    this.#trust = trust;
  }

  override createConnection(options: ConnectionOptions, callback: (error: Error | null, socket: Duplex) => void): null {
    const { ca, fingerprint, insecure } = this.#trust;
    const byAuthority = fingerprint === undefined && insecure !== true;
    const socket = connect({ ...options, rejectUnauthorized: byAuthority, ...(ca === undefined ? {} : { ca }) });
    const fail = (error: Error) => callback(judged(error), socket);
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      if (fingerprint === undefined || matches(socket, fingerprint)) {
        callback(null, socket);
      } else {
        socket.destroy();
        callback(new CertificateError('the certificate is not the one with the expected fingerprint'), socket);
      }
    });
    return null;
  }
}

const plain = (fingerprint: string) => fingerprint.replaceAll(':', '').toLowerCase();

function matches(socket: TLSSocket, fingerprint: string): boolean {
  const presented = socket.getPeerCertificate().fingerprint256;
  return presented !== undefined && plain(presented) === plain(fingerprint);
}

/** Node's codes for certificates that no authority vouches for, that are out of date, or for somebody else. */
function judged(error: Error): Error {
  const code = 'code' in error ? String(error.code) : '';
  const aboutTrust = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code);
  return aboutTrust ? new CertificateError(`the certificate is not trusted (${code})`, { cause: error }) : error;
}
