// One HTTP exchange with the API server: credentials, deadline, cancellation, bounds, and one shape of error.
import type { Credentials, Dispatcher, Endpoint } from './credentials.ts';
import { ApiError, errorOfAnswer } from './errors.ts';
import { createSlots } from './slots.ts';

export interface Exchange {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  path: string;
  body?: unknown;
  contentType?: string | undefined;
  accept?: string | undefined;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** Called right before it goes out. What it throws ends the exchange. */
  before?: (() => void) | undefined;
  /** Called as the answer comes in, with how many bytes came. */
  received?: ((bytes: number) => void) | undefined;
  /** A call that does not wait for its turn. */
  urgent?: boolean | undefined;
  /** A call that lets others go first. */
  background?: boolean | undefined;
  /** Called when the answer of a `stream` begins. */
  opened?: (() => void) | undefined;
}

export interface Transport {
  /** The whole answer's text. */
  call(exchange: Exchange): Promise<string>;
  /** The answer's bytes as they come. `timeoutMs` bounds the wait for the answer to begin. */
  stream(exchange: Exchange): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** What metrics of calls are made of. */
export interface CallObserver {
  /** A call's answer began after `ms`, with this HTTP status, or failed with 0. */
  answered(method: string, status: number, ms: number): void;
}

export interface TransportOptions {
  observer?: CallObserver | undefined;
  credentials: Credentials;
  userAgent: string;
  maxInFlight: number;
  timeoutMs: number;
}

/** An answer larger than this is refused: 500 objects at etcd's limit of 1.5 MB do not occur in one page in practice. */
const LARGEST_ANSWER_BYTES = 256 * 2 ** 20;

type Answer = Awaited<ReturnType<Dispatcher['request']>>;

export function createTransport(options: TransportOptions): Transport {
  const { credentials, userAgent, maxInFlight, timeoutMs, observer } = options;
  const slots = createSlots(maxInFlight);

  async function turnOf({ urgent, background }: Exchange, signal: AbortSignal): Promise<Disposable | undefined> {
    if (urgent) return undefined;
    return background ? slots.takeAside(signal) : slots.take(signal);
  }

  async function send(exchange: Exchange, signal: AbortSignal): Promise<Answer> {
    const endpoint = await credentials.current();
    const headers: Record<string, string> = {
      ...endpoint.headers,
      accept: exchange.accept ?? 'application/json',
      'user-agent': userAgent,
    };
    if (exchange.body !== undefined) headers['content-type'] = exchange.contentType ?? 'application/json';
    exchange.before?.();
    const start = performance.now();
    let status = 0;
    try {
      const answer = await endpoint.dispatcher.request(requestOf(endpoint, exchange, headers, signal));
      status = answer.statusCode;
      return answer;
    } finally {
      observer?.answered(exchange.method, status, performance.now() - start);
    }
  }

  /** The answer to an accepted exchange; credentials that the server no longer takes are read again once. */
  async function accepted(exchange: Exchange, signal: AbortSignal): Promise<Answer> {
    let answer = await send(exchange, signal);
    if (answer.statusCode === 401) {
      await readText(answer);
      credentials.forget();
      answer = await send(exchange, signal);
    }
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    throw errorOfAnswer(
      answer.statusCode,
      await readText(answer),
      oneHeader(answer, 'retry-after'),
      describe(exchange),
    );
  }

  function failure(error: unknown, exchange: Exchange, signal: AbortSignal): ApiError {
    if (error instanceof ApiError) return error;
    if (signal.reason === DEADLINE)
      return new ApiError(0, 'Timeout', `${describe(exchange)}: no answer in time`, { cause: error });
    if (signal.aborted) return new ApiError(0, 'Aborted', `${describe(exchange)}: aborted`, { cause: signal.reason });
    credentials.forget(); // the address or the certificates may have changed
    return new ApiError(0, 'Unreachable', `${describe(exchange)}: ${messageOf(error)}`, { cause: error });
  }

  return {
    async call(exchange) {
      using deadline = withDeadline(exchange.timeoutMs ?? timeoutMs, exchange.signal);
      try {
        using _slot = await turnOf(exchange, deadline.signal);
        return await readText(await accepted(exchange, deadline.signal), exchange.received);
      } catch (error) {
        throw failure(error, exchange, deadline.signal);
      }
    },
    async *stream(exchange) {
      using deadline = withDeadline(exchange.timeoutMs ?? timeoutMs, exchange.signal);
      try {
        const answer = await accepted(exchange, deadline.signal);
        deadline.met();
        exchange.opened?.();
        for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
          exchange.received?.(chunk.length);
          yield chunk;
        }
      } catch (error) {
        throw failure(error, exchange, deadline.signal);
      }
    },
    close: () => credentials.close(),
  };
}

type DispatchedRequest = Parameters<Dispatcher['request']>[0];

function requestOf(endpoint: Endpoint, exchange: Exchange, headers: Record<string, string>, signal: AbortSignal) {
  const request: DispatchedRequest & { allowH2: boolean } = {
    origin: endpoint.origin,
    path: endpoint.basePath + exchange.path,
    method: exchange.method,
    headers,
    body: exchange.body === undefined ? null : JSON.stringify(exchange.body),
    signal,
    // Deadlines are ours. HTTP/1.1: one stuck connection then holds up one call, not all of them.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  };
  return request;
}

async function readText(answer: Answer, received?: (bytes: number) => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    received?.(chunk.length);
    if (size > LARGEST_ANSWER_BYTES) throw new Error(`the answer is larger than ${LARGEST_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

function oneHeader(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Without the query: it may be long, and says little. */
const describe = (exchange: Exchange) => `${exchange.method} ${exchange.path.split('?', 1)[0]}`;

function messageOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return error instanceof Error ? `${error.message || error.name}${code}` : String(error);
}

const DEADLINE = Symbol('deadline');

/** A signal that aborts with `signal`, or with DEADLINE after `ms`; lets go of both at the end of its scope. */
function withDeadline(ms: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(DEADLINE), ms);
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    met: () => clearTimeout(timer),
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    },
  };
}
