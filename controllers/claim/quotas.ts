// What CapacityQuotas let the Instances of each namespace have of devices, in one round.
//
// A claim is entered for a selection: the one version of the one device that may become the Instance's. It is void when that
// version is no more and the device is not the Instance's either; then nothing can be claimed by it any more.
import type { CapacityQuota, Device, Instance } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, DEVICES } from '../../lib/api/resources.ts';
import { replaceStatus } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { ApiError, found } from '../../lib/kube/errors.ts';
import type { Store } from '../../lib/kube/store.ts';
import { OwnWrites } from '../../lib/runtime/own-writes.ts';
import { Allowance, type Claim, deviceAmounts, holderOf } from '../../lib/scheduler/kubernetes/allowance.ts';
import type { Attempts } from './attempts.ts';
import { type ClaimRef, isClaimedBy, passOver, type Selection } from './claims.ts';

/** What a device counts that an Instance has, or selects in this version. */
export const quotaClaim = ({ uid, name }: Pick<ClaimRef, 'uid' | 'name'>, { metadata, spec }: Device): Claim => ({
  uid: `${uid}@${metadata.name}@${metadata.resourceVersion}`,
  kind: 'Instance',
  name,
  amounts: deviceAmounts(spec.deviceType),
});

function selectionIn({ uid }: Claim): Selection {
  const [, device = '', resourceVersion = ''] = uid.split('@');
  return { device, resourceVersion };
}

/** What the caches show of who has what. */
export interface View {
  /** The Devices of an Instance, by its uid. */
  readonly devicesOf: (uid: string) => readonly Device[] | undefined;
  /** Devices that somebody of the namespace has. */
  readonly claimedIn: (namespace: string) => readonly Device[];
  /** Whether an Instance may still get the version of the device that it selected. */
  readonly isOpen: (namespace: string, claim: Claim, selection: Selection) => boolean;
}

export class DeviceQuotas {
  readonly #client: KubeClient;
  readonly #own: OwnWrites<CapacityQuota>;
  readonly #now: () => string;
  #allowances: ReadonlyMap<string, Allowance> = new Map();

  constructor(client: KubeClient, cache: Store<CapacityQuota>, now: () => string) {
    this.#client = client;
    this.#own = new OwnWrites(cache);
    this.#now = now;
  }

  /** A round begins: facts are entered, and claims that are void by the server's word are taken out. */
  async begin(quotas: Iterable<CapacityQuota>, view: View, trying: Attempts, signal: AbortSignal): Promise<void> {
    const byNamespace = Map.groupBy(quotas, ({ metadata }) => metadata.namespace!);
    this.#allowances = new Map(
      [...byNamespace].map(([namespace, those]) => [
        namespace,
        new Allowance(those.map((quota) => this.#own.latest(quota))),
      ]),
    );
    for (const [namespace, allowance] of this.#allowances) {
      let isChanged = this.#enterFacts(namespace, allowance, view);
      for (const claim of allowance.claims('Instance')) {
        if (view.devicesOf(holderOf(claim)) || view.isOpen(namespace, claim, selectionIn(claim))) continue;
        await trying.make(byNamespace.get(namespace)![0]!, async () => {
          if (!(await this.#end(claim, signal))) return 'again';
          allowance.drop(claim.uid);
          isChanged = true;
          return 'settled';
        });
      }
      if (!isChanged) continue;
      await trying.make(byNamespace.get(namespace)![0]!, async () => {
        await this.#write(allowance, signal);
        return 'settled';
      });
    }
  }

  /** Gives whether there were any. */
  #enterFacts(namespace: string, allowance: Allowance, view: View): boolean {
    const entered = new Map(allowance.claims('Instance').map((claim) => [holderOf(claim), claim]));
    let isChanged = false;
    for (const device of view.claimedIn(namespace)) {
      const claim = quotaClaim(device.spec.claimRef!, device);
      const old = entered.get(device.spec.claimRef!.uid);
      if (old && Object.keys(old.amounts).join() === Object.keys(claim.amounts).join()) continue;
      allowance.enter(old ? { ...claim, uid: old.uid } : claim);
      isChanged = true;
    }
    return isChanged;
  }

  /** Makes sure that nothing is claimed by it any more; false where something is. */
  async #end(claim: Claim, signal: AbortSignal): Promise<boolean> {
    const { device, resourceVersion } = selectionIn(claim);
    const live = await found(this.#client.get(DEVICES, { name: device }, { signal }));
    if (!live) return true;
    if (isClaimedBy(live, holderOf(claim))) return false;
    if (live.metadata.resourceVersion === resourceVersion)
      await passOver(this.#client, holderOf(claim), live, { signal });
    return true;
  }

  /** Why the Instance may not have the device; undefined when it may. */
  refusal({ metadata }: Instance, device: Device): string | undefined {
    const allowance = this.#allowances.get(metadata.namespace!);
    return allowance?.refusal([quotaClaim({ uid: metadata.uid!, name: metadata.name }, device)]);
  }

  /** Counts the device that the Instance has selected. Rejects with 409 when a quota has changed since. */
  async enter({ metadata }: Instance, device: Device, signal: AbortSignal): Promise<void> {
    const allowance = this.#allowances.get(metadata.namespace!);
    if (!allowance) return;
    const claim = quotaClaim({ uid: metadata.uid!, name: metadata.name }, device);
    const others = allowance.claims('Instance').some((one) => holderOf(one) === metadata.uid && one.uid !== claim.uid);
    if (others)
      throw new ApiError(409, 'Conflict', `instance ${metadata.name}: it is counted for another device still`);
    allowance.enter(claim);
    try {
      await this.#write(allowance, signal);
    } catch (error) {
      allowance.undo(claim.uid);
      throw error;
    }
  }

  async #write(allowance: Allowance, signal: AbortSignal): Promise<void> {
    for (const { quota, status } of allowance.changes(this.#now())) {
      const written = await replaceStatus(this.#client, CAPACITY_QUOTAS, quota, status, { signal });
      allowance.wrote(quota, this.#own.note(quota, written));
    }
  }
}
