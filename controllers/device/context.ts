// Everything that a pass over a Device needs from outside, and what it finds in the caches about one Device.
import { createHash } from 'node:crypto';
import type { Caches } from '../../lib/api/caches.ts';
import type { Device, DeviceInventory, DeviceType, Image, Site } from '../../lib/api/generated.ts';
import { INSTANCES, type Secret } from '../../lib/api/resources.ts';
import type { BootMode } from '../../lib/bmc/driver.ts';
import type { BmcPool } from '../../lib/bmc/pool.ts';
import type { DhcpService } from '../../lib/boot/dhcp/service.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isNotFound } from '../../lib/kube/errors.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { keyOf } from '../../lib/kube/resource.ts';
import type { SystemClaims } from '../../lib/provision/api/tokens.ts';
import type { SeedReport } from '../../lib/provision/protocol.ts';
import type { BackoffPolicy } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { AuditRecord } from './audit.ts';
import { type LoginDigest, secretNameOf } from './bmc-access.ts';
import type { MediaPlace } from './boot-media.ts';
import type { Desk } from './desk.ts';
import type { HealthBoard } from './health.ts';
import type { Claimant } from './plan.ts';
import { writesImage } from './status.ts';

/** In milliseconds. */
export interface Timing {
  /** Between two looks at a power state that is about to change. */
  readonly pollMs: number;
  /** Between two looks while waiting for the agent or the system, which report by themselves. */
  readonly backstopMs: number;
  /** Between two looks at the power of a machine at rest, should nobody wake its Device meanwhile. */
  readonly idlePollMs: number;
  /** Before the same command is sent to a BMC once more. */
  readonly resendMs: number;
  /** How long a system may take to shut down by itself. */
  readonly graceMs: number;
  /** How long an admitted agent may be silent. */
  readonly silenceMs: number;
  readonly backoff: BackoffPolicy;
}

export const TIMING: Timing = {
  pollMs: 1000,
  backstopMs: 10_000,
  idlePollMs: 300_000,
  resendMs: 10_000,
  graceMs: 120_000,
  silenceMs: 120_000,
  backoff: { initialMs: 5000, maxMs: 300_000 },
};

export type DeviceStores = Omit<Caches, 'hosts' | 'placements' | 'quotas'>;

export interface DeviceDependencies {
  readonly client: KubeClient;
  readonly stores: DeviceStores;
  readonly events: EventRecorder;
  readonly bmcs: BmcPool;
  /** The operator's own DHCP server, where it has one. */
  readonly dhcp?: DhcpService | undefined;
  readonly desk: Desk;
  /** What sensors say is wrong. */
  readonly health: HealthBoard;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: Timing;
  readonly namespace: string;
  readonly loginDigest: LoginDigest;
  /** Is told of each operation that ends. */
  readonly audit: (record: AuditRecord) => void;
  /** Where BMCs fetch the live OS as a disc. */
  readonly media: MediaPlace;
  /** Where machines fetch an image. */
  readonly imageUrl: (image: Image) => string;
  /** How the installed system reports in, for its seed. */
  readonly seedReport: (claims: SystemClaims) => SeedReport;
  /** Since when this process hears agents, in milliseconds since the epoch. */
  readonly listeningSince: number;
}

/** What the caches say around one Device. */
export interface Surroundings {
  readonly claimant: Claimant;
  readonly site: Site | undefined;
  readonly type: DeviceType | undefined;
  readonly inventory: DeviceInventory | undefined;
  readonly image: Image | undefined;
  readonly secretName: string | undefined;
  readonly secret: Secret | undefined;
  readonly bootMode: BootMode;
}

/** The claimant is read from the server itself where the cache does not have it: being gone must be certain. */
async function claimantOf(deps: DeviceDependencies, device: Device, signal: AbortSignal): Promise<Claimant> {
  const claim = device.spec.claimRef;
  if (!claim) return { type: 'none' };
  const cached = deps.stores.instances.get(keyOf(claim));
  if (cached?.metadata.uid === claim.uid) return { type: 'live', instance: cached };
  try {
    const instance = await deps.client.get(INSTANCES, claim, { signal });
    return instance.metadata.uid === claim.uid ? { type: 'live', instance } : { type: 'gone', uid: claim.uid };
  } catch (error) {
    if (isNotFound(error)) return { type: 'gone', uid: claim.uid };
    throw error;
  }
}

/** What the operation under way has begun to write, else what the Instance asks for. */
function imageFor(stores: DeviceStores, device: Device, claimant: Claimant): Image | undefined {
  const operation = device.status?.operation;
  const begun = operation && writesImage(operation) ? operation.image?.name : undefined;
  const name = begun ?? (claimant.type === 'live' ? claimant.instance.spec.image : undefined);
  return name === undefined ? undefined : stores.images.get(name);
}

export async function surroundings(
  deps: DeviceDependencies,
  device: Device,
  signal: AbortSignal,
): Promise<Surroundings> {
  const { stores, namespace } = deps;
  const claimant = await claimantOf(deps, device, signal);
  const site = stores.sites.get(device.spec.site);
  const type = device.spec.deviceType === undefined ? undefined : stores.types.get(device.spec.deviceType);
  const secretName = secretNameOf(device, site);
  return {
    claimant,
    site,
    type,
    inventory: stores.inventories.get(device.metadata.name),
    image: imageFor(stores, device, claimant),
    secretName,
    secret: secretName === undefined ? undefined : stores.secrets.get(keyOf({ namespace, name: secretName })),
    bootMode: type?.spec.bootMode ?? 'UEFI',
  };
}

/**
 * Digest of all that an operation on the Device goes by: a permanent failure is looked at again when it changes. What only
 * the operator writes, statuses and claims, is not in it.
 */
export function inputsDigest(device: Device, around: Surroundings, login: string | undefined): string {
  const { claimRef: _, requests: _requests, ...spec } = device.spec;
  const { claimant, site, type, inventory, image } = around;
  const instance = claimant.type === 'live' ? claimant.instance.spec : claimant.type;
  const parts = [spec, instance, site?.spec, type?.spec, inventory?.spec, image?.spec, login];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
