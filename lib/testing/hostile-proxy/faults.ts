// Which fault befalls which request: a pure function of seed and request, so that a seed brings a run back.
import { createHash } from 'node:crypto';

export type Fault =
  | { readonly type: 'none' }
  | { readonly type: 'delay'; readonly ms: number }
  /** The connection is reset before the server hears of the request. */
  | { readonly type: 'reset' }
  /** The proxy answers in the server's place. */
  | { readonly type: 'status'; readonly status: 404 | 409 | 410 | 429 | 500 | 503 }
  /** The server does it, and the connection is reset before its answer arrives. */
  | { readonly type: 'lost-answer' }
  /** The server does it, and nothing ever comes back on a connection that stays open. */
  | { readonly type: 'half-open' }
  /** The connection breaks after so many bytes of the answer. */
  | { readonly type: 'cut'; readonly bytes: number }
  /** After so many bytes nothing more comes, on a connection that stays open. */
  | { readonly type: 'silence'; readonly bytes: number }
  /** After so many bytes the answer ends as if it were whole. */
  | { readonly type: 'truncation'; readonly bytes: number }
  /** After so many bytes a watch says that its resourceVersion is too old. */
  | { readonly type: 'expiry'; readonly bytes: number };

export interface HostileRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly isWatch: boolean;
  /** How many requests of this method and path came before. */
  readonly nth: number;
}

export interface Hostility {
  readonly seed: number;
  /** Share of calls that something befalls, 0 to 1. */
  readonly calls: number;
  /** The same for watches. */
  readonly watches: number;
  /** Delays are up to so long. */
  readonly delayMs: number;
  /** The server is away from time to time: about so often, for about so long. None without it. */
  readonly outages?: { readonly everyMs: number; readonly lastMs: number } | undefined;
}

type Draw = () => number;
type Maker = (draw: Draw, hostility: Hostility) => Fault;

const someBytes = (draw: Draw) => Math.floor(draw() ** 2 * 20_000);
const status =
  (code: (Fault & { type: 'status' })['status']): Maker =>
  () => ({ type: 'status', status: code });
const delay: Maker = (draw, { delayMs }) => ({ type: 'delay', ms: Math.floor(draw() * delayMs) });
const bytes =
  (type: 'cut' | 'silence' | 'truncation' | 'expiry'): Maker =>
  (draw) => ({ type, bytes: someBytes(draw) });

const READS: readonly Maker[] = [
  delay,
  () => ({ type: 'reset' }),
  () => ({ type: 'half-open' }),
  status(404),
  status(429),
  status(500),
  status(503),
  status(410),
  bytes('cut'),
  bytes('truncation'),
];
const WRITES: readonly Maker[] = [
  delay,
  () => ({ type: 'reset' }),
  () => ({ type: 'lost-answer' }),
  () => ({ type: 'lost-answer' }),
  () => ({ type: 'half-open' }),
  status(404),
  status(409),
  status(429),
  status(500),
  status(503),
  bytes('cut'),
];
const WATCHES: readonly Maker[] = [
  delay,
  () => ({ type: 'reset' }),
  status(404),
  status(410),
  status(429),
  status(500),
  status(503),
  bytes('cut'),
  bytes('cut'),
  bytes('silence'),
  bytes('truncation'),
  bytes('expiry'),
];

/** What befalls this request. */
export function faultOf(hostility: Hostility, request: HostileRequest): Fault {
  const { method, path, isWatch, nth } = request;
  const draw = draws(`${hostility.seed} ${method} ${path} ${isWatch} ${nth}`);
  const share = isWatch ? hostility.watches : hostility.calls;
  if (draw() >= share) return { type: 'none' };
  const makers = isWatch ? WATCHES : method === 'GET' ? READS : WRITES;
  return makers[Math.floor(draw() * makers.length)]!(draw, hostility);
}

export interface Outage {
  /** Milliseconds after the start. */
  readonly begins: number;
  readonly ends: number;
}

/** The outage of a period, counted from 0: one in each, never in its first twentieth. Undefined where there are none. */
export function outageOf({ seed, outages }: Hostility, period: number): Outage | undefined {
  if (!outages) return undefined;
  const { everyMs, lastMs } = outages;
  const draw = draws(`${seed} outage ${period}`);
  const lasts = Math.min(lastMs * (0.5 + draw()), everyMs * 0.9);
  const begins = period * everyMs + everyMs * 0.05 + draw() * (everyMs * 0.95 - lasts);
  return { begins, ends: begins + lasts };
}

/** Whether the server is away `elapsedMs` after the start. */
export function isOutage(hostility: Hostility, elapsedMs: number): boolean {
  const outage = outageOf(hostility, Math.floor(elapsedMs / (hostility.outages?.everyMs ?? 1)));
  return outage !== undefined && elapsedMs >= outage.begins && elapsedMs < outage.ends;
}

/** Numbers in [0, 1) that follow from `text` alone. */
function draws(text: string): Draw {
  let block = createHash('sha256').update(text).digest();
  let offset = 0;
  return () => {
    if (offset + 4 > block.length) {
      block = createHash('sha256').update(block).digest();
      offset = 0;
    }
    const value = block.readUInt32BE(offset) / 2 ** 32;
    offset += 4;
    return value;
  };
}
