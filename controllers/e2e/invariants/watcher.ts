// Sees what becomes of all Devices and Instances, and holds it against the rules. It only reads: the API on a connection of its
// own, and the simulated machines' record.

import type { Device } from '../../../lib/api/generated.ts';
import { FIELD_MANAGER } from '../../../lib/api/names.ts';
import { mayStand } from '../../../lib/api/reasons.ts';
import { DEVICES } from '../../../lib/api/resources.ts';
import type { View } from '../../../lib/cli/view.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import { events, type KubeEvent } from '../../../lib/kube/events.ts';
import { createReflector } from '../../../lib/kube/reflector.ts';
import type { Log } from '../../../lib/observe/log.ts';
import type { SimulatedFleet } from '../../../lib/sim/fleet.ts';
import { eventually } from '../../../lib/testing/eventually.ts';
import { type AnySight, deviceSight, type History, historyOf, instanceSight, type SeenOperation } from './history.ts';
import { violations } from './rules.ts';

/** Sights, and entries of the record, that are told with a fault. */
const CONTEXT = 8;

export interface Watcher {
  /** All that were seen so far, by id. */
  operations(): ReadonlyMap<string, SeenOperation>;
  /** What was, and must never be, each with what was seen before it. */
  violations(): Promise<string[]>;
}

/** Watches until the signal aborts. `view` has synced. */
export function watchInvariants(
  { view, client, fleet, log }: { view: View; client: KubeClient; fleet: SimulatedFleet; log: Log },
  signal: AbortSignal,
): Watcher {
  const sights: AnySight[] = [];
  const last = new Map<string, string>();
  const strangeEvents = new Set<string>();

  function see(sight: AnySight): void {
    const { revision: _, ...what } = sight;
    const text = JSON.stringify(what);
    // Progress and times change all the time, and no rule goes by them.
    if (last.get(sight.uid) === text) return;
    last.set(sight.uid, text);
    sights.push(sight);
  }

  function hear({ involvedObject: { kind, name }, reason, source }: KubeEvent): void {
    if (source?.component === FIELD_MANAGER && !mayStand(kind, reason, 'event'))
      strangeEvents.add(`event ${reason} of ${kind} ${name} is not in the table of reasons`);
  }

  for (const device of view.devices.values()) see(deviceSight(device));
  for (const instance of view.instances.values()) see(instanceSight(instance));
  const told = createReflector({ client, resource: events, log });
  const ends = [
    view.devices.subscribe(({ type, object }) => see(deviceSight(object, type === 'deleted'))),
    view.instances.subscribe(({ type, object }) => see(instanceSight(object, type === 'deleted'))),
    told.store.subscribe(({ type, object }) => type === 'added' && hear(object)),
  ];
  told.run(signal).catch((error: unknown) => log.error({ err: error }, 'the watch of events ended'));
  const stop = () => {
    for (const end of ends) end();
  };
  signal.addEventListener('abort', stop, { once: true });

  const images = new Map(fleet.images.map(({ name, sha256 }) => [name, sha256]));
  /** What the API says now has been seen. */
  async function caughtUp(): Promise<void> {
    const { items } = await client.list(DEVICES);
    const isSeen = ({ metadata }: Device) =>
      Number(view.devices.get(metadata.name)?.metadata.resourceVersion ?? Number.POSITIVE_INFINITY) >=
      Number(metadata.resourceVersion);
    await eventually(() => items.every(isSeen), { what: 'the watch of Devices to catch up' });
  }

  return {
    operations: () => historyOf(sights, [], images).operations,
    async violations() {
      // The record first: what it tells of had been on record in the API before.
      const record = fleet.record();
      await caughtUp();
      const history = historyOf(sights, record, images);
      const found = violations(history);
      return [...found.map((fault) => withContext(fault, history)), ...strangeEvents];
    },
  };
}

/** The fault with the last that was seen of the objects that it names, up to its revision, and of what they did. */
function withContext(fault: string, { sights, record }: History): string {
  const words = new Set([...fault.split(/[\s:,]+/), ...fault.split(/[\s:,/]+/)]);
  const until = Number(/ at revision (\d+)/.exec(fault)?.[1] ?? Number.POSITIVE_INFINITY);
  const seen = sights.filter(({ name, revision }) => words.has(name) && revision <= until);
  const done = record.filter(({ machine }) => words.has(machine));
  return [fault, ...seen.slice(-CONTEXT).map(lineOf), ...done.slice(-CONTEXT).map(lineOf)].join('\n    ');
}

const lineOf = (what: object): string => JSON.stringify(what);
