// The scheduler's view of a namespace, read once: what `bmp why` and `bmp simulate` ask, on a snapshot of their own.
import { readFileSync } from 'node:fs';
import type { CapacityQuota, Device, Host, Instance, Placement, Site } from '../api/generated.ts';
import { CAPACITY_QUOTAS, DEVICES, HOSTS, INSTANCES, PLACEMENTS, SITES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { readConfiguration } from '../scheduler/kubernetes/configuration-file.ts';
import { type HostFacts, HostTable, isHost, placementOfReservation } from '../scheduler/kubernetes/hosts.ts';
import { hasPlace, homeOf, hostKey } from '../scheduler/kubernetes/ledger-entries.ts';
import { placementRequest, profileOf } from '../scheduler/kubernetes/placement-request.ts';
import { builtIn, type Configuration } from '../scheduler/profiles.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { Request } from '../scheduler/types.ts';
import { text, UsageError, type Values } from './command.ts';

/** What there is in a namespace, and the machines under it. */
export interface Snapshot {
  readonly instances: readonly Instance[];
  readonly hosts: readonly Host[];
  readonly placements: readonly Placement[];
  readonly quotas: readonly CapacityQuota[];
  readonly devices: readonly Device[];
  readonly sites: readonly Site[];
}

export async function readSnapshot(client: KubeClient, namespace: string): Promise<Snapshot> {
  const all = async <T extends KubeObject>(resource: Resource<T>) => {
    const items: T[] = [];
    const of = resource.namespaced ? { namespace } : {};
    for await (const page of client.pages(resource, of)) items.push(...page.items);
    return items;
  };
  const [instances, hosts, placements, quotas, devices, sites] = await Promise.all([
    all(INSTANCES),
    all(HOSTS),
    all(PLACEMENTS),
    all(CAPACITY_QUOTAS),
    all(DEVICES),
    all(SITES),
  ]);
  return { instances, hosts, placements, quotas, devices, sites };
}

export interface Schedule {
  readonly scheduler: Scheduler;
  /** Hosts that the scheduler leaves out, as their amounts cannot be read. */
  readonly unreadable: ReadonlyMap<string, Error>;
  /**
   * The Placement's request; of one that has a place, under the id that its place is held under, and of one that waits for a
   * reservation's room, under the id and on the host of that. Throws QuantityError.
   */
  readonly request: (placement: Placement) => Request;
}

/** Options of commands that ask the scheduler. */
export const SCHEDULER_OPTIONS = { 'scheduler-config': { type: 'string' } } as const;
export const SCHEDULER_HELP = `  --scheduler-config FILE  the operator's (default: what comes with it)`;

/** The configuration that the options name. @throws UsageError */
export function configurationOf(values: Values): Configuration {
  const file = text(values, 'scheduler-config');
  if (file === undefined) return builtIn();
  try {
    return readConfiguration(readFileSync(file, 'utf8'), file);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A scheduler that knows what the operator's does. */
export function scheduleOf(
  { instances, hosts: foreign, placements, devices, sites }: Snapshot,
  configuration: Configuration = builtIn(),
): Schedule {
  const deviceNamed = new Map(devices.map((device) => [device.metadata.name, device]));
  const siteNamed = new Map(sites.map((site) => [site.metadata.name, site]));
  const hosts = new HostTable();
  const facts: HostFacts[] = instances.filter(isHost).map((host) => {
    const device = deviceNamed.get(host.status?.deviceName ?? '');
    return { host, device, site: device && siteNamed.get(device.spec.site) };
  });
  facts.push(...foreign.map((host) => ({ host })));
  const unreadable = hosts.update(facts, placements);
  const held = new Map<string, string>();
  for (const { host } of facts) {
    for (const { id } of hosts.table.reservations(hostKey(host))) held.set(placementOfReservation(id), id);
  }
  const named = new Map(placements.map((placement) => [placement.metadata.name, placement]));
  /** The reservation whose room a Placement waits for, where that has room for it. */
  const awaited = ({ metadata, spec, status }: Placement): Placement | undefined => {
    const reservation = status?.from?.taken ? undefined : named.get(spec.from ?? '');
    const isIts = reservation?.status?.redeemedBy?.uid === metadata.uid;
    const holds = reservation?.spec.reservation === true && (hasPlace(reservation) || isIts);
    return holds ? reservation : undefined;
  };
  return {
    scheduler: new Scheduler(hosts.table, configuration.profiles),
    unreadable,
    request(placement) {
      const request = placementRequest(placement, profileOf(placement, configuration));
      const reservation = awaited(placement);
      if (reservation === undefined) return { ...request, id: held.get(request.id) ?? request.id };
      return { ...request, node: homeOf(reservation), id: held.get(reservation.metadata.uid!) ?? request.id };
    },
  };
}
