// What a Redfish service tells by itself: server-sent events (DSP0266 "Server-sent events", schemas EventService and Event). The
// client opens the stream, so that nothing has to listen for the service.
import type { BmcEvent, Health } from '../driver.ts';
import type { RedfishClient } from './client.ts';
import { entryOf, type Json, link, objects, parse, path, ShapeError, text } from './json.ts';

/** One event may be so long, in characters, and tell of so many things. */
const MOST_TEXT = 1 << 20;
const MOST_EVENTS = 64;

/** Where the service streams its events; undefined where it does not. */
export async function streamPath(client: RedfishClient, signal: AbortSignal): Promise<string | undefined> {
  const service = await client.find(link(await client.root(signal), 'EventService'), signal);
  if (!service || service.ServiceEnabled === false) return undefined;
  return path(service.ServerSentEventUri);
}

/** Until the stream ends. Throws what the client throws, and ShapeError for what is no stream of events. */
export async function* readEvents(client: RedfishClient, from: string, signal: AbortSignal): AsyncGenerator<BmcEvent> {
  const decoder = new EventDecoder();
  for await (const piece of client.stream(from, signal)) {
    for (const data of decoder.push(piece)) yield* eventsIn(parse(Buffer.from(data), 'an event'));
  }
}

/** Splits a text/event-stream into the data of its events (HTML Living Standard §9.2.6). What is not data is passed over. */
export class EventDecoder {
  readonly #text = new TextDecoder();
  #line = '';
  #data: string[] = [];
  #length = 0;

  /** The events that end in this piece. @throws ShapeError when one is too long */
  push(piece: Uint8Array): string[] {
    const lines = (this.#line + this.#text.decode(piece, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    this.#line = lines.pop()!;
    const events = lines.map((line) => this.#take(line)).filter((event) => event !== undefined);
    if (this.#length + this.#line.length > MOST_TEXT)
      throw new ShapeError(`an event of more than ${MOST_TEXT} characters`);
    return events;
  }

  #take(line: string): string | undefined {
    if (line !== '') {
      const data = /^data(?:: ?(.*))?$/s.exec(line);
      if (data) this.#data.push(data[1] ?? '');
      this.#length += line.length;
      return undefined;
    }
    const event = this.#data.length > 0 ? this.#data.join('\n') : undefined;
    this.#data = [];
    this.#length = 0;
    return event;
  }
}

const SEVERITIES: Readonly<Record<string, Health>> = { OK: 'ok', Warning: 'warning', Critical: 'critical' };

/** Of a payload that is no Event (a metric report, say) nothing. */
export function eventsIn(payload: Json): BmcEvent[] {
  return objects(payload, 'Events').slice(0, MOST_EVENTS).map(bmcEvent);
}

function bmcEvent(json: Json): BmcEvent {
  const at = Date.parse(text(json, 'EventTimestamp') ?? '');
  return {
    ...(Number.isNaN(at) ? {} : { time: new Date(at).toISOString() }),
    message: text(json, 'Message') ?? text(json, 'MessageId') ?? '',
    severity: entryOf(SEVERITIES, text(json, 'MessageSeverity') ?? text(json, 'Severity')) ?? 'unknown',
  };
}
