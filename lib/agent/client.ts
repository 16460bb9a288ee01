// HTTPS to an operator that is known by its certificate's fingerprint alone. Nothing is sent, the token least of all,
// before the peer has shown that certificate.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext } from 'node:tls';

export interface ApiAddress {
  /** https://host:port, without a path. */
  readonly url: string;
  /** SHA-256 of the certificate: 64 lower-case hex digits. */
  readonly fingerprint: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs?: number;
}

/** Somebody else answered at the operator's address. */
export class WrongCertificate extends Error {
  override readonly name = 'WrongCertificate';
}

const HANDSHAKE_MS = 15_000;
/** Longer than the operator holds a report. */
const ANSWER_MS = 40_000;
const LONGEST_ANSWER = 8 * 1024 * 1024;

/** Shared: it holds nothing of a peer, and thousands of simulated machines live in one process. */
const secureContext = createSecureContext({ minVersion: 'TLSv1.2' });

/** Connections that are handed out only after the peer's certificate was compared. */
class PinnedAgent extends Agent {
  readonly #fingerprint: Buffer;

  constructor(fingerprint: string) {
    super({ keepAlive: true, maxSockets: 2 });
    this.#fingerprint = Buffer.from(fingerprint, 'hex');
  }

  override createConnection(
    options: RequestOptions,
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const host = options.host ?? 'localhost';
    // The certificate is signed by nobody, so no authority is asked; the pin below takes their place.
    const socket = connect({
      host,
      port: Number(options.port),
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    const settle = (error: Error | null) => {
      clearTimeout(deadline);
      socket.off('error', settle);
      if (error) socket.destroy();
      callback(error, socket);
    };
    const deadline = setTimeout(() => socket.destroy(new Error('the TLS handshake took too long')), HANDSHAKE_MS);
    socket.once('error', settle);
    socket.once('secureConnect', () => {
      const shown = Buffer.from(socket.getPeerCertificate().fingerprint256?.replaceAll(':', '') ?? '', 'hex');
      const same = shown.length === this.#fingerprint.length && timingSafeEqual(shown, this.#fingerprint);
      settle(same ? null : new WrongCertificate('the certificate shown is not the operator’s'));
    });
  }
}

export class ApiClient {
  readonly #agent: PinnedAgent;
  readonly #url: string;

  constructor(address: ApiAddress) {
    this.#agent = new PinnedAgent(address.fingerprint);
    this.#url = address.url;
  }

  /**
   * Posts JSON, or a text as it is.
   *
   * @throws WrongCertificate, the network's own errors, the signal's reason; never for what the operator answered.
   */
  post(path: string, body: unknown, signal: AbortSignal, bearer?: string): Promise<ApiAnswer> {
    const text = typeof body === 'string';
    const payload = Buffer.from(text ? body : JSON.stringify(body));
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const call = request(new URL(path, this.#url), {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': text ? 'text/plain; charset=utf-8' : 'application/json',
          'content-length': payload.length,
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
      });
      const abort = () => call.destroy(signal.reason);
      const deadline = setTimeout(() => call.destroy(new Error('the operator took too long to answer')), ANSWER_MS);
      signal.addEventListener('abort', abort);
      call.on('close', () => {
        clearTimeout(deadline);
        signal.removeEventListener('abort', abort);
      });
      call.on('error', reject);
      call.on('response', (response) => {
        readAnswer(response).then(resolve, reject);
      });
      call.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readAnswer(response: IncomingMessage): Promise<ApiAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LONGEST_ANSWER) throw new Error('the operator’s answer is too long');
    chunks.push(chunk);
  }
  const seconds = Number(response.headers['retry-after']);
  return {
    status: response.statusCode ?? 0,
    body: Buffer.concat(chunks).toString('utf8'),
    ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
}
