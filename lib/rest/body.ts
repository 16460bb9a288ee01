// Reads a request's body: JSON, said to be JSON, and no more of it than a request can have.
import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

export const MOST_BYTES = 16 * 1024;

/** @throws Problem 400, 413 or 415 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  // Browsers ask first before they send this type to another site than the page's; forms cannot send it at all.
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Problem(415, {
      error: 'content-type: expected application/json',
      field: 'content-type',
      expected: 'application/json',
      seen: type ?? null,
    });
  }
  const tooLarge = () => new Problem(413, { error: `the body is larger than ${MOST_BYTES} bytes` });
  if (Number(request.headers['content-length'] ?? 0) > MOST_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (error) {
    throw new Problem(400, {
      error: `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}
