// The volumes of a Device: which disks they have, what is made of these, and which of them the system goes to. Pure.
import { createHash } from 'node:crypto';
import type { Device, DeviceInventory, DeviceType, Instance } from '../../lib/api/generated.ts';
import { bytes } from '../../lib/api/quantity.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import type { ArrayFacts, ArrayOrder } from '../../lib/provision/protocol.ts';
import { mapVolumes, ROOT_VOLUME, type VolumeMapping, type VolumeWish } from '../../lib/provision/volumes/mapping.ts';
import { type RaidLevel, raidMisfit } from '../../lib/provision/volumes/raid.ts';
import { collectedDisks, mismatches } from './inventory.ts';
import { compact, kindOf, type Operation, type Status } from './status.ts';

export type Volume = NonNullable<Status['volumes']>[number];

/** What the collected disks make of the type's volumes. */
export function volumeMapping(device: Device, inventory: DeviceInventory, type: DeviceType): VolumeMapping {
  const { volumes = [], rootDeviceHints } = type.spec;
  const wishes = volumes.map(({ name, disks = 1, minSize, media }) =>
    compact<VolumeWish>({ name, disks, minSizeBytes: minSize === undefined ? 0 : bytes(minSize), media }),
  );
  return mapVolumes(collectedDisks(inventory), wishes, device.spec.rootDeviceHints ?? rootDeviceHints);
}

/** Every way in which the hardware falls short of its type; none: the Device can be put away. */
export function misfits(device: Device, inventory: DeviceInventory | undefined, type: DeviceType): string[] {
  if (!inventory) return ['no hardware was collected: ask for it with spec.requests.collect'];
  return [...mismatches(device, inventory, type), ...volumeMapping(device, inventory, type).mismatches];
}

/** The status with the volumes as they are now: nothing is made of their disks yet. */
export function withVolumes(status: Status, { volumes }: VolumeMapping): Status {
  const { volumes: _, ...rest } = status;
  return volumes.length === 0
    ? rest
    : { ...rest, volumes: volumes.map(({ name, disks }) => ({ name, disks: [...disks] })) };
}

/** Undefined where the disks are not of volumes. */
const rootVolume = (volumes: Status['volumes']): Volume | undefined =>
  volumes?.find(({ name }) => name === ROOT_VOLUME);

/**
 * The disk that the system goes to, where it is a disk and not an array.
 * @throws Failure DiskMissing where the machine lacks a disk of any volume: then nothing is written to it at all
 */
export function rootDiskOf(volumes: NonNullable<Status['volumes']>, present: ReadonlySet<string>): string | undefined {
  const missing = volumes.flatMap(({ name, disks }) =>
    disks.filter((serial) => !present.has(serial)).map((serial) => `${serial} of volume ${name}`),
  );
  if (missing.length > 0)
    throw new Failure(
      'DiskMissing',
      `the machine that booted lacks the disks ${missing.join(', ')}, that it was put away with; nothing was written`,
    );
  const { disks = [] } = rootVolume(volumes) ?? {};
  return disks.length === 1 ? disks[0] : undefined;
}

/** What the system is written to: the id of the array that holds it, else the serial number of its disk. */
export const systemDisk = (status: Status, operation: Operation): string | undefined =>
  rootVolume(status.volumes)?.arrayID ?? operation.boot?.diskSerialNumber;

interface Wanted {
  readonly type: DeviceType | undefined;
  readonly instance: Instance;
}

const levelOf = ({ type, instance }: Wanted, name: string): RaidLevel =>
  instance.spec.volumes?.find((volume) => volume.name === name)?.raidLevel ??
  type?.spec.volumes?.find((volume) => volume.name === name)?.raidLevel ??
  'None';

/** Why the volumes cannot be as the Instance and the type want them; undefined where they can. */
export function volumesMisfit({ volumes }: Status, wanted: Wanted): string | undefined {
  const names = volumes?.map(({ name }) => name) ?? [];
  const stranger = wanted.instance.spec.volumes?.find(({ name }) => !names.includes(name));
  if (stranger)
    return `the Instance names the volume ${stranger.name}; its machine was put away with ${names.join(', ') || 'no volumes'}`;
  for (const { name, disks } of volumes ?? []) {
    const level = levelOf(wanted, name);
    const misfit = raidMisfit(level, disks.length);
    if (misfit !== undefined) return `volume ${name}: ${misfit}`;
    if (name === ROOT_VOLUME && level !== 'None' && level !== 'RAID1')
      return `volume root: the firmware boots from no ${level} of Linux, only from RAID1 or a single disk`;
  }
  return undefined;
}

/** The arrays that an operation makes, or goes on with where they hold something already. */
export function arrayOrders({ volumes = [] }: Status, operation: Operation, wanted: Wanted): ArrayOrder[] {
  return volumes.flatMap(({ name, disks, raidLevel, arrayID }): ArrayOrder[] => {
    const boots = name === ROOT_VOLUME;
    if (arrayID !== undefined && raidLevel) return [{ id: arrayID, name, level: raidLevel, disks, boots, keep: true }];
    const level = kindOf(operation) === 'Reinstall' ? 'None' : levelOf(wanted, name);
    // The same for every try of the operation, and for no other one.
    const id = createHash('sha256').update(`${operation.id}/${name}`).digest('hex').slice(0, 32);
    return level === 'None' ? [] : [{ id, name, level, disks, boots, keep: false }];
  });
}

/** The status with the arrays that were seen to be there. */
export function withArrays(status: Status, orders: readonly ArrayOrder[], arrays: readonly ArrayFacts[]): Status {
  const volumes = status.volumes?.map((volume): Volume => {
    const order = orders.find(({ name }) => name === volume.name);
    const array = arrays.find(({ id }) => id === order?.id);
    return order && array
      ? { ...volume, raidLevel: order.level, arrayID: order.id, sizeBytes: array.sizeBytes }
      : volume;
  });
  return volumes ? { ...status, volumes } : status;
}

/** The status when all disks were wiped: the volumes have their disks, and nothing is made of them. */
export function withoutArrays(status: Status): Status {
  const volumes = status.volumes?.map(({ name, disks }): Volume => ({ name, disks }));
  return volumes ? { ...status, volumes } : status;
}
