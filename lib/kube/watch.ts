// The wire of a watch: JSON objects, one a line, cut up by the network wherever it likes.
import type { WatchEvent } from './client.ts';
import { ApiError, errorOfStatus, type Status } from './errors.ts';
import type { KubeObject } from './resource.ts';

/** A line longer than this is no event: etcd keeps objects below 1.5 MB. */
const LONGEST_LINE_BYTES = 16 * 2 ** 20;
const NEWLINE = 0x0a;

/** Whole lines of a byte stream. A last line without its end, however much of it came, means that the stream was cut. */
export async function* lines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      pieces.push(chunk.subarray(start, end));
      const line = Buffer.concat(pieces).toString('utf8');
      pieces = [];
      size = 0;
      start = end + 1;
      if (line !== '') yield line;
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      size += chunk.length - start;
    }
    if (size > LONGEST_LINE_BYTES) throw unreadable(`a line is longer than ${LONGEST_LINE_BYTES} bytes`);
  }
  if (size > 0) throw unreadable('the stream was cut in the middle of an event');
}

/** The events of a watch. An ERROR event, such as 410, is thrown. */
export async function* watchEvents<T extends KubeObject>(
  bytes: AsyncIterable<Uint8Array>,
  call: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines(bytes)) {
    const event = parseEvent(line);
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        yield { type: event.type, object: event.object as T };
        break;
      case 'BOOKMARK':
        yield { type: event.type, object: event.object as KubeObject };
        break;
      case 'ERROR':
        throw errorOfStatus(event.object as Status, (event.object as Status).code ?? 500, undefined, call);
      default:
        throw unreadable(`unknown event type ${JSON.stringify(event.type)}`);
    }
  }
}

function parseEvent(line: string): { type: unknown; object: object } {
  let value: { type?: unknown; object?: Partial<KubeObject> | null } | null;
  try {
    value = JSON.parse(line) as typeof value;
  } catch (error) {
    throw unreadable('an event is not JSON', error);
  }
  if (typeof value?.object !== 'object' || !value.object) throw unreadable('an event has no object');
  const { type, object } = value;
  if (type !== 'ERROR' && typeof object.metadata?.resourceVersion !== 'string') {
    throw unreadable('an event has an object without resourceVersion');
  }
  return { type, object };
}

const unreadable = (message: string, cause?: unknown) => new ApiError(0, 'Unreadable', `watch: ${message}`, { cause });
