// Objects of a namespace as a round works on them: from the caches or, where those do not show it yet, as this process wrote
// them last; by the server's word, where it must be certain; and written on the version that they were read at.
import type { Caches } from '../../lib/api/caches.ts';
import type { CapacityQuota, Host, Instance, Placement } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, HOSTS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { replaceStatus } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { found } from '../../lib/kube/errors.ts';
import { OwnWrites } from '../../lib/runtime/own-writes.ts';
import { type HostObject, isForeign, isForeignKey, nameIn } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { type HostChange, ledgerAfter } from './plan.ts';
import type { PlacementStatus } from './status.ts';
import { keepsLedger } from './survey.ts';

/** The index of hosts, Placements and quotas that rounds use. */
export const BY_NAMESPACE = 'placement/namespace';

export type PlacementCaches = Pick<Caches, 'instances' | 'hosts' | 'placements' | 'quotas' | 'devices' | 'sites'>;

export class Records {
  readonly #client: KubeClient;
  readonly #caches: PlacementCaches;
  readonly #instances: OwnWrites<Instance>;
  readonly #foreign: OwnWrites<Host>;
  readonly #placements: OwnWrites<Placement>;
  readonly #quotas: OwnWrites<CapacityQuota>;

  constructor(client: KubeClient, caches: PlacementCaches) {
    this.#client = client;
    this.#caches = caches;
    this.#instances = new OwnWrites(caches.instances);
    this.#foreign = new OwnWrites(caches.hosts);
    this.#placements = new OwnWrites(caches.placements);
    this.#quotas = new OwnWrites(caches.quotas);
  }

  /** All that have a ledger. */
  hosts(namespace: string): HostObject[] {
    const { instances, hosts } = this.#caches;
    return [
      ...instances.byIndex(BY_NAMESPACE, namespace).map((instance) => this.#instances.latest(instance)),
      ...hosts.byIndex(BY_NAMESPACE, namespace).map((host) => this.#foreign.latest(host)),
    ].filter(keepsLedger);
  }

  placements(namespace: string): Placement[] {
    return this.#caches.placements
      .byIndex(BY_NAMESPACE, namespace)
      .map((placement) => this.#placements.latest(placement));
  }

  quotas(namespace: string): CapacityQuota[] {
    return this.#caches.quotas.byIndex(BY_NAMESPACE, namespace).map((quota) => this.#quotas.latest(quota));
  }

  /** By the server's word; undefined when it is not there. */
  livePlacement(namespace: string | undefined, name: string, signal: AbortSignal): Promise<Placement | undefined> {
    return found(this.#client.get(PLACEMENTS, { namespace, name }, { signal }));
  }

  /** The host of this key, by the server's word; undefined when it is not there. */
  liveHost(namespace: string | undefined, key: string, signal: AbortSignal): Promise<HostObject | undefined> {
    const name = { namespace, name: nameIn(key) };
    return found<HostObject>(
      isForeignKey(key) ? this.#client.get(HOSTS, name, { signal }) : this.#client.get(INSTANCES, name, { signal }),
    );
  }

  async write(placement: Placement, status: PlacementStatus, signal: AbortSignal): Promise<void> {
    this.#placements.note(placement, await replaceStatus(this.#client, PLACEMENTS, placement, status, { signal }));
  }

  async writeLedger(change: HostChange, signal: AbortSignal): Promise<HostObject> {
    const { host } = change;
    if (isForeign(host)) {
      const status = ledgerAfter(host, change);
      return this.#foreign.note(host, await replaceStatus(this.#client, HOSTS, host, status, { signal }));
    }
    const status = ledgerAfter(host, change);
    return this.#instances.note(host, await replaceStatus(this.#client, INSTANCES, host, status, { signal }));
  }

  async writeQuota(
    quota: CapacityQuota,
    status: NonNullable<CapacityQuota['status']>,
    signal: AbortSignal,
  ): Promise<CapacityQuota> {
    return this.#quotas.note(quota, await replaceStatus(this.#client, CAPACITY_QUOTAS, quota, status, { signal }));
  }
}
