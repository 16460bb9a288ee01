// Load on a server: keep-alive connections with one request each under way, as cheap as HTTP/1.1 over TLS can be written, so that
// what is measured is the server and not its client.
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { load as loadYaml } from 'js-yaml';

type Config = {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { token: string } }[];
};

export interface Access {
  readonly host: string;
  readonly port: number;
  readonly ca: Buffer;
  readonly token: string;
}

export function readAccess(kubeconfig: string): Access {
  const config = loadYaml(readFileSync(kubeconfig, 'utf8')) as Config;
  const { cluster } = config.clusters[0]!;
  const url = new URL(cluster.server);
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64');
  return { host: url.hostname, port: Number(url.port), ca, token: config.users[0]!.user.token };
}

export interface Response {
  readonly code: number;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** One connection. Requests follow each other; answers are read whole. */
export class Connection {
  readonly #access: Access;
  #socket!: TLSSocket;
  #chunks: Buffer[] = [];
  #size = 0;
  /** How much must be there before it is worth looking again. */
  #wanted = 0;
  #waiting: { resolve: (response: Response) => void; reject: (error: Error) => void } | undefined;

  private constructor(access: Access) {
    this.#access = access;
  }

  static async open(access: Access): Promise<Connection> {
    const connection = new Connection(access);
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host: access.host, port: access.port, ca: access.ca }, () => resolve());
      socket.setNoDelay(true);
      socket.on('data', (chunk: Buffer) => connection.#take(chunk));
      socket.on('error', (error) => {
        reject(error);
        connection.#waiting?.reject(error);
      });
      connection.#socket = socket;
    });
    return connection;
  }

  request(method: string, path: string, body = '', type = 'application/json'): Promise<Response> {
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#access.host}\r\nAuthorization: Bearer ${this.#access.token}\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n`;
    const length = body ? `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` : '';
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${head}${length}\r\n${body}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#wanted) return;
    const buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size);
    const response = parse(buffer);
    if (!response) {
      // Large answers come in many pieces: they are joined a few times only.
      this.#chunks = [buffer];
      this.#wanted = expected(buffer);
      return;
    }
    this.#chunks = [];
    this.#size = 0;
    this.#wanted = 0;
    const { resolve } = this.#waiting!;
    this.#waiting = undefined;
    resolve(response);
  }
}

/** The whole length of a response that says it; 0 otherwise. */
function expected(buffer: Buffer): number {
  const end = buffer.indexOf(HEAD_END);
  const length = end < 0 ? undefined : /\r\ncontent-length: (\d+)/i.exec(buffer.toString('latin1', 0, end))?.[1];
  return length === undefined ? 0 : end + HEAD_END.length + Number(length);
}

/** A complete response; undefined while there is more to come. */
function parse(buffer: Buffer): Response | undefined {
  const end = buffer.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = buffer.toString('latin1', 0, end);
  const code = Number(head.slice(9, 12));
  const start = end + HEAD_END.length;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const stop = start + Number(length);
    return buffer.length < stop ? undefined : { code, body: buffer.subarray(start, stop) };
  }
  return dechunk(buffer, start, code);
}

function dechunk(buffer: Buffer, start: number, code: number): Response | undefined {
  const parts: Buffer[] = [];
  let position = start;
  for (;;) {
    const line = buffer.indexOf('\r\n', position);
    if (line < 0) return undefined;
    const size = Number.parseInt(buffer.toString('latin1', position, line), 16);
    const data = line + 2;
    if (buffer.length < data + size + 2) return undefined;
    if (size === 0) return { code, body: Buffer.concat(parts) };
    parts.push(buffer.subarray(data, data + size));
    position = data + size + 2;
  }
}
