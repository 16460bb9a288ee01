// A plain HTTPS client for one cluster, from its kubeconfig: it knows requests and answers, nothing of the server under test.
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { load } from 'js-yaml';
import type { Json, JsonObject } from '../json.ts';

export interface Reply {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: JsonObject;
}

export interface RequestOptions {
  readonly method?: string;
  /** Objects are sent as JSON. */
  readonly body?: Json | string;
  readonly headers?: { readonly [name: string]: string };
  /** Instead of the kubeconfig's; "" for none. */
  readonly token?: string;
}

/** An event of a watch. */
export type WatchEvent = { readonly type: string; readonly object: JsonObject };

type Config = {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { token: string } }[];
};

export class Client {
  readonly #server: URL;
  readonly #token: string;
  readonly #agent: Agent;

  constructor(kubeconfigPath: string) {
    const config = load(readFileSync(kubeconfigPath, 'utf8')) as Config;
    const { cluster } = config.clusters[0]!;
    this.#server = new URL(cluster.server);
    this.#token = config.users[0]!.user.token;
    this.#agent = new Agent({ keepAlive: true, ca: Buffer.from(cluster['certificate-authority-data'], 'base64') });
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(path: string, options: RequestOptions) {
    const { method = 'GET', body } = options;
    const token = options.token ?? this.#token;
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const request = httpsRequest(new URL(path, this.#server), {
      method,
      agent: this.#agent,
      headers: {
        'User-Agent': 'conformance/1',
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(text === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
        ...options.headers,
      },
    });
    request.end(text);
    return request;
  }

  /** Sends a request and reads the whole answer. */
  async call(path: string, options: RequestOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = this.#open(path, options);
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: json ? (JSON.parse(text) as JsonObject) : {},
          });
        });
      });
    });
  }

  get(path: string, headers: RequestOptions['headers'] = {}): Promise<Reply> {
    return this.call(path, { headers });
  }

  post(path: string, body: Json | string, headers: RequestOptions['headers'] = {}): Promise<Reply> {
    return this.call(path, { method: 'POST', body, headers });
  }

  put(path: string, body: Json | string): Promise<Reply> {
    return this.call(path, { method: 'PUT', body });
  }

  delete(path: string, body?: Json): Promise<Reply> {
    return this.call(path, { method: 'DELETE', ...(body === undefined ? {} : { body }) });
  }

  /** @param type "merge", "json", "strategic" or "apply" */
  patch(path: string, type: string, body: Json | string): Promise<Reply> {
    const media = type === 'apply' ? 'application/apply-patch+yaml' : `application/${PATCHES[type]}+json`;
    return this.call(path, { method: 'PATCH', body, headers: { 'Content-Type': media } });
  }

  /**
   * Opens a watch; its events can be awaited one by one. `close` ends it.
   * A refusal of the watch shows as an answer whose code is not 200.
   */
  async watch(path: string, headers: RequestOptions['headers'] = {}): Promise<Watch> {
    return new Promise((resolve, reject) => {
      const request = this.#open(path, { headers });
      request.on('error', reject);
      request.on('response', (response) => resolve(new Watch(response)));
    });
  }
}

const PATCHES: { readonly [type: string]: string } = {
  merge: 'merge-patch',
  json: 'json-patch',
  strategic: 'strategic-merge-patch',
};

export class Watch {
  readonly code: number;
  readonly #response: IncomingMessage;
  readonly #events: WatchEvent[] = [];
  readonly #waiting: ((event: WatchEvent | undefined) => void)[] = [];
  #rest = '';
  #ended = false;

  constructor(response: IncomingMessage) {
    this.code = response.statusCode ?? 0;
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#take(chunk));
    // Whether the server ended the stream or the connection broke, there is nothing more to come.
    response.on('close', () => {
      this.#ended = true;
      for (const waiting of this.#waiting.splice(0)) waiting(undefined);
    });
    response.on('error', () => response.destroy());
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines.filter(Boolean)) {
      const event = JSON.parse(line) as WatchEvent;
      const waiting = this.#waiting.shift();
      if (waiting) waiting(event);
      else this.#events.push(event);
    }
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<WatchEvent | undefined> {
    const event = this.#events.shift();
    if (event || this.#ended) return event;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next `count` events. @throws Error when the stream ends before */
  async take(count: number): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) throw new Error(`the watch ended after ${events.length} of ${count} events`);
      events.push(event);
    }
    return events;
  }

  close(): void {
    this.#response.destroy();
  }
}
