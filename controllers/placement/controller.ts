// The placement controller: binds Placements to Instances and Hosts of their namespace, and alone writes a host's
// `status.allocated` and a Placement's status. What CapacityQuotas count is entered in their status first.
//
// Keys are namespaces, as nothing here crosses one: rounds of a namespace follow each other, those of others run beside.
import type { CapacityQuota, Device, Host, Instance, Placement } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, DEVICES, HOSTS, INSTANCES, PLACEMENTS, SITES } from '../../lib/api/resources.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import type { Log } from '../../lib/observe/log.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { isConditionTrue } from '../../lib/runtime/conditions.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import type { Manager } from '../../lib/runtime/manager.ts';
import { watch, whenChanged } from '../../lib/runtime/source.ts';
import { type Configured, fixed } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { BY_NAMESPACE } from './records.ts';
import { createRounds } from './round.ts';
import { keepsLedger } from './survey.ts';

export interface PlacementDeps {
  readonly manager: Pick<Manager, 'client' | 'store'>;
  readonly events: EventRecorder;
  readonly log: Log;
  readonly clock: Clock;
  /** Default: the configuration that comes with the product. */
  readonly configured?: Configured | undefined;
}

/** A namespace shares one key: what fails for one of its objects again and again must not keep the others waiting for long. */
const BACKOFF = { initialMs: 500, maxMs: 10_000 };

const namespaceOf = ({ metadata }: KubeObject): string[] =>
  metadata.namespace === undefined ? [] : [metadata.namespace];

export function createPlacementController({
  manager,
  events,
  log,
  clock,
  configured = fixed(),
}: PlacementDeps): Controller {
  const indexes = { [BY_NAMESPACE]: namespaceOf };
  const caches = {
    placements: manager.store(PLACEMENTS, { indexes }),
    instances: manager.store(INSTANCES, { indexes }),
    hosts: manager.store(HOSTS, { indexes }),
    quotas: manager.store(CAPACITY_QUOTAS, { indexes }),
    devices: manager.store(DEVICES),
    sites: manager.store(SITES),
  };
  const round = createRounds({ client: manager.client, caches, events, log, clock, configured });
  const namespacesWithHosts = () => [
    ...new Set([...caches.instances.values()].filter(keepsLedger).flatMap(namespaceOf)),
  ];
  return createController({
    name: 'placement',
    watches: [
      watch(caches.placements, { keys: namespaceOf, when: whenChanged(placementMatter) }),
      watch(caches.instances, { keys: namespaceOf, when: whenChanged(hostMatter) }),
      watch(caches.hosts, { keys: namespaceOf, when: whenChanged(foreignMatter) }),
      watch(caches.quotas, { keys: namespaceOf, when: whenChanged(quotaMatter) }),
      watch(caches.devices, {
        keys: ({ spec }) => (spec.claimRef ? [spec.claimRef.namespace] : []),
        when: whenChanged(deviceMatter),
      }),
      watch(caches.sites, { keys: namespacesWithHosts }),
      {
        name: 'configuration',
        start: (enqueue) =>
          configured.subscribe(() => {
            for (const key of new Set([...caches.placements.values()].flatMap(namespaceOf))) enqueue(key);
          }),
      },
    ],
    backoff: BACKOFF,
    reconcile: ({ key }, signal) => round(key, signal),
  });
}

/** What of a Placement a round looks at: not the wording of its condition. */
const placementMatter = ({ metadata, status }: Placement) => ({
  generation: metadata.generation,
  labels: metadata.labels,
  deletionTimestamp: metadata.deletionTimestamp,
  phase: status?.phase,
  nodeName: status?.nodeName,
});

/** What of an Instance a round looks at; nothing of one that hosts no VMs. */
const hostMatter = (instance: Instance) => {
  if (!keepsLedger(instance)) return undefined;
  const { metadata, status } = instance;
  return {
    generation: metadata.generation,
    labels: metadata.labels,
    deletionTimestamp: metadata.deletionTimestamp,
    phase: status?.phase,
    ready: isConditionTrue(status?.conditions, 'Ready'),
    deviceName: status?.deviceName,
    address: status?.addresses?.[0],
    capacity: status?.capacity,
    allocated: status?.allocated,
    reinstalled: status?.requests?.reinstall,
  };
};

const foreignMatter = ({ metadata, status }: Host) => ({
  generation: metadata.generation,
  labels: metadata.labels,
  deletionTimestamp: metadata.deletionTimestamp,
  ready: isConditionTrue(status?.conditions, 'Ready'),
  allocated: status?.allocated,
});

const quotaMatter = ({ metadata, status }: CapacityQuota) => ({
  generation: metadata.generation,
  claims: status?.claims,
});

const deviceMatter = ({ metadata }: Device) => ({ generation: metadata.generation });
