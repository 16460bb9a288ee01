// A Redfish service: sends requests, and sees to it that there is a session to send them in (DSP0266 §13.3.4).
import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials } from '../driver.ts';
import { BmcError } from '../errors.ts';
import { Turns } from '../turns.ts';
import { refusal } from './errors.ts';
import { CertificateError, GivenUp, type HttpAnswer, HttpConnection, type HttpRequest, type Origin } from './http.ts';
import { type Json, link, path, ShapeError } from './json.ts';
import { DEFAULT_REDFISH_OPTIONS, type RedfishOptions } from './options.ts';
import { taskOutcome, taskPath } from './tasks.ts';

const ROOT = '/redfish/v1/';
const SESSIONS = '/redfish/v1/SessionService/Sessions';
const MOST_PAUSE = 5000;
const CHANGES = 2; // tries of a change whose resource somebody else changes at the same time

/** The headers that say who asks. */
type Authorization = Readonly<Record<string, string>>;

export class RedfishClient {
  readonly #address: string;
  readonly #credentials: Credentials;
  readonly #connection: HttpConnection;
  readonly #options: RedfishOptions;
  readonly #logIns = new Turns();
  #authorization: Authorization | undefined;
  #session: string | undefined;
  #root: Json | undefined;

  constructor(address: string, origin: Origin, credentials: Credentials, options: Partial<RedfishOptions> = {}) {
    this.#address = address;
    this.#credentials = credentials;
    this.#options = { ...DEFAULT_REDFISH_OPTIONS, ...options };
    this.#connection = new HttpConnection(origin);
  }

  get username(): string {
    return this.#credentials.username;
  }

  error(code: BmcError['code'], message: string, cause?: unknown): BmcError {
    return new BmcError(code, this.#address, message, { cause });
  }

  /** The service root, which needs no login and is read once. */
  async root(signal: AbortSignal): Promise<Json> {
    this.#root ??= await this.#json(await this.#send({ method: 'GET', path: ROOT }, signal), false);
    return this.#root;
  }

  /** A resource. Throws `unsupported` for one that is not there. */
  async get(resource: string, signal: AbortSignal): Promise<Json> {
    return this.#json(await this.#authorized({ method: 'GET', path: resource }, signal), false);
  }

  /** A resource, or undefined where there is none. */
  async find(resource: string | undefined, signal: AbortSignal): Promise<Json | undefined> {
    if (resource === undefined) return undefined;
    const answer = await this.#authorized({ method: 'GET', path: resource }, signal);
    return answer.status === 404 ? undefined : this.#json(answer, false);
  }

  /** A stream of events, as its bytes come, until the service ends it. It has a connection of its own. */
  async *stream(resource: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const request = { method: 'GET', path: resource, headers: { accept: 'text/event-stream' } } as const;
    const { requestMs } = this.#options;
    const answer = await this.#translated(signal, () =>
      this.#withSession(request, signal, (authorized) => this.#connection.stream(authorized, requestMs, signal)),
    );
    await this.#json(answer, false);
    if (!/^text\/event-stream\b/.test(answer.headers['content-type'] ?? ''))
      throw this.error('protocol', 'the stream is not one of events');
    const pieces = answer.body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.#translated(signal, () => pieces.next());
        if (done) return;
        yield value;
      }
    } finally {
      await pieces.return?.();
    }
  }

  /** Runs an action, and waits for the task that it may become. `secret`: its answer may repeat something secret, and is not quoted. */
  async post(resource: string, body: Json, signal: AbortSignal, secret = false): Promise<void> {
    const answer = await this.#authorized({ method: 'POST', path: resource, body }, signal);
    await this.#json(answer, secret);
    if (answer.status === 202) await this.#task(taskPath(answer.headers.location, answer.json), secret, signal);
  }

  /** Changes a resource, unless somebody changed it since it was read: then it is read again, and the change tried once more. */
  async patch(resource: string, body: Json, signal: AbortSignal, secret = false): Promise<void> {
    for (let tries = CHANGES; ; tries--) {
      const current = await this.#authorized({ method: 'GET', path: resource }, signal);
      const json = await this.#json(current, false);
      const etag = current.headers.etag ?? (typeof json['@odata.etag'] === 'string' ? json['@odata.etag'] : undefined);
      const headers = etag === undefined ? {} : { 'if-match': etag };
      const answer = await this.#authorized({ method: 'PATCH', path: resource, body, headers }, signal);
      if (answer.status === 412 && tries > 1) continue;
      await this.#json(answer, secret);
      return;
    }
  }

  /** A service that forgets a task as soon as it has ended answers 404: then it has ended. */
  async #task(task: string | undefined, secret: boolean, signal: AbortSignal): Promise<void> {
    while (task !== undefined) {
      const answer = await this.#authorized({ method: 'GET', path: task }, signal);
      if (answer.status === 404) return;
      const json = await this.#json(answer, secret);
      const outcome = taskOutcome(answer.status, json);
      if (outcome === 'done') return;
      if (outcome === 'failed') throw this.error('protocol', 'the task failed that the action became');
      await this.#pause(answer, this.#options.taskPauseMs, signal);
    }
  }

  /** As long as the service asks for, within reason, else `usual` milliseconds. */
  #pause({ headers }: HttpAnswer, usual: number, signal: AbortSignal): Promise<void> {
    const asked = Number(headers['retry-after']) * 1000;
    return this.#translated(signal, () => pause(Math.min(asked || usual, MOST_PAUSE), undefined, { signal }));
  }

  /** Gives the session back. Whether the service hears of it or not, the client is done with it. */
  async close(): Promise<void> {
    const session = this.#session;
    const headers = this.#authorization;
    this.#session = undefined;
    this.#authorization = undefined;
    try {
      if (session && headers) {
        const signal = AbortSignal.timeout(this.#options.closeMs);
        await this.#once({ method: 'DELETE', path: session, headers }, signal);
      }
    } catch (error) {
      // A service that does not answer ends the session itself when it has not been used for a while.
      if (!(error instanceof BmcError)) throw error;
    } finally {
      this.#connection.close();
    }
  }

  #authorized(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#withSession(request, signal, (authorized) => this.#send(authorized, signal));
  }

  async #withSession<T extends HttpAnswer>(
    request: HttpRequest,
    signal: AbortSignal,
    send: (authorized: HttpRequest) => Promise<T>,
  ): Promise<T> {
    const attempt = async () => {
      const authorization = this.#authorization ?? (await this.#loggedIn(signal));
      return send({ ...request, headers: { ...request.headers, ...authorization } });
    };
    const remembered = this.#authorization;
    const first = await attempt();
    if (first.status !== 401 || !remembered) return first;
    // The session that worked before is gone: it timed out, or the BMC restarted. Somebody else may have noticed, too.
    if (this.#authorization === remembered) {
      this.#authorization = undefined;
      this.#session = undefined;
    }
    return attempt();
  }

  /** One log-in at a time: a second one would take a slot that nobody gives back. */
  #loggedIn(signal: AbortSignal): Promise<Authorization> {
    return this.#logIns.run(signal, async () => (this.#authorization ??= await this.#logIn(signal)));
  }

  async #logIn(signal: AbortSignal): Promise<Authorization> {
    const { username, password } = this.#credentials;
    const sessions = link(linksOf(await this.root(signal)), 'Sessions') ?? SESSIONS;
    const body = { UserName: username, Password: password };
    const answer = await this.#send({ method: 'POST', path: sessions, body }, signal);
    if (answer.status === 404 || answer.status === 405 || answer.status === 501) return basic(username, password);
    if (answer.status >= 400) {
      const { code, text } = refusal(answer.status, answer.json, true);
      throw this.error(answer.status === 403 && code === 'privilege' ? 'credentials' : code, `log-in: ${text}`);
    }
    const token = answer.headers['x-auth-token'];
    if (typeof token !== 'string') throw this.error('protocol', 'log-in: no session token in the answer');
    this.#session = sessionPath(answer);
    return { 'x-auth-token': token };
  }

  /** Once more, after a pause, while the service says that it is busy. */
  async #send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    for (const wait of this.#options.busyPauses) {
      const answer = await this.#once(request, signal);
      if (answer.status !== 503 && answer.status !== 429) return answer;
      await this.#pause(answer, wait, signal);
    }
    return this.#once(request, signal);
  }

  async #once(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#translated(signal, async () => {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#options.requestMs)]);
      try {
        return await this.#connection.send(request, deadline);
      } catch (error) {
        // The service had closed the kept connection: a request that changes nothing, or was never read, goes out again.
        if (!isStale(error) || request.method === 'POST') throw error;
        return this.#connection.send(request, deadline);
      }
    });
  }

  async #translated<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason;
      if (error instanceof GivenUp) {
        throw this.error(error.connected ? 'timeout' : 'unreachable', 'no answer in time', error);
      }
      if (error instanceof CertificateError) throw this.error('protocol', error.message, error);
      if (error instanceof ShapeError) throw this.error('protocol', error.message, error);
      if (signal.aborted) throw this.error('timeout', 'still busy when the time was over', error);
      if (isBroken(error)) throw this.error('timeout', 'the connection broke', error);
      if (isNetworkError(error)) throw this.error('unreachable', `no connection (${error.code})`, error);
      throw error;
    }
  }

  async #json(answer: HttpAnswer, secret: boolean): Promise<Json> {
    if (answer.status < 400) return answer.json ?? {};
    const { code, text } = refusal(answer.status, answer.json, secret);
    throw this.error(code, text);
  }
}

function linksOf(root: Json): Json {
  const links = root.Links;
  return typeof links === 'object' && links !== null ? (links as Json) : {};
}

function basic(username: string, password: string): Authorization {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** From the Location header, a path or a whole URL, else from the body. */
function sessionPath(answer: HttpAnswer): string | undefined {
  const { location } = answer.headers;
  const there = location?.replace(/^https?:\/\/[^/]*/i, '');
  return path(there) ?? path(answer.json?.['@odata.id']);
}

const isTimeout = (error: unknown) => error instanceof Error && error.name === 'TimeoutError';

interface NetworkError extends Error {
  readonly code: string;
  readonly reused?: boolean;
}

function isNetworkError(error: unknown): error is NetworkError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E');
}

const isBroken = (error: unknown) => isNetworkError(error) && ['ECONNRESET', 'EPIPE'].includes(error.code);
const isStale = (error: unknown) => isNetworkError(error) && isBroken(error) && error.reused === true;
