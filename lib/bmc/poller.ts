// Keeps what BMCs say of their machines current: power, sensors and event logs of a whole fleet, spread evenly over time.
//
// Flow: every device has a place of its own in each period, so that no moment asks more than another. What is due is asked through the
// device's driver in the pool, beside whoever else uses it. Devices that fail are asked less and less often, only for
// power, until one answer brings them back. Wrong credentials stop it: a further try may lock the account.
// A BMC that tells by itself what happens is listened to, once it has answered: it is asked at once, and not at its next place.
// Guarantees: one question of a kind at a time per device; a dead BMC delays no other; nothing is reported after forget().
// Under load: a process that cannot keep up asks later, not more at once; nothing piles up but what is due.
// Caveats: the last event log entry seen is kept in memory. After a restart the whole log is reported once more.
import type { BmcTarget, Driver, LogEntry, PowerState, SensorReading } from './driver.ts';
import { BmcError } from './errors.ts';

/** Time as this needs it; lib/runtime's Clock is one. */
export interface PollerClock {
  /** Milliseconds that never go back. */
  monotonic(): number;
  after(ms: number, fire: () => void): { cancel(): void };
}

export type Observation =
  | { readonly kind: 'power'; readonly value: PowerState }
  | { readonly kind: 'sensors'; readonly value: readonly SensorReading[] }
  /** Only entries that were not reported before. */
  | { readonly kind: 'eventLog'; readonly value: readonly LogEntry[] };

export type PollKind = Observation['kind'];

export interface PollerOptions {
  /** The device's driver, as BmcPool gives it. */
  readonly driver: (key: string, target: BmcTarget) => Driver;
  readonly clock: PollerClock;
  /** Milliseconds between two questions of a kind; kinds left out are not asked. */
  readonly periods: Readonly<Partial<Record<PollKind, number>>>;
  /** Milliseconds that one question may take, once it is asked. */
  readonly deadlineMs: number;
  /**
   * Questions to devices that answered last time that hold a place, for a second at most; default 128. More wait, and so a busy
   * process slows down evenly.
   */
  readonly concurrency?: number;
  /** The same for devices that did not, so that these hold up nobody else; default 64. */
  readonly doubtful?: number;
  /** A question goes out, so many milliseconds after its time: a process that cannot keep up is seen by that. */
  readonly asked?: (key: string, kind: PollKind, lateMs: number) => void;
  /** `first`: of this kind, since the device is watched. */
  readonly observed: (key: string, observation: Observation, first: boolean) => void;
  /** `failures`: how many in a row, of this device. */
  readonly failed: (key: string, kind: PollKind, error: BmcError, failures: number) => void;
}

/** Milliseconds from one question that an event brought about to the next of that kind. */
const NUDGE_MS = 1000;
/** Milliseconds before a stream of events is opened again; twice as much each time, up to a bound, until one has lasted. */
const REOPEN_MS = 1000;
const MOST_REOPEN_MS = 300_000;

/** Failures in a row after which a device is asked less often, and how much less at most. */
const PATIENCE = 3;
const MOST_STRETCH = 16;

/** The next question of a kind. */
interface Planned {
  readonly timer: { cancel(): void };
  /** When it is asked, and its place in the period, before which an event may have moved it. */
  readonly at: number;
  readonly due: number;
}

interface Polled {
  readonly target: BmcTarget;
  /** Nobody wants to know any more. */
  isForgotten: boolean;
  /** Questions under way, and the stream of events: each has a signal of its own, so that none outlives it. */
  readonly underWay: Set<AbortController>;
  /** None of a kind that is being asked. */
  readonly planned: Map<PollKind, Planned>;
  readonly seen: Set<PollKind>;
  failures: number;
  lastEntry: string | undefined;
  /** Undefined until its BMC has answered once. */
  events: Events | undefined;
}

/** What a stream of events has brought about. */
interface Events {
  /** Until when nothing is asked for the sake of an event. */
  readonly quietUntil: Map<PollKind, number>;
  /** Kinds that were being asked when an event came: what it tells of may have come too late for the answer. */
  readonly missed: Set<PollKind>;
}

/**
 * Milliseconds after which a question that is only waited for gives its place to another: places limit the work that is done here,
 * and BMCs that have died since they last answered would take all of them.
 */
const HOLD_MS = 1000;

/** So many at a time; the others wait in order. */
class Places {
  #free: number;
  readonly #clock: PollerClock;
  readonly #holdMs: number;
  readonly #waiting: (() => void)[] = [];

  /** A place is free again when its work has ended, or after `holdMs`. */
  constructor(places: number, clock: PollerClock, holdMs: number) {
    this.#free = places;
    this.#clock = clock;
    this.#holdMs = holdMs;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let held = true;
    const giveUp = () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
    const timer = this.#clock.after(this.#holdMs, giveUp);
    try {
      return await work();
    } finally {
      timer.cancel();
      giveUp();
    }
  }
}

export class FleetPoller {
  readonly #options: PollerOptions;
  readonly #devices = new Map<string, Polled>();
  readonly #running = new Set<Promise<void>>();
  readonly #healthy: Places;
  readonly #doubtful: Places;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#healthy = new Places(options.concurrency ?? 128, options.clock, HOLD_MS);
    this.#doubtful = new Places(options.doubtful ?? 64, options.clock, options.deadlineMs);
  }

  get size(): number {
    return this.#devices.size;
  }

  /** Asks this device from now on, first at its place in the period. A changed target begins anew; the same changes nothing. */
  watch(key: string, target: BmcTarget): void {
    const known = this.#devices.get(key);
    if (known && JSON.stringify(known.target) === JSON.stringify(target)) return;
    this.forget(key);
    const device: Polled = {
      target,
      isForgotten: false,
      underWay: new Set(),
      planned: new Map(),
      seen: new Set(),
      failures: 0,
      lastEntry: undefined,
      events: undefined,
    };
    this.#devices.set(key, device);
    const now = this.#options.clock.monotonic();
    const kinds = Object.entries(this.#options.periods) as [PollKind, number][];
    for (const [kind, period] of kinds) this.#plan(key, device, kind, now + placeOf(`${kind} ${key}`) * period);
  }

  /** Ends it at once, a question under way included. The driver stays in the pool. */
  forget(key: string): void {
    const device = this.#devices.get(key);
    if (!device) return;
    this.#devices.delete(key);
    this.#rest(device);
    device.isForgotten = true;
    for (const work of device.underWay) work.abort();
  }

  /** Forgets all, and waits until what was under way has ended. */
  async close(): Promise<void> {
    for (const key of this.#devices.keys()) this.forget(key);
    await Promise.all(this.#running);
  }

  #rest(device: Polled): void {
    for (const { timer } of device.planned.values()) timer.cancel();
    device.planned.clear();
  }

  /** Asks at its place `due`, or earlier, at `at`. */
  #plan(key: string, device: Polled, kind: PollKind, due: number, at = due): void {
    const { clock } = this.#options;
    const fire = () => {
      device.planned.delete(kind);
      this.#run(() => this.#turn(key, device, kind, due, at));
    };
    device.planned.set(kind, { at, due, timer: clock.after(at - clock.monotonic(), fire) });
  }

  #run(work: () => Promise<void>): void {
    const running = work().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #turn(key: string, device: Polled, kind: PollKind, due: number, at: number): Promise<void> {
    const silent = device.failures >= PATIENCE;
    const asked = kind === 'power' || !silent || this.#options.periods.power === undefined;
    const places = device.failures === 0 ? this.#healthy : this.#doubtful;
    const again = asked ? await places.run(() => this.#ask(key, device, kind, at)) : true;
    if (!again || device.isForgotten) return;
    const period = this.#options.periods[kind]! * stretch(device.failures);
    // On the device's own place in the period, also when the answer took long, and when it was asked before its place.
    const now = this.#options.clock.monotonic();
    const next = at < due && now < due ? due : due + period * Math.max(1, Math.ceil((now - due) / period));
    this.#plan(key, device, kind, next);
    if (device.events?.missed.delete(kind)) this.#nudge(key, device, device.events, kind);
  }

  /** For as long as the device is watched, while its BMC has a stream of events. */
  async #listen(key: string, device: Polled, events: Events): Promise<void> {
    const stream = new AbortController();
    device.underWay.add(stream);
    const { signal } = stream;
    const kinds = Object.keys(this.#options.periods) as PollKind[];
    for (let pause = REOPEN_MS; !signal.aborted; ) {
      const begun = this.#options.clock.monotonic();
      try {
        for await (const _event of this.#options.driver(key, device.target).events(signal)) {
          for (const kind of kinds) this.#nudge(key, device, events, kind);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof BmcError)) throw error;
        if (!error.retryable) return; // it has no stream; or does not let us in, which the questions find out
      }
      if (signal.aborted) return;
      // What happens from here on is not told.
      for (const kind of kinds) this.#nudge(key, device, events, kind);
      if (this.#options.clock.monotonic() - begun > MOST_REOPEN_MS) pause = REOPEN_MS;
      await this.#pause(pause, signal);
      pause = Math.min(pause * 2, MOST_REOPEN_MS);
    }
  }

  /** Asks soon. Events that come thick and fast make one question. */
  #nudge(key: string, device: Polled, events: Events, kind: PollKind): void {
    const planned = device.planned.get(kind);
    if (!planned) {
      events.missed.add(kind);
      return;
    }
    const now = this.#options.clock.monotonic();
    const at = Math.max(now, events.quietUntil.get(kind) ?? now);
    if (at >= planned.at || device.failures >= PATIENCE) return;
    planned.timer.cancel();
    events.quietUntil.set(kind, at + NUDGE_MS);
    this.#plan(key, device, kind, planned.due, at);
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#options.clock.after(ms, end);
      signal.addEventListener('abort', end);
    });
  }

  /** False when asking again makes no sense until the target changes. */
  async #ask(key: string, device: Polled, kind: PollKind, at: number): Promise<boolean> {
    if (device.isForgotten) return false;
    this.#options.asked?.(key, kind, this.#options.clock.monotonic() - at);
    const question = new AbortController();
    device.underWay.add(question);
    const deadline = this.#options.clock.after(this.#options.deadlineMs, () => question.abort(timedOut()));
    try {
      const observation = await this.#observe(key, device, kind, question.signal);
      if (device.isForgotten) return false;
      device.failures = 0;
      const first = !device.seen.has(kind);
      device.seen.add(kind);
      this.#options.observed(key, observation, first);
      if (first) this.#heedEvents(key, device);
      return true;
    } catch (error) {
      if (device.isForgotten) return false;
      if (!(error instanceof BmcError)) throw error;
      return this.#fail(key, device, kind, error);
    } finally {
      deadline.cancel();
      device.underWay.delete(question);
    }
  }

  async #observe(key: string, device: Polled, kind: PollKind, signal: AbortSignal): Promise<Observation> {
    const driver = this.#options.driver(key, device.target);
    if (kind === 'power') return { kind, value: await driver.power(signal) };
    if (kind === 'sensors') return { kind, value: await driver.sensors(signal) };
    const value = await driver.eventLog(signal, device.lastEntry);
    device.lastEntry = value.at(-1)?.id ?? device.lastEntry;
    return { kind, value };
  }

  #heedEvents(key: string, device: Polled): void {
    if (device.events || !this.#options.driver(key, device.target).capabilities().events) return;
    const events = { quietUntil: new Map(), missed: new Set<PollKind>() };
    device.events = events;
    this.#run(() => this.#listen(key, device, events));
  }

  #fail(key: string, device: Polled, kind: PollKind, error: BmcError): boolean {
    if (error.code === 'unsupported' && kind !== 'power') {
      this.#options.failed(key, kind, error, device.failures); // this BMC has none of these: no fault of the line
      return false;
    }
    device.failures++;
    this.#options.failed(key, kind, error, device.failures);
    if (error.retryable) return true;
    this.#rest(device);
    return false;
  }
}

/** 1 while it answers, then twice as much for each failure. */
function stretch(failures: number): number {
  return Math.min(2 ** Math.max(0, failures - PATIENCE + 1), MOST_STRETCH);
}

/** From 0 up to 1, evenly spread over keys and always the same for one (FNV-1a, its bits stirred once more). */
function placeOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 0x1_0000_0000;
}

const timedOut = () => new DOMException('the question took too long', 'TimeoutError');
