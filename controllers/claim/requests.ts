// Instances that want a device, as the scheduler's requests, in the order in which they are served.
import type { DeviceType, Image, Instance } from '../../lib/api/generated.ts';
import { INSTANCE_FINALIZER } from '../../lib/api/names.ts';
import { objectKey } from '../../lib/kube/resource.ts';
import { hasFinalizer, isDeleting } from '../../lib/runtime/finalizers.ts';
import { inTurn } from '../../lib/scheduler/turns.ts';
import { type DeviceRequest, PROFILE } from './profile.ts';

/**
 * Whether the Instance may be given a device: it has the finalizer, so it cannot vanish with the device in its hands, and is
 * not on its way out. That it has none yet is for the devices to say.
 */
export const mayClaim = (instance: Instance): boolean =>
  !isDeleting(instance) && hasFinalizer(instance, INSTANCE_FINALIZER);

/** Higher priority first, then the older one, then by namespace and name. */
export function byTurn(a: Instance, b: Instance): number {
  return (
    (b.spec.priority ?? 0) - (a.spec.priority ?? 0) ||
    compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compare(objectKey(a), objectKey(b))
  );
}

/**
 * The order in which Instances without a device are served: within a priority, namespaces take turns, so that none waits for
 * all of another's. `held`: how many devices each namespace has.
 */
export function inFairTurn(
  waiting: readonly Instance[],
  held: ReadonlyMap<string, number>,
  devices: number,
): readonly Instance[] {
  const asking = waiting.toSorted(byTurn).map((instance) => ({
    instance,
    tenant: instance.metadata.namespace!,
    priority: instance.spec.priority ?? 0,
    resources: { devices: 1 },
  }));
  const used = new Map([...held].map(([namespace, count]) => [namespace, { devices: count }]));
  return inTurn(asking, { capacity: { devices }, used }).map(({ instance }) => instance);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The request for one whole device; for `selected` and no other, where that is given. */
export function deviceRequest(
  instance: Instance,
  image: Image,
  types: Iterable<DeviceType>,
  selected?: string,
): DeviceRequest {
  const { metadata, spec } = instance;
  return {
    id: metadata.uid!,
    tenant: metadata.namespace!,
    resources: {},
    node: selected,
    pool: spec.pool ?? 'default',
    site: spec.site,
    region: spec.region,
    dedicated: false,
    tolerations: spec.tolerations ?? [],
    priority: spec.priority ?? 0,
    profile: PROFILE,
    deviceName: spec.deviceName,
    deviceType: spec.deviceType,
    deviceSelector: spec.deviceSelector && { matchLabels: matchLabels(spec.deviceSelector) },
    imageTypes: typesFor(image, types),
  };
}

/** The API cannot hold a label without a value; its generated type can. */
const matchLabels = ({ matchLabels: labels }: { matchLabels: Record<string, string | undefined> }) =>
  Object.fromEntries(Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

/** Names of the device types on which the image runs and is allowed, sorted. */
export function typesFor(image: Image, types: Iterable<DeviceType>): string[] {
  return [...types]
    .filter((type) => runsOn(image, type))
    .map((type) => type.metadata.name)
    .sort();
}

function runsOn(image: Image, { spec }: DeviceType): boolean {
  const { hardware, bootMode = 'UEFI', allowedImages = [] } = spec;
  return (
    image.spec.architecture === (hardware.architecture ?? 'x86_64') &&
    image.spec.bootModes.includes(bootMode) &&
    (allowedImages.length === 0 || allowedImages.includes(image.metadata.name))
  );
}
