// Writing answers: JSON or YAML, compressed where that pays, with warnings.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { dump } from 'js-yaml';
import type { Json } from '../json.ts';
import type { ApiError } from '../status.ts';
import type { Encoding } from './media.ts';

const compress = promisify(gzip);
/** Below this, compressing costs more than it saves (as in kube-apiserver). */
const GZIP_THRESHOLD = 128 * 1024;

export interface Reply {
  readonly code: number;
  /** JSON, or whatever contentType says. */
  readonly text: string | Buffer;
  readonly contentType: string;
  readonly warnings?: readonly string[];
  readonly headers?: { readonly [name: string]: string };
}

/** A path that nothing is served at. */
export const PAGE_NOT_FOUND: Reply = {
  code: 404,
  text: '404 page not found\n',
  contentType: 'text/plain; charset=utf-8',
};

/** JSON text in the encoding that the client accepts. */
export function encoded(code: number, text: string, encoding: Encoding, warnings: readonly string[] = []): Reply {
  if (encoding === 'json') return { code, text, contentType: 'application/json', warnings };
  return {
    code,
    text: dump(JSON.parse(text) as Json, { lineWidth: -1, noRefs: true }),
    contentType: 'application/yaml',
    warnings,
  };
}

export function errorReply(error: ApiError, encoding: Encoding, warnings: readonly string[] = []): Reply {
  const reply = encoded(error.code, JSON.stringify(error.status), encoding, warnings);
  const wait = error.details?.['retryAfterSeconds'];
  return typeof wait === 'number' ? { ...reply, headers: { 'Retry-After': String(wait) } } : reply;
}

/** RFC 7234: 299, no agent, quoted text; what could end the header is taken out. */
export function warningHeader(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]+/g, ' ').replace(/[\\"]/g, '\\$&');
  return `299 - "${printable}"`;
}

export async function send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  response.statusCode = reply.code;
  response.setHeader('Content-Type', reply.contentType);
  response.setHeader('Cache-Control', 'no-cache, private');
  const warnings = reply.warnings ?? [];
  if (warnings.length > 0) response.setHeader('Warning', warnings.map(warningHeader));
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  const { text } = reply;
  const length = Buffer.byteLength(text);
  if (length >= GZIP_THRESHOLD && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    const body = await compress(text, { level: constants.Z_BEST_SPEED });
    response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Vary', 'Accept-Encoding');
    response.setHeader('Content-Length', body.length);
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  response.setHeader('Content-Length', length);
  // Text goes out in one piece with its head.
  response.end(request.method === 'HEAD' ? undefined : text);
}
