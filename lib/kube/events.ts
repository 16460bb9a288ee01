// Event recorder: what happened to an object, where `kubectl describe` shows it.
//
// Written as core/v1 Events with a count, which every kubectl from 1.20 on shows as "x12 over 5m". An event's name follows
// from what it says, so that the same event again, by this process or the next one, raises the count instead of adding one.
import { createHash } from 'node:crypto';
import type { Reason } from '../api/reasons.ts';
import type { Log } from '../observe/log.ts';
import { type Clock, sleep, type Timer, timestamp } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isNotFound, isRetryable } from './errors.ts';
import type { KubeObject, ObjectMeta, Resource } from './resource.ts';

export type EventType = 'Normal' | 'Warning';

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}
/** core/v1 Event. */
export interface KubeEvent extends KubeObject {
  involvedObject: ObjectReference;
  type: EventType;
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string };
}
export const events: Resource<KubeEvent> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export interface EventRecorder {
  /**
   * Records that something happened to `object`. Never throws and never waits. `note` is for people, cut at 1,024
   * characters, without secrets.
   */
  event(object: KubeObject, type: EventType, reason: Reason, note: string): void;
  /** Resolves when everything recorded so far is written or given up; rejects with the signal's reason. */
  flush(signal?: AbortSignal): Promise<void>;
}

export interface EventRecorderOptions {
  client: KubeClient;
  /** Who reports, such as the controller's name. */
  component: string;
  log: Log;
  clock: Clock;
  observer?: EventObserver | undefined;
}

/** What metrics of events are made of. */
export interface EventObserver {
  /** So many events were given up: the server refused them, or too many waited to be written. */
  dropped(events: number): void;
}

/** Everything that says the same of the same object. */
interface Series {
  readonly name: string;
  readonly namespace: string;
  readonly key: string;
  event: KubeEvent;
  /** Occurrences that the server knows of; 0 before the first write. */
  written: number;
  /** Occurrences since. */
  unwritten: number;
  attempts: number;
  /** Not before this, by the monotonic clock. */
  due: number;
}

/** Series remembered; the least recent are forgotten, which costs a read when they come again. */
const SERIES_LIMIT = 4096;
/** A repeated event is written at most so often. */
const SPACING_MS = 60_000;
/** Different notes of one reason on one object within SIMILAR_MS, after which they share one series. */
const SIMILAR_LIMIT = 10;
const SIMILAR_MS = 600_000;
const ATTEMPTS = 5;
const RETRY_MS = 2_000;
const LONGEST_NOTE = 1024;
/** Events are never in a hurry, and never in the way. */
const BACKGROUND = { background: true };

export function createEventRecorder({ client, component, log, clock, observer }: EventRecorderOptions): EventRecorder {
  const series = new Map<string, Series>();
  const similar = new Map<string, { since: number; notes: Set<string> }>();
  let writing: Promise<void> | undefined;
  let timer: Timer | undefined;
  /** The one that is being written. */
  let underWay: Series | undefined;
  /** Since it was told last. */
  let dropped = 0;

  /** The series key: its own for each note, until there are too many of them. */
  function seriesKey(
    object: KubeObject,
    type: EventType,
    reason: string,
    note: string,
  ): { key: string; combined: boolean } {
    const group = JSON.stringify([
      object.metadata.uid,
      object.kind,
      object.metadata.namespace,
      object.metadata.name,
      type,
      reason,
    ]);
    const now = clock.monotonic();
    let seen = similar.get(group);
    if (!seen || now - seen.since >= SIMILAR_MS) seen = { since: now, notes: new Set() };
    setRecent(similar, group, seen);
    if (seen.notes.size < SIMILAR_LIMIT) seen.notes.add(note);
    const combined = !seen.notes.has(note);
    return { key: combined ? group : `${group}${note}`, combined };
  }

  function event(object: KubeObject, type: EventType, reason: Reason, note: string): void {
    const text = note.length > LONGEST_NOTE ? `${note.slice(0, LONGEST_NOTE - 1)}…` : note;
    const { key, combined } = seriesKey(object, type, reason, text);
    const now = timestamp(clock.now());
    const known = series.get(key) ?? newSeries(key, object, { component, type, reason, now });
    known.event = {
      ...known.event,
      message: combined ? `(combined from similar events) ${text}`.slice(0, LONGEST_NOTE) : text,
      lastTimestamp: now,
    };
    known.unwritten++;
    const forgotten = setRecent(series, key, known);
    if (forgotten && forgotten !== underWay && forgotten.unwritten > 0) {
      dropped++;
      observer?.dropped(1);
    }
    wake();
  }

  function nextDue(): Series | undefined {
    let next: Series | undefined;
    for (const one of series.values()) if (one.unwritten > 0 && (!next || one.due < next.due)) next = one;
    return next;
  }

  function wake(): void {
    writing ??= drain().finally(() => {
      writing = undefined;
      if (dropped > 0) log.warn({ dropped }, `events dropped: more than ${SERIES_LIMIT} waited to be written`);
      dropped = 0;
      timer?.cancel();
      const next = nextDue();
      timer = next && clock.after(next.due - clock.monotonic(), wake);
    });
  }

  /** One write at a time. */
  async function drain(): Promise<void> {
    for (let next = nextDue(); next && next.due <= clock.monotonic(); next = nextDue()) await write(next);
  }

  async function write(one: Series): Promise<void> {
    const count = one.unwritten;
    underWay = one;
    try {
      one.written = await writeCount(one, count);
      one.unwritten -= count;
      one.attempts = 0;
      one.due = clock.monotonic() + SPACING_MS;
    } catch (error) {
      one.attempts++;
      one.due = clock.monotonic() + RETRY_MS * 2 ** one.attempts;
      if (isRetryable(error) && one.attempts < ATTEMPTS && series.get(one.key) === one) return;
      log.warn({ event: one.name, namespace: one.namespace, reason: one.event.reason, err: error }, 'event dropped');
      observer?.dropped(1);
      if (series.get(one.key) === one) series.delete(one.key);
    } finally {
      underWay = undefined;
    }
  }

  /** Writes `more` occurrences; resolves to how many the server knows of then. */
  async function writeCount(one: Series, more: number): Promise<number> {
    if (one.written > 0) {
      const raised = await raise(one, one.written + more);
      if (raised) return one.written + more;
    }
    try {
      const event = { ...one.event, count: more, firstTimestamp: one.event.lastTimestamp };
      await client.create(events, event, BACKGROUND);
      return more;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const existing = await client.get(events, one, BACKGROUND);
    await raise(one, existing.count + more);
    return existing.count + more;
  }

  /** False when the event is no longer there: servers drop them after an hour. */
  async function raise(one: Series, count: number): Promise<boolean> {
    const { message, lastTimestamp } = one.event;
    try {
      await client.patch(events, one, { type: 'merge', body: { count, message, lastTimestamp } }, BACKGROUND);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async function flush(signal?: AbortSignal): Promise<void> {
    for (const one of series.values()) one.due = 0;
    while (nextDue()) {
      signal?.throwIfAborted();
      wake();
      await writing;
      const next = nextDue();
      const waitMs = next ? next.due - clock.monotonic() : 0;
      if (waitMs > 0) await sleep(clock, waitMs, signal);
    }
  }
  return { event, flush };
}

/** Puts the entry at the end of the map, and lets the least recent one go when there are too many: gives that one. */
function setRecent<V>(map: Map<string, V>, key: string, value: V): V | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size <= SERIES_LIMIT) return undefined;
  const oldest = map.keys().next().value as string;
  const dropped = map.get(oldest);
  map.delete(oldest);
  return dropped;
}

function newSeries(
  key: string,
  object: KubeObject,
  what: { component: string; type: EventType; reason: string; now: string },
): Series {
  const { name, namespace, uid, resourceVersion }: ObjectMeta = object.metadata;
  // Events about cluster-scoped objects live in "default": the API server insists.
  const eventNamespace = namespace ?? 'default';
  const eventName = `${name.slice(0, 230)}.${createHash('sha256').update(`${what.component}${key}`).digest('hex').slice(0, 16)}`;
  const event: KubeEvent = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName, namespace: eventNamespace },
    involvedObject: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion },
    type: what.type,
    reason: what.reason,
    message: '',
    count: 0,
    firstTimestamp: what.now,
    lastTimestamp: what.now,
    source: { component: what.component },
  };
  return { name: eventName, namespace: eventNamespace, key, event, written: 0, unwritten: 0, attempts: 0, due: 0 };
}
