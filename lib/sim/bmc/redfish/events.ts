// What a simulated Redfish service tells by itself: events, pushed to subscribers and streamed to whoever listens (DSP0266
// "Eventing", schemas EventService, EventDestination and Event).
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Body } from './messages.ts';

/** Subscriptions and streams together. */
const MOST_SUBSCRIPTIONS = 8;
export const DELIVERY = { attempts: 3, pauseMs: 1000, timeoutMs: 5000 } as const;
export const EVENT_TYPES = ['StatusChange', 'Alert'] as const;

export interface SimulatedEvent {
  readonly type: string;
  readonly messageId: string;
  readonly message: string;
  readonly severity: 'OK' | 'Warning' | 'Critical';
  /** Path of the resource that it is about. */
  readonly origin: string;
}

export interface Subscription {
  readonly id: string;
  /** A stream's is where its reader is. */
  readonly destination: string;
  readonly context: string;
  /** Types to tell of; empty: all. */
  readonly types: readonly string[];
  /** The reader of a stream; subscribers without one are sent requests. */
  readonly stream?: ServerResponse;
}

export class EventHub {
  readonly #now: () => number;
  readonly #isSilent: () => boolean;
  readonly #subscriptions = new Map<string, Subscription>();
  #ending = new AbortController();
  #subscribed = 0;
  #events = 0;

  /** `now` in milliseconds since 1970. A silent BMC loses what it would have told. */
  constructor(now: () => number, isSilent: () => boolean) {
    this.#now = now;
    this.#isSilent = isSilent;
  }

  list(): Subscription[] {
    return [...this.#subscriptions.values()];
  }

  get(id: string): Subscription | undefined {
    return this.#subscriptions.get(id);
  }

  /** Undefined when there is no room for another. */
  subscribe(asked: Omit<Subscription, 'id'>): Subscription | undefined {
    if (this.#subscriptions.size >= MOST_SUBSCRIPTIONS) return undefined;
    const subscription = { ...asked, id: String(++this.#subscribed) };
    this.#subscriptions.set(subscription.id, subscription);
    asked.stream?.once('close', () => this.#subscriptions.delete(subscription.id));
    return subscription;
  }

  /** A stream ends with its subscription. */
  unsubscribe(id: string): boolean {
    this.#subscriptions.get(id)?.stream?.destroy();
    return this.#subscriptions.delete(id);
  }

  publish(event: SimulatedEvent): void {
    const id = ++this.#events;
    if (this.#isSilent()) return;
    for (const subscription of this.list()) {
      if (subscription.types.length > 0 && !subscription.types.includes(event.type)) continue;
      const payload = JSON.stringify(this.#payload(String(id), event, subscription.context));
      if (subscription.stream) subscription.stream.write(`id: ${id}\ndata: ${payload}\n\n`);
      else void this.#push(subscription, payload);
    }
  }

  /** Ends the streams, as a BMC does that restarts; it keeps the other subscriptions. */
  reboot(): void {
    for (const { id, stream } of this.list()) if (stream) this.unsubscribe(id);
  }

  /** Also gives up what is being pushed. It may tell events again afterwards. */
  close(): void {
    this.reboot();
    this.#ending.abort();
    this.#ending = new AbortController();
  }

  #payload(id: string, { type, messageId, message, severity, origin }: SimulatedEvent, context: string): Body {
    const event = {
      MemberId: '0',
      EventType: type,
      EventId: id,
      EventTimestamp: new Date(this.#now()).toISOString(),
      Severity: severity,
      MessageSeverity: severity,
      Message: message,
      MessageId: messageId,
      MessageArgs: [],
      OriginOfCondition: { '@odata.id': origin },
    };
    return { '@odata.type': '#Event.v1_5_0.Event', Id: id, Name: 'Event Array', Context: context, Events: [event] };
  }

  /** Several times, then never again: the subscription ends with that (RetryPolicy TerminateAfterRetries). */
  async #push({ id, destination }: Subscription, payload: string): Promise<void> {
    const { signal } = this.#ending;
    for (let attempt = 0; attempt < DELIVERY.attempts && this.#subscriptions.has(id); attempt++) {
      if (await delivered(destination, payload, signal)) return;
      if (!(await paused(signal))) return;
    }
    this.#subscriptions.delete(id);
  }
}

async function delivered(destination: string, body: string, ending: AbortSignal): Promise<boolean> {
  try {
    const signal = AbortSignal.any([ending, AbortSignal.timeout(DELIVERY.timeoutMs)]);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(destination, { method: 'POST', headers, body, signal });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false; // nobody there, or nobody who answers: as good as a refusal
  }
}

/** False when it was ended before the pause was over. */
async function paused(signal: AbortSignal): Promise<boolean> {
  try {
    await pause(DELIVERY.pauseMs, undefined, { signal });
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}
