// A file at its origin over HTTP(S), from any byte on, and only if it is still the same file.
//
// Source: RFC 9110 §13.1.5 (If-Range), §14 (range requests), §15.5.17 (416), §8.8.3 (strong validators).
import { setTimeout as delay } from 'node:timers/promises';

/** What has to be the same for two answers to be of the same file: a strong ETag, else the date of its last change. */
export type Validator = string;

export interface OriginPart {
  /** Where this part begins: where it was asked to, or 0 when the file is another one now, or the origin knows no ranges. */
  readonly from: number;
  /** Of the whole file; undefined where the origin does not say. */
  readonly totalBytes: number | undefined;
  readonly validator: Validator | undefined;
  /** To the end of the file. @throws OriginError when the connection breaks */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface OriginOptions {
  readonly signal: AbortSignal;
  /** The first byte that is wanted, of the file with this validator; default the first of all. */
  readonly from?: number;
  readonly validator?: Validator | undefined;
  /** How long nothing may come before the connection counts as broken. */
  readonly stallMs?: number;
}

const STALL_MS = 60_000;

/** The origin does not give the file. */
export class OriginError extends Error {
  override readonly name = 'OriginError';
  /** Whether asking again may help. */
  readonly passing: boolean;
  constructor(message: string, passing: boolean, cause?: unknown) {
    super(message, { cause });
    this.passing = passing;
  }
}

/** Without user and query, which may be secrets. */
export function plainUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** @throws OriginError, or the signal's reason */
export async function openOrigin(url: string, options: OriginOptions): Promise<OriginPart> {
  const { signal, from = 0, validator, stallMs = STALL_MS } = options;
  const name = plainUrl(url);
  const stalled = new AbortController();
  const within = async <T>(work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => stalled.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs);
    try {
      return await work;
    } catch (cause) {
      signal.throwIfAborted();
      throw new OriginError(`${name}: ${reason(cause)}`, true, cause);
    } finally {
      clearTimeout(timer);
    }
  };
  const resumes = from > 0 && validator !== undefined;
  const response = await within(
    fetch(url, {
      signal: AbortSignal.any([signal, stalled.signal]),
      headers: {
        // As it is stored: what is checked is the file, not what a server makes of it.
        'accept-encoding': 'identity',
        ...(resumes && { range: `bytes=${from}-`, 'if-range': validator }),
      },
    }),
  );
  const close = () => stalled.abort(new Error('not wanted any more'));
  const now = validatorOf(response.headers);
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (resumes && response.status === 416 && response.headers.get('content-range') === `bytes */${from}`) {
    close();
    return { from, totalBytes: from, validator, chunks: nothing() };
  }
  const continues = resumes && response.status === 206 && Number(range?.[1]) === from;
  if (!response.body || !(response.status === 200 || continues)) {
    close();
    const passing = response.status >= 500 || response.status === 408 || response.status === 429;
    throw new OriginError(`${name} answers ${response.status}`, passing);
  }
  const length = response.headers.get('content-length');
  const total = continues ? range?.[2] : length;
  return {
    from: continues ? from : 0,
    totalBytes: total && /^\d+$/.test(total) ? Number(total) : undefined,
    validator: continues ? validator : now,
    chunks: read(response.body, within, close),
  };
}

/** Waited before going on after a break: so many in a row without a byte are an error. */
const RETRY_MS = [500, 1000, 2000, 5000];

/** The whole file, gone on with where the connection broke, as long as it is the same file. @throws OriginError */
export async function* readOrigin(
  url: string,
  signal: AbortSignal,
  retryMs: readonly number[] = RETRY_MS,
): AsyncGenerator<Uint8Array> {
  let validator: Validator | undefined;
  for (let from = 0, failures = 0; ; ) {
    try {
      const part = await openOrigin(url, { signal, from, validator });
      if (part.from !== from) throw new OriginError(`${plainUrl(url)} broke off, and cannot be gone on with`, false);
      ({ validator } = part);
      for await (const chunk of part.chunks) {
        from += chunk.length;
        failures = 0;
        yield chunk;
      }
      if (part.totalBytes === undefined || from >= part.totalBytes) return;
      throw new OriginError(`${plainUrl(url)} ended after ${from} of ${part.totalBytes} bytes`, true);
    } catch (error) {
      const wait = retryMs[failures++];
      if (!(error instanceof OriginError) || !error.passing || wait === undefined) throw error;
      await delay(wait, undefined, { signal });
    }
  }
}

async function* read(
  body: ReadableStream<Uint8Array>,
  within: <T>(work: Promise<T>) => Promise<T>,
  close: () => void,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { value, done } = await within(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever stops reading gives the connection back.
    close();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A weak ETag promises no equal bytes. */
function validatorOf(headers: Headers): Validator | undefined {
  const etag = headers.get('etag');
  if (etag?.startsWith('"')) return etag;
  return headers.get('last-modified') ?? undefined;
}

/** fetch() hides what happened in its cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message || message : message;
}
