// Instances that want a device, as the scheduler's requests.
import type { DeviceType, Image, Instance } from '../../api/generated.ts';
import { type DeviceRequest, PROFILE } from './device-profile.ts';

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
    volumeTypes: spec.volumes?.length ? typesWith(spec.volumes, types) : undefined,
  };
}

/** The API cannot hold a label without a value; its generated type can. */
const matchLabels = ({ matchLabels: labels }: { matchLabels: Record<string, string | undefined> }) =>
  Object.fromEntries(Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

/** Names of the device types on which the image runs and is allowed, sorted. */
export function typesFor(image: Image, types: Iterable<DeviceType>): string[] {
  return [...types]
    .filter((type) => misfitOf(image, type) === undefined)
    .map((type) => type.metadata.name)
    .sort();
}

/** Names of the device types that give all of these volumes, sorted. */
function typesWith(volumes: NonNullable<Instance['spec']['volumes']>, types: Iterable<DeviceType>): string[] {
  return [...types]
    .filter(({ spec }) => volumes.every(({ name }) => spec.volumes?.some((given) => given.name === name)))
    .map((type) => type.metadata.name)
    .sort();
}

/** Why the image does not belong on machines of the type; undefined: it does. */
export function misfitOf(
  { metadata: { name }, spec }: Image,
  { metadata, spec: type }: DeviceType,
): string | undefined {
  const { hardware, bootMode = 'UEFI', allowedImages = [] } = type;
  const { architecture = 'x86_64' } = hardware;
  const told = `Image ${name} does not fit DeviceType ${metadata.name}`;
  if (spec.architecture !== architecture) return `${told}: it is for ${spec.architecture}, not ${architecture}`;
  if (!spec.bootModes.includes(bootMode))
    return `${told}: it boots by ${spec.bootModes.join(', ')}, not by ${bootMode}`;
  if (allowedImages.length === 0 || allowedImages.includes(name)) return undefined;
  return `${told}: allowed are ${allowedImages.join(', ')}`;
}
