// The volumes of a Device: which disks they have, what is made of these, and which of them the system goes to. Pure.
import { createHash } from 'node:crypto';
import type { Device, DeviceInventory, DeviceType, Instance } from '../../lib/api/generated.ts';
import { bytes } from '../../lib/api/quantity.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import type {
  ArrayFacts,
  ArrayOrder,
  PrepareVolumesTask,
  TaskKind,
  TaskResults,
} from '../../lib/provision/protocol.ts';
import { mapVolumes, ROOT_VOLUME, type VolumeMapping, type VolumeWish } from '../../lib/provision/volumes/mapping.ts';
import { guidOf, type Mount, type PartitionWish } from '../../lib/provision/volumes/partitions.ts';
import { type RaidLevel, raidMisfit } from '../../lib/provision/volumes/raid.ts';
import { collectedDisks, controllerProblems, mismatches } from './inventory.ts';
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
  const found = [...mismatches(device, inventory, type), ...volumeMapping(device, inventory, type).mismatches];
  // Disks may be lacking because nobody could ask for them.
  return found.some((text) => text.includes('disk')) ? [...found, ...controllerProblems(inventory.spec)] : found;
}

/** The status with the volumes as they are now: nothing is made of their disks yet. */
export function withVolumes(status: Status, { volumes }: VolumeMapping): Status {
  const { volumes: _, ...rest } = status;
  return volumes.length === 0
    ? rest
    : { ...rest, volumes: volumes.map(({ disks, ...volume }) => ({ ...volume, disks: [...disks] })) };
}

/** Undefined where the disks are not of volumes. */
const rootVolume = (volumes: Status['volumes']): Volume | undefined =>
  volumes?.find(({ name }) => name === ROOT_VOLUME);

/**
 * That no volume lacks all that hangs on its RAID controller: a live OS that does not drive that sees none of it, and would
 * wipe a machine without wiping it.
 * @throws Failure ControllerNotDriven
 */
export function requireControllers(volumes: Status['volumes'] = [], present: ReadonlySet<string>): void {
  for (const { name, controller, disks } of volumes) {
    if (controller === undefined || disks.some((serial) => present.has(serial))) continue;
    throw new Failure(
      'ControllerNotDriven',
      `none of the disks of volume ${name} is seen: their RAID controller ${controller} is gone, or the live OS that booted does not drive it; nothing was written`,
    );
  }
}

/**
 * The disk that the system goes to, where it is a disk and not an array.
 * @throws Failure ControllerNotDriven, or DiskMissing where the machine lacks a disk of any volume: then nothing is written to it at all
 */
export function rootDiskOf(volumes: NonNullable<Status['volumes']>, present: ReadonlySet<string>): string | undefined {
  requireControllers(volumes, present);
  const missing = volumes.flatMap(({ name, disks }) =>
    disks.filter((serial) => !present.has(serial)).map((serial) => `${serial} of volume ${name}`),
  );
  if (missing.length > 0)
    throw new Failure(
      'DiskMissing',
      `the machine that booted lacks the disks ${missing.join(', ')}, that it was put away with; nothing was written`,
    );
  const root = rootVolume(volumes);
  return root && plainDiskOf(root);
}

/** The disk of a volume that is one as it is. */
const plainDiskOf = ({ disks, controller }: Volume): string | undefined =>
  disks.length === 1 && controller === undefined ? disks[0] : undefined;

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
  if (!volumes && (wanted.type?.spec.volumes?.length ?? 0) > 0)
    return 'its DeviceType has given volumes since the machine was put away: take it down, and put it away again';
  const names = volumes?.map(({ name }) => name) ?? [];
  const stranger = wanted.instance.spec.volumes?.find(({ name }) => !names.includes(name));
  if (stranger)
    return `the Instance names the volume ${stranger.name}; its machine was put away with ${names.join(', ') || 'no volumes'}`;
  for (const { name, disks, controller } of volumes ?? []) {
    const level = levelOf(wanted, name);
    const misfit = raidMisfit(level, disks.length);
    if (misfit !== undefined) return `volume ${name}: ${misfit}`;
    const { partitions } = wanted.instance.spec.volumes?.find((volume) => volume.name === name) ?? {};
    if (name === ROOT_VOLUME && partitions) return 'volume root: its partitions are those of the Image';
    if (name === ROOT_VOLUME && controller === undefined && level !== 'None' && level !== 'RAID1')
      return `volume root: the firmware boots from no ${level} of Linux, only from RAID1 or a single disk`;
  }
  return undefined;
}

/** The same for every try of the operation, and for no other one; as long as whoever makes the array has room for. */
const arrayIdOf = (operation: Operation, { name, controller }: Volume): string =>
  createHash('sha256')
    .update(`${operation.id}/${name}`)
    .digest('hex')
    .slice(0, controller === undefined ? 32 : 12);

/** The arrays that an operation makes, or goes on with where they hold something already. */
export function arrayOrders({ volumes = [] }: Status, operation: Operation, wanted: Wanted): ArrayOrder[] {
  return volumes.flatMap((volume): ArrayOrder[] => {
    const { name, disks, controller, raidLevel, arrayID } = volume;
    const order = compact({ name, disks, controller, boots: name === ROOT_VOLUME });
    if (arrayID !== undefined && raidLevel) return [{ ...order, id: arrayID, level: raidLevel, keep: true }];
    if (kindOf(operation) === 'Reinstall') return [];
    const wish = levelOf(wanted, name);
    // A controller gives no disk but as an array.
    const level = wish === 'None' && controller !== undefined ? 'RAID0' : wish;
    return level === 'None' ? [] : [{ ...order, id: arrayIdOf(operation, volume), level, keep: false }];
  });
}

/** What a data volume is read and written by: its array, or its only disk. */
const targetOf = (volume: Volume): string | undefined => volume.arrayID ?? plainDiskOf(volume);

/** What has to be formatted, and what the system is to mount. Volumes that are kept are mounted as they were formatted. */
export function volumeOrders(
  { volumes = [] }: Status,
  operation: Operation,
  { instance }: Wanted,
): Pick<PrepareVolumesTask, 'volumes' | 'mounts'> {
  const isKept = kindOf(operation) === 'Reinstall';
  const orders: PrepareVolumesTask['volumes'][number][] = [];
  const mounts: Mount[] = [];
  for (const volume of volumes) {
    const { name } = volume;
    const target = targetOf(volume);
    const wanted = instance.spec.volumes?.find((one) => one.name === name)?.partitions ?? [];
    if (name === ROOT_VOLUME || target === undefined) continue;
    if (isKept) {
      mounts.push(...(volume.partitions ?? []));
      continue;
    }
    if (wanted.length === 0) continue;
    const partitions = wanted.map(({ fileSystem, size }, index) =>
      compact<PartitionWish>({
        id: guidOf(`${operation.id}/${name}/${index}`),
        fileSystem,
        sizeBytes: size === undefined ? undefined : bytes(size),
      }),
    );
    orders.push({ name, diskSerialNumber: target, partitions });
    mounts.push(
      ...partitions.map(({ id, fileSystem }, index) =>
        compact<Mount>({ id, fileSystem, mountPoint: wanted[index]!.mountPoint }),
      ),
    );
  }
  return { volumes: orders, mounts: mounts.filter(isMounted) };
}

const isMounted = ({ fileSystem, mountPoint }: Mount) => fileSystem === 'swap' || mountPoint !== undefined;

/** Tasks of the operation that have nothing to do on this machine. */
export function sparedTasks(status: Status, operation: Operation, wanted: Wanted | undefined): ReadonlySet<TaskKind> {
  const spared = new Set<TaskKind>();
  if (!wanted) return spared;
  const { volumes, mounts } = volumeOrders(status, operation, wanted);
  if (arrayOrders(status, operation, wanted).length === 0) spared.add('configure-raid');
  if (volumes.length + mounts.length === 0) spared.add('prepare-volumes');
  return spared;
}

/** The status with what the agent says that it has made of the volumes. */
export function withMade(
  status: Status,
  operation: Operation,
  made: { arrays?: readonly ArrayFacts[]; volumes?: TaskResults['prepare-volumes']['volumes'] },
): Status {
  const volumes = status.volumes?.map((volume): Volume => {
    const { name } = volume;
    const array = made.arrays?.find(({ id }) => id === (volume.arrayID ?? arrayIdOf(operation, volume)));
    const partitions = made.volumes?.find((one) => one.name === name)?.partitions;
    return {
      ...volume,
      ...(array &&
        array.level !== 'other' && { raidLevel: array.level, arrayID: array.id, sizeBytes: array.sizeBytes }),
      ...(partitions && { partitions: partitions.map((one) => ({ ...one })) }),
    };
  });
  return volumes ? { ...status, volumes } : status;
}

/** The status when all disks were wiped: the volumes have their disks, and nothing is made of them. */
export function withoutArrays(status: Status): Status {
  const volumes = status.volumes?.map(({ name, disks, controller }) => compact<Volume>({ name, disks, controller }));
  return volumes ? { ...status, volumes } : status;
}
