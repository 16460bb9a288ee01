// Claims as the API holds them: who has which device, which claims are to be given up, and how one is made.
//
// Flow: a claim takes two writes. The Instance is marked with the device and the version of it that the decision was made
// on; then that very version of the Device gets `spec.claimRef`. Both are guarded by the resourceVersion. What quotas count
// is entered between the two.
// Guarantees: a device has one claim, because its claim is one guarded field. An instance has one device, because only the
// version that its mark names can become its claim, and the mark moves on only when that version is no more. This holds
// for any number of schedulers, paused and resumed anywhere, and for lost answers.
import type { Device, Instance } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { writeObject } from '../../lib/kube/apply.ts';
import type { CallOptions, KubeClient } from '../../lib/kube/client.ts';
import { ApiError, found } from '../../lib/kube/errors.ts';
import { isDeleting } from '../../lib/runtime/finalizers.ts';

/** On Instances: `device@resourceVersion`, the one version of the one device that may become its claim. */
export const SELECTED_DEVICE = 'bmp.dev/selected-device';
/** On Devices: `uid@resourceVersion`, the Instance that had selected this version of the device and will not have it. */
export const PASSED_OVER = 'bmp.dev/passed-over';

export type ClaimRef = NonNullable<Device['spec']['claimRef']>;

export interface Selection {
  readonly device: string;
  readonly resourceVersion: string;
}

export function selectionOf(instance: Instance): Selection | undefined {
  const match = /^([^@]+)@(.+)$/.exec(instance.metadata.annotations?.[SELECTED_DEVICE] ?? '');
  return match ? { device: match[1]!, resourceVersion: match[2]! } : undefined;
}

const selects = (selection: Selection, device: Device | undefined): boolean =>
  selection.device === device?.metadata.name && selection.resourceVersion === device.metadata.resourceVersion;

export const isClaimedBy = (device: Device, uid: string | undefined): boolean =>
  uid !== undefined && device.spec.claimRef?.uid === uid;

/** What is left of an earlier selection: nothing, this very version of a device, a claim, or more than the cache shows. */
export type Standing =
  | { readonly type: 'none' }
  | { readonly type: 'open'; readonly device: Device }
  | { readonly type: 'claimed' }
  | { readonly type: 'unclear' };

/** Where an Instance without a device in the cache stands. `cached` finds a Device in the cache. */
export async function standingOf(
  client: KubeClient,
  instance: Instance,
  cached: (name: string) => Device | undefined,
  options: CallOptions,
): Promise<Standing> {
  const selection = selectionOf(instance);
  if (!selection) return { type: 'none' };
  const device = cached(selection.device);
  if (device && selects(selection, device)) return { type: 'open', device };
  // Versions are opaque: only the server can tell one that is gone from one that the cache has yet to see.
  const live = await found(client.get(DEVICES, { name: selection.device }, options));
  if (live && isClaimedBy(live, instance.metadata.uid)) return { type: 'claimed' };
  return live && selects(selection, live) ? { type: 'unclear' } : { type: 'none' };
}

/** Makes `device`, as the Instance has selected it, the Instance's. Rejects with 409 when it has changed since. */
export async function claim(
  client: KubeClient,
  { metadata }: Instance,
  device: Device,
  options: CallOptions,
): Promise<void> {
  const { namespace = '', name, uid = '' } = metadata;
  await writeObject(client, DEVICES, device, withClaim(device, { namespace, name, uid }), options);
}

/**
 * Marks the Instance with `device` as it was decided on: nothing else can become its claim then. Rejects with 409 when the
 * Instance has changed since. Returns it as it then is.
 */
export async function select(
  client: KubeClient,
  instance: Instance,
  device: Device,
  options: CallOptions,
): Promise<Instance> {
  const selection = selectionOf(instance);
  if (selection && selects(selection, device)) return confirm(client, instance, options);
  const { name, resourceVersion = '' } = device.metadata;
  const annotations = { ...instance.metadata.annotations, [SELECTED_DEVICE]: `${name}@${resourceVersion}` };
  const desired = { ...instance, metadata: { ...instance.metadata, annotations } };
  return writeObject(client, INSTANCES, instance, desired, options);
}

/** The selection stands already, so nothing is written that would show a stale cache: the server is asked. */
async function confirm(client: KubeClient, instance: Instance, options: CallOptions): Promise<Instance> {
  const live = await client.get(INSTANCES, instance.metadata, options);
  if (live.metadata.uid !== instance.metadata.uid || isDeleting(live)) {
    throw new ApiError(
      409,
      'Conflict',
      `instance ${instance.metadata.name}: it is not there any more, or on its way out`,
    );
  }
  return live;
}

/** Makes an open selection, of the Instance with this uid, impossible: the selected version of the device ends. */
export async function passOver(client: KubeClient, uid: string, device: Device, options: CallOptions): Promise<void> {
  const passedOver = `${uid}@${device.metadata.resourceVersion}`;
  const annotations = { ...device.metadata.annotations, [PASSED_OVER]: passedOver };
  await writeObject(client, DEVICES, device, { ...device, metadata: { ...device.metadata, annotations } }, options);
}

/** Takes the claim off this version of the device. */
export async function release(client: KubeClient, device: Device, options: CallOptions): Promise<void> {
  await writeObject(client, DEVICES, device, withClaim(device, undefined), options);
}

const withClaim = (device: Device, claimRef: ClaimRef | undefined): Device => {
  const { claimRef: _old, ...spec } = device.spec;
  return { ...device, spec: claimRef ? { ...spec, claimRef } : spec };
};

/** Nothing of the claim's Instance is on the device or under way there: giving it up loses nothing. */
export function isUntouched({ spec, status }: Device): boolean {
  const uid = spec.claimRef?.uid;
  return (
    status?.phase === 'Available' && status.operation?.instanceUID !== uid && status.installed?.instanceUID !== uid
  );
}

/** Whether the device itself says that it is done with its claim. */
export const isReleased = ({ spec, status }: Device): boolean =>
  spec.claimRef !== undefined && status?.releasedClaimUID === spec.claimRef.uid;

/**
 * Of the devices claimed by one Instance (one, if all went well), the one to keep and those that can go, as nothing was done
 * on them. Kept is one on which something was done, or else the first by name.
 */
export function settle(devices: readonly Device[]): { kept: Device; surplus: readonly Device[] } {
  const byName = devices.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const kept = byName.find((device) => !isUntouched(device)) ?? byName[0]!;
  return { kept, surplus: byName.filter((device) => device !== kept && isUntouched(device)) };
}

/** Whether the Instance that a claim names is no more, by the server's word. */
export async function isOrphaned(client: KubeClient, claimRef: ClaimRef, options: CallOptions): Promise<boolean> {
  const live = await found(client.get(INSTANCES, claimRef, options));
  return live?.metadata.uid !== claimRef.uid;
}
