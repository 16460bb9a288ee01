// The streams of watches: what one commit brings goes out in one piece, and thousands of streams take turns with everything else.
import type { ServerResponse } from 'node:http';
import type { Sink } from '../rest/watch.ts';
import { warningHeader } from './respond.ts';

/** A first state is sent in pieces of about this many bytes. */
const PIECE = 64 * 1024;
/** How long streams may be served before other requests get their turn. What comes for them meanwhile goes out with the rest. */
const TURN_MILLISECONDS = 8;

/** Streams that have something to send, in the order in which they got it. */
const waiting: (() => void)[] = [];

function enqueue(flush: () => void): void {
  if (waiting.push(flush) === 1) process.nextTick(serve);
}

function serve(): void {
  const until = performance.now() + TURN_MILLISECONDS;
  let served = 0;
  do waiting[served++]!();
  while (served < waiting.length && performance.now() < until);
  waiting.splice(0, served);
  if (waiting.length > 0) setImmediate(serve);
}

/** Begins the answer to a watch. */
export function sinkOf(response: ServerResponse, warnings: readonly string[]): Sink {
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-cache, private',
    ...(warnings.length > 0 ? { Warning: warnings.map(warningHeader) } : {}),
  });
  response.flushHeaders();
  let [frames, size]: [Buffer[], number] = [[], 0];
  const flush = () => {
    // The client may have gone since.
    const gone = response.destroyed || response.writableEnded;
    if (frames.length > 0 && !gone) response.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames, size));
    [frames, size] = [[], 0];
  };
  return {
    write: (frame) => {
      if (frames.push(frame) === 1) enqueue(flush);
      size += frame.length;
      if (size > PIECE) flush();
    },
    pending: () => response.writableLength + size,
    end: () => {
      flush();
      response.end();
    },
    destroy: () => response.destroy(),
    onClose: (listener) => response.once('close', listener),
  };
}
