// A simulated Redfish service: HTTP in front of the same state that the simulated BMC serves over IPMI.
import { createHash } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BmcState } from '../state.ts';
import { type Body, REFUSE, type Reply } from './messages.ts';
import { ROLES, roleOf } from './resources.ts';
import { type Method, routeOf } from './routes.ts';
import { Tokens } from './tokens.ts';

const MOST_BYTES = 64 * 1024;

/** PEM texts. Without them the service speaks plain HTTP. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export class RedfishServer {
  readonly #state: BmcState;
  readonly #tokens: Tokens;
  readonly #random: () => number;
  readonly #server: Server;
  #requests = 0;

  constructor(state: BmcState, random: () => number, sessionLimit: number, certificate?: Certificate) {
    this.#state = state;
    this.#tokens = new Tokens(state.users, sessionLimit, state.now);
    this.#random = random;
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#server = certificate ? createHttpsServer(certificate, handle) : createHttpServer(handle);
  }

  /** How many sessions are open. */
  get sessions(): number {
    return this.#tokens.list().length;
  }

  /** How many requests have come. */
  get requests(): number {
    return this.#requests;
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Forgets its sessions, as a BMC does that restarts. */
  reboot(): void {
    this.#tokens.clear();
  }

  close(): Promise<void> {
    this.reboot();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requests++;
    const { faults } = this.#state;
    const [least, most] = faults.delay;
    if (faults.silent) return;
    if (this.#random() < faults.loss) {
      request.destroy(); // what a lossy network comes to for TCP: a broken connection
      return;
    }
    const body = await readBody(request);
    const name = `${request.method} ${request.url}`;
    if (this.#state.interrupted(name, 'before')) {
      request.socket.destroy();
      return;
    }
    const reply = body === undefined ? REFUSE.malformed() : this.#reply(request, body);
    const isLost = faults.powerAnswersLost && request.url?.endsWith('ComputerSystem.Reset');
    if (this.#state.interrupted(name, 'after') || isLost) {
      request.socket.destroy();
      return;
    }
    const delay = least + this.#random() * (most - least);
    if (delay > 0) setTimeout(() => send(response, reply), delay);
    else send(response, reply);
  }

  #reply(request: IncomingMessage, body: Body): Reply {
    const path = (request.url ?? '').replace(/[?#].*$/, '').replace(/\/$/, '');
    const at = routeOf(path);
    const user = this.#tokens.authenticate(request.headers, this.#state.faults);
    if (!at) return user ? REFUSE.missing() : REFUSE.unauthorized();
    const operation = at.route[request.method as Method];
    if (!operation) return REFUSE.method();
    if (operation.privilege) {
      if (!user) return REFUSE.unauthorized();
      const held: readonly string[] = ROLES[roleOf(user)];
      if (!held.includes(operation.privilege)) return REFUSE.privilege();
    }
    const asked = { state: this.#state, tokens: this.#tokens, path, name: at.name, user, body };
    const expected = request.headers['if-match'];
    const current = at.route.GET;
    if (request.method === 'PATCH' && expected !== undefined && current) {
      const { body: now } = current.run(asked);
      if (now && expected !== '*' && expected !== etag(now)) return REFUSE.changed();
    }
    return operation.run(asked);
  }
}

const etag = (body: Body) => `W/"${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16)}"`;

/** An object, empty for requests without a body; undefined for what is none, or too long. */
async function readBody(request: IncomingMessage): Promise<Body | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > MOST_BYTES) return undefined;
      pieces.push(piece);
    }
    const json: unknown = length === 0 ? {} : JSON.parse(Buffer.concat(pieces).toString('utf8'));
    return typeof json === 'object' && json !== null ? (json as Body) : undefined;
  } catch {
    return undefined; // broken off, or no JSON: refused alike
  }
}

function send(response: ServerResponse, { status, body, headers, stream }: Reply): void {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'odata-version': '4.0',
    'cache-control': 'no-cache',
    ...(bytes && { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length }),
    ...(body && status === 200 && { etag: etag(body) }),
    ...headers,
  });
  if (stream) stream(response);
  else response.end(bytes);
}
