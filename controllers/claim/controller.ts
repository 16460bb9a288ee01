// The claim controller: binds Instances to whole Devices, and alone writes `Device.spec.claimRef`. What CapacityQuotas count
// is entered in their status first.
//
// Whatever changes wakes one and the same key, so there is one round at a time and changes meanwhile make one more.
import type { CapacityQuota, Device, Instance } from '../../lib/api/generated.ts';
import {
  CAPACITY_QUOTAS,
  DEVICE_INVENTORIES,
  DEVICE_TYPES,
  DEVICES,
  IMAGES,
  INSTANCES,
  SITES,
} from '../../lib/api/resources.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { Log } from '../../lib/observe/log.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { isConditionTrue } from '../../lib/runtime/conditions.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import type { Manager } from '../../lib/runtime/manager.ts';
import { watch, whenChanged } from '../../lib/runtime/source.ts';
import { type Configured, fixed } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { createRounds } from './round.ts';
import { SCHEDULED } from './verdict.ts';

export interface ClaimDeps {
  readonly manager: Pick<Manager, 'client' | 'store'>;
  readonly events: EventRecorder;
  readonly log: Log;
  readonly clock: Clock;
  /** Default: the configuration that comes with the product. */
  readonly configured?: Configured | undefined;
}

const ROUND = 'round';
/** All share one key: what fails for one of them again and again must not keep the others waiting for long. */
const BACKOFF = { initialMs: 500, maxMs: 10_000 };
const wakes = { keys: () => [ROUND] };

export function createClaimController({ manager, events, log, clock, configured = fixed() }: ClaimDeps): Controller {
  const caches = {
    instances: manager.store(INSTANCES),
    devices: manager.store(DEVICES),
    inventories: manager.store(DEVICE_INVENTORIES),
    types: manager.store(DEVICE_TYPES),
    sites: manager.store(SITES),
    images: manager.store(IMAGES),
    quotas: manager.store(CAPACITY_QUOTAS),
  };
  const round = createRounds({ client: manager.client, caches, events, log, clock, configured });
  return createController({
    name: 'claim',
    watches: [
      watch(caches.instances, { ...wakes, when: whenChanged(instanceMatter) }),
      watch(caches.devices, { ...wakes, when: whenChanged(deviceMatter) }),
      watch(caches.inventories, wakes),
      watch(caches.types, wakes),
      watch(caches.sites, wakes),
      watch(caches.images, wakes),
      { name: 'configuration', start: (enqueue) => configured.subscribe(() => enqueue(ROUND)) },
      watch(caches.quotas, { ...wakes, when: whenChanged(quotaMatter) }),
    ],
    concurrency: 1,
    backoff: BACKOFF,
    reconcile: (_request, signal) => round(signal),
  });
}

/** What of an Instance a round looks at. */
const instanceMatter = ({ metadata, status }: Instance) => ({
  generation: metadata.generation,
  finalizers: metadata.finalizers,
  deletionTimestamp: metadata.deletionTimestamp,
  annotations: metadata.annotations,
  scheduled: status?.conditions?.filter(({ type }) => type === SCHEDULED),
});

/** What of a Device a round looks at: not its operation's progress, nor what its BMC said last. */
const deviceMatter = ({ metadata, status }: Device) => ({
  generation: metadata.generation,
  labels: metadata.labels,
  annotations: metadata.annotations,
  deletionTimestamp: metadata.deletionTimestamp,
  phase: status?.phase,
  ready: isConditionTrue(status?.conditions, 'Ready'),
  operationFor: status?.operation?.instanceUID,
  installedFor: status?.installed?.instanceUID,
  releasedClaimUID: status?.releasedClaimUID,
});

/** What of a CapacityQuota a round looks at: devices, not placements. */
const quotaMatter = ({ metadata, status }: CapacityQuota) => ({
  generation: metadata.generation,
  claims: status?.claims?.filter(({ kind }) => kind === 'Instance'),
});
