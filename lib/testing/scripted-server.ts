// An API server that does what a test tells it, on a real socket: to answer, to stream, to be silent, to cut.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The client's: calls of one port share a connection. */
  readonly port: number | undefined;
}

export interface ScriptedAnswer {
  json(value: unknown, status?: number, headers?: Record<string, string>): void;
  /** A metav1.Status of failure. */
  fail(status: number, reason: string, headers?: Record<string, string>): void;
  /** Begins the answer, and says nothing. */
  open(): void;
  /** One watch event; the first one begins the answer. */
  event(type: string, object: object): void;
  /** Bytes as they are, in the place of an event. */
  write(text: string): void;
  bytes(data: Uint8Array): void;
  /** Ends the answer properly. */
  end(): void;
  /** Closes the connection in the middle of the answer; what was written before arrives. */
  cut(): void;
  /** Resets the connection; what was written may be lost. */
  reset(): void;
}

export type Script = (request: ScriptedRequest, answer: ScriptedAnswer) => void | Promise<void>;

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly kubeconfig: string;
  readonly requests: ScriptedRequest[];
}

/** Serves `script` on a free port of the loopback, until it is disposed of. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const failures: unknown[] = [];
  const server = createServer((incoming, outgoing) => {
    readRequest(incoming)
      .then((request) => {
        requests.push(request);
        return script(request, answerOn(outgoing));
      })
      .catch((error: unknown) => {
        failures.push(error);
        outgoing.destroy();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dir = await mkdtemp(join(tmpdir(), 'scripted-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(kubeconfig, kubeconfigOf(url));
  return {
    url,
    kubeconfig,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
      // A client that goes away in the middle of its request is part of the play; a script that throws is not.
      const faults = failures.filter(
        (failure) => !(failure instanceof Error && 'code' in failure && failure.code === 'ECONNRESET'),
      );
      if (faults.length > 0) throw new AggregateError(faults, 'the script of the server threw');
    },
  };
}

/** A kubeconfig for `server`, as JSON. */
export function kubeconfigOf(server: string, token = 'scripted'): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'scripted', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'scripted', user: { token } }],
    contexts: [{ name: 'scripted', context: { cluster: 'scripted', user: 'scripted' } }],
    'current-context': 'scripted',
  });
}

async function readRequest(incoming: IncomingMessage): Promise<ScriptedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://scripted');
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    port: incoming.socket.remotePort,
  };
}

function answerOn(outgoing: ServerResponse): ScriptedAnswer {
  const json = (value: unknown, status = 200, headers = {}) => {
    outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
    outgoing.end(JSON.stringify(value));
  };
  const write = (text: string) => {
    outgoing.write(text);
  };
  return {
    json,
    fail: (code, reason, headers) =>
      json(
        { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message: `scripted ${reason}` },
        code,
        headers,
      ),
    open: () => outgoing.flushHeaders(),
    event: (type, object) => write(`${JSON.stringify({ type, object })}\n`),
    write,
    bytes(data) {
      outgoing.write(data);
    },
    end: () => outgoing.end(),
    cut: () => outgoing.socket?.end(),
    reset: () => outgoing.socket?.resetAndDestroy(),
  };
}
