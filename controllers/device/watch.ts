// Keeps an eye on every machine over its BMC, between the Device controller's own looks.
//
// Flow: whatever has credentials that were seen good is polled through the one BmcPool. A power state other than the one in the
// status wakes the Device, which looks for itself and writes it down. So do a BMC that falls silent or comes back, and
// sensors that turn bad or good. New entries of the event log become Events.
// Guarantees: the Device controller alone writes the status; a password is never tried here first; nothing is asked of a
// Device in maintenance.
import type { Device } from '../../lib/api/generated.ts';
import type { BmcTarget, LogEntry, SensorReading } from '../../lib/bmc/driver.ts';
import type { BmcError } from '../../lib/bmc/errors.ts';
import { FleetPoller, type Observation, type PollKind } from '../../lib/bmc/poller.ts';
import type { BmcPool } from '../../lib/bmc/pool.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { type KubeObject, keyOf } from '../../lib/kube/resource.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { done } from '../../lib/runtime/reconcile.ts';
import { watch } from '../../lib/runtime/source.ts';
import { credentialsIn, type LoginDigest, secretNameOf } from './bmc-access.ts';
import type { DeviceStores } from './context.ts';
import type { HealthBoard } from './health.ts';

/** Milliseconds between two questions of a kind. */
export type WatchPeriods = Readonly<Record<PollKind, number>>;

/** What 10,000 machines cost little by: see npm run bench:operator. */
export const WATCH_PERIODS: WatchPeriods = { power: 60_000, sensors: 300_000, eventLog: 600_000 };

/** Failures in a row that make a BMC silent, rather than a datagram lost. */
const SILENT = 3;
const DEADLINE_MS = 20_000;
/** Entries told of one reading of a log: a log that filled up at once is told of in a few lines. */
const MOST_EVENTS = 10;
/** Of a log read for the first time, what is older than this was told before, or is history. */
const NEWS_MS = 600_000;

export interface WatchDependencies {
  readonly stores: Pick<DeviceStores, 'devices' | 'sites' | 'secrets'>;
  readonly events: EventRecorder;
  readonly bmcs: BmcPool;
  readonly health: HealthBoard;
  readonly clock: Clock;
  readonly namespace: string;
  readonly loginDigest: LoginDigest;
  readonly periods: WatchPeriods;
  /** Makes the Device controller look at a Device. */
  readonly wake: (device: string) => void;
}

/** Where and how to ask a Device's BMC; undefined while that must not be done. */
export function watchedTarget(
  { stores, namespace, loginDigest }: Pick<WatchDependencies, 'stores' | 'namespace' | 'loginDigest'>,
  device: Device,
): BmcTarget | undefined {
  const { bmc, maintenance, site } = device.spec;
  const name = secretNameOf(device, stores.sites.get(site));
  const secret = name === undefined ? undefined : stores.secrets.get(keyOf({ namespace, name }));
  if (!secret || maintenance?.enabled || device.metadata.deletionTimestamp) return undefined;
  if (device.status?.credentials?.good?.digest !== loginDigest(bmc.address, secret)) return undefined;
  const credentials = credentialsIn(secret, name, namespace);
  return { address: bmc.address, credentials, ...(bmc.tls && { tls: bmc.tls }) };
}

export function createWatchController(deps: WatchDependencies): Controller {
  const { stores, bmcs, health, clock, periods } = deps;
  const silent = new Set<string>();
  const poller = new FleetPoller({
    driver: (key, target) => bmcs.driver(key, target),
    clock,
    periods,
    deadlineMs: DEADLINE_MS,
    observed: (key, observation, first) => observed(deps, silent, key, observation, first),
    failed: (key, _kind, error, failures) => failed(deps, silent, key, error, failures),
  });
  const devicesOf = (secret: KubeObject) =>
    [...stores.devices.values()]
      .filter((device) => secretNameOf(device, stores.sites.get(device.spec.site)) === secret.metadata.name)
      .map((device) => device.metadata.name);
  const controller = createController({
    name: 'bmc-watch',
    watches: [watch(stores.devices), watch(stores.secrets, { keys: devicesOf })],
    async reconcile({ key }) {
      const device = stores.devices.get(key);
      const target = device && watchedTarget(deps, device);
      if (target) {
        poller.watch(key, target);
        return done;
      }
      poller.forget(key);
      silent.delete(key);
      if (device) return done;
      // A question that was under way may have opened its driver again, after the Device controller had given it back.
      health.forget(key);
      await bmcs.forget(key);
      return done;
    },
  });
  return {
    ...controller,
    async run(environment, signal) {
      try {
        await controller.run(environment, signal);
      } finally {
        await poller.close();
      }
    },
  };
}

function observed(
  { stores, events, health, clock, wake }: WatchDependencies,
  silent: Set<string>,
  key: string,
  observation: Observation,
  first: boolean,
): void {
  const device = stores.devices.get(key);
  if (!device) return;
  const isBack = silent.delete(key);
  switch (observation.kind) {
    case 'power':
      if (isBack || device.status?.power?.state !== observation.value) wake(key);
      return;
    case 'sensors':
      if (health.saw(key, problemsIn(observation.value))) wake(key);
      return;
    case 'eventLog':
      tell(events, device, first ? newest(observation.value, clock.now()) : observation.value);
      return;
  }
}

function failed(
  { wake }: WatchDependencies,
  silent: Set<string>,
  key: string,
  error: BmcError,
  failures: number,
): void {
  if (error.code === 'unsupported' || silent.has(key)) return;
  if (error.retryable && failures < SILENT) return;
  silent.add(key);
  wake(key);
}

function problemsIn(readings: readonly SensorReading[]) {
  return readings
    .filter((reading) => reading.health === 'warning' || reading.health === 'critical')
    .map(({ name, health }) => ({ name, severity: health as 'warning' | 'critical' }));
}

const newest = (entries: readonly LogEntry[], now: number) =>
  entries.filter(({ time }) => time !== undefined && now - Date.parse(time) < NEWS_MS);

/** Entries that say that something is wrong, the latest ones of many. */
function tell(events: EventRecorder, device: Device, entries: readonly LogEntry[]): void {
  const grave = entries.filter(
    ({ severity, asserted }) => asserted && (severity === 'warning' || severity === 'critical'),
  );
  const told = grave.slice(-MOST_EVENTS);
  for (const { sensor, message, time } of told) {
    const at = time === undefined ? '' : ` at ${time}`;
    events.event(device, 'Warning', 'HardwareEvent', `${sensor}: ${message}${at}`);
  }
  const left = grave.length - told.length;
  if (left > 0) events.event(device, 'Warning', 'HardwareEvents', `${left} more entries in the event log of the BMC`);
}
