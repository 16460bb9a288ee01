// DHCP in a container of its own: what needs rights over the network stands apart from what holds credentials.
//
// HTTP over a Unix socket, in a folder that only the two of them share. Whoever wants networks served holds his request open:
// when the connection ends, for whatever reason, nobody is served any more. So a replica that leads no longer serves nobody.
//
//   POST   /serve         DhcpPlan → 200, begun when it is served, and open for as long as that is wanted
//   PUT    /hosts/{mac}   DhcpHost → 204 when the host is served
//   DELETE /hosts/{mac}   204 when it is no longer
//   GET    /hosts         200 [mac, …]
//
// Refusals are {message}: 400 a value that cannot be, 409 nobody has said what to serve.
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../observe/log.ts';
import type { DhcpHost } from './config.ts';
import { type DhcpPlan, type DhcpService, NotServing } from './service.ts';

const MAX_BODY_BYTES = 1024 * 1024;
const CHANGE_MS = 30_000;

export interface DhcpSocket {
  close(): Promise<void>;
}

/** Offers a DHCP service at the path of a Unix socket, to one client at a time: the newest is believed. */
export async function offerDhcp(service: DhcpService, socket: string, log: Log): Promise<DhcpSocket> {
  let holder: ServerResponse | undefined;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const plan = JSON.parse(await bodyOf(request)) as DhcpPlan;
    const before = holder;
    holder = response;
    before?.destroy();
    await service.serve(plan, AbortSignal.timeout(CHANGE_MS));
    response.on('close', () => {
      if (holder !== response) return;
      holder = undefined;
      log.info({}, 'nobody wants DHCP any more');
      service
        .serve({ ...plan, networks: [] }, AbortSignal.timeout(CHANGE_MS))
        .catch((error: unknown) => log.error({ err: error }, 'DHCP could not be ended'));
    });
    response.writeHead(200).flushHeaders();
    log.info({ networks: plan.networks.map(({ subnet }) => subnet) }, 'DHCP serves');
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signal = AbortSignal.timeout(CHANGE_MS);
    const mac = /^\/hosts\/([0-9a-f:]{17})$/.exec(request.url ?? '')?.[1];
    const asked = `${request.method} ${mac === undefined ? request.url : '/hosts/'}`;
    if (asked === 'POST /serve') return serve(request, response);
    if (asked === 'GET /hosts') {
      response.end(JSON.stringify(await service.hosts(signal)));
      return;
    }
    if (mac !== undefined && asked === 'PUT /hosts/') {
      const host = JSON.parse(await bodyOf(request)) as DhcpHost;
      await service.addHost({ ...host, macAddress: mac }, signal);
    } else if (mac !== undefined && asked === 'DELETE /hosts/') await service.removeHost(mac, signal);
    else response.statusCode = 404;
    if (response.statusCode === 200) response.statusCode = 204;
    response.end();
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn({ err: error, path: request.url }, 'a change of DHCP failed');
      if (response.headersSent) return void response.destroy();
      const wrong = error instanceof RangeError || error instanceof SyntaxError;
      response.statusCode = wrong ? 400 : error instanceof NotServing ? 409 : 500;
      response.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
    });
  });
  // One that was killed leaves its socket.
  await rm(socket, { force: true });
  server.listen(socket);
  await once(server, 'listening');
  // For its group too: the operator is another user.
  await chmod(socket, 0o660);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The service that is offered at a socket. One that cannot be reached is NotServing: it may come, and be asked again. */
export function dhcpAt(socket: string): DhcpService {
  let held: { readonly plan: DhcpPlan; readonly response: IncomingMessage } | undefined;

  const call = async (method: string, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> => {
    const sent = httpRequest({ socketPath: socket, method, path, agent: false, signal });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    let response: IncomingMessage;
    try {
      [response] = (await once(sent, 'response')) as [IncomingMessage];
    } catch (cause) {
      signal.throwIfAborted();
      throw new NotServing(`nobody serves DHCP at ${socket}`, { cause });
    }
    if (response.statusCode! < 300) return response;
    const { message } = JSON.parse(await bodyOf(response)) as { message: string };
    if (response.statusCode === 400) throw new RangeError(message);
    throw response.statusCode === 409 ? new NotServing(message) : new Error(message);
  };
  const ended = async (response: IncomingMessage) => void (await bodyOf(response));

  return {
    async serve(plan, signal) {
      if (held && isDeepStrictEqual(held.plan, plan)) return;
      // Only until it has begun: the answer stays open.
      const asking = new AbortController();
      const late = () => asking.abort(signal.reason);
      signal.addEventListener('abort', late);
      try {
        const response = await call('POST', '/serve', plan, asking.signal);
        const now = { plan, response };
        held = now;
        // The line is cut by its other end, or by ours: either way it is asked for again where it is wanted.
        response.on('error', () => response.destroy());
        response.on('close', () => {
          if (held === now) held = undefined;
        });
        response.resume();
      } finally {
        signal.removeEventListener('abort', late);
      }
    },
    async addHost(host, signal) {
      await ended(await call('PUT', `/hosts/${host.macAddress}`, host, signal));
    },
    async removeHost(macAddress, signal) {
      await ended(await call('DELETE', `/hosts/${macAddress}`, undefined, signal));
    },
    async hosts(signal) {
      return JSON.parse(await bodyOf(await call('GET', '/hosts', undefined, signal))) as string[];
    },
    async close() {
      const { response } = held ?? {};
      held = undefined;
      if (!response || response.destroyed) return;
      const closed = once(response, 'close');
      response.destroy();
      await closed;
    },
  };
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new RangeError(`more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
