// A file over HTTP(S) as a stream that survives a broken connection: it goes on where it stopped (RFC 9110, §14), a
// bounded number of times. Whoever reads it checks the digest: a file that changes under way is noticed there.
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError, reason } from './errors.ts';

export interface Download {
  /** Of the whole file; undefined where the server does not say. */
  readonly totalBytes: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** How long nothing may come before the connection counts as broken. */
  readonly stallMs?: number;
  /** The first byte that is wanted; default 0. */
  readonly from?: number;
  /** Waited before going on: so many tries in a row without a byte are an error. */
  readonly retryMs?: readonly number[];
}

const STALL_MS = 60_000;
const RETRY_MS = [500, 2_000, 5_000];
/** Statuses that may pass: RFC 9110, §15.5.9 and §15.6; RFC 6585, §4. */
const passing = (status: number) => status >= 500 || status === 408 || status === 429;

/** @throws AgentError ImageUnavailable; also from the chunks. */
export async function download(url: string, options: DownloadOptions): Promise<Download> {
  const { signal, stallMs = STALL_MS } = options;
  const retries = options.retryMs ?? RETRY_MS;
  const name = plainUrl(url);
  let at = options.from ?? 0;
  let failures = 0;

  /** Waits before another try, or throws what happened when there were enough of them. */
  const failed = async (error: unknown): Promise<void> => {
    signal.throwIfAborted();
    const known = error instanceof AgentError ? error : unavailable(name, reason(error), error);
    const wait = retries[failures++];
    if (known.class === 'permanent' || wait === undefined) throw known;
    await delay(wait, undefined, { signal });
  };
  const connect = async (): Promise<Connection> => {
    for (;;) {
      try {
        return await open(url, name, at, stallMs, signal);
      } catch (error) {
        await failed(error);
      }
    }
  };
  async function* chunks(connection: Connection): AsyncGenerator<Uint8Array> {
    for (let current = connection; ; current = await connect()) {
      try {
        for (let chunk = await current.read(); chunk; chunk = await current.read()) {
          at += chunk.length;
          failures = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        await failed(error);
      } finally {
        current.close();
      }
    }
  }
  const first = await connect();
  return { totalBytes: first.totalBytes, chunks: chunks(first) };
}

interface Connection {
  readonly totalBytes: number | undefined;
  /** The next chunk; undefined at the end of the file. */
  read(): Promise<Uint8Array | undefined>;
  close(): void;
}

async function open(url: string, name: string, at: number, stallMs: number, signal: AbortSignal): Promise<Connection> {
  const broken = new AbortController();
  const within = async <T>(work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => broken.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs);
    return work.finally(() => clearTimeout(timer));
  };
  const response = await within(
    fetch(url, {
      signal: AbortSignal.any([signal, broken.signal]),
      // As it is stored: what is checked is the file, not what a server makes of it.
      headers: { 'accept-encoding': 'identity', ...(at > 0 ? { range: `bytes=${at}-` } : {}) },
    }),
  );
  const close = () => broken.abort();
  // The connection broke behind the last byte: there is nothing left to ask for (RFC 9110, §15.5.17).
  if (response.status === 416 && at > 0 && response.headers.get('content-range') === `bytes */${at}`) {
    return { totalBytes: at, read: () => Promise.resolve(undefined), close };
  }
  const resumed = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${at}-`) === true;
  if (!response.body || !(response.status === 200 || resumed)) {
    close();
    const permanent = !passing(response.status);
    throw unavailable(name, `HTTP ${response.status}`, undefined, permanent ? 'permanent' : 'transient');
  }
  const reader = response.body.getReader();
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  // A server without ranges sends all of it again.
  let skip = resumed ? 0 : at;
  return {
    totalBytes: Number.isFinite(length) ? length + (resumed ? at : 0) : undefined,
    async read() {
      for (;;) {
        const { value } = await within(reader.read());
        const fresh = value?.subarray(skip) as Uint8Array | undefined;
        skip = Math.max(0, skip - (value?.length ?? 0));
        if (!fresh || fresh.length > 0) return fresh;
      }
    },
    close,
  };
}

function unavailable(name: string, why: string, cause?: unknown, kind: 'transient' | 'permanent' = 'transient') {
  return new AgentError('ImageUnavailable', `${name}: ${why}`, { cause, class: kind });
}

/** Without user, password and query, which may hold a secret. */
function plainUrl(url: string): string {
  if (!URL.canParse(url))
    throw new AgentError('ImageUnavailable', 'the image’s URL is not one', { class: 'permanent' });
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
