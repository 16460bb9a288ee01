// Where the partitions of a volume begin and end, and by what they are known. Pure.
//
// Source: UEFI specification §5.3 (GPT) and §13.3.3 (EFI system partition); "Discoverable Partitions Specification" (types).
import { createHash } from 'node:crypto';

export type FileSystem = 'ext4' | 'xfs' | 'vfat' | 'swap';

export interface PartitionWish {
  /** Unique partition GUID: whatever mounts it knows it by that. */
  readonly id: string;
  readonly fileSystem: FileSystem;
  /** The rest of the volume, where not given. */
  readonly sizeBytes?: number;
}

export interface Partition {
  readonly id: string;
  /** Partition type GUID. */
  readonly type: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly fileSystem?: FileSystem;
}

/** What is mounted where in the installed system. */
export interface Mount {
  readonly id: string;
  readonly fileSystem: FileSystem;
  /** None of a swap. */
  readonly mountPoint?: string;
}

const MIB = 1024 * 1024;
/** Partitions begin and end at multiples of it; the table and its copy have as much at either end. */
const ALIGNMENT = MIB;
/** Stays free at the end, for the seed of an installed system. */
const SEED_BYTES = 8 * MIB;
const LEAST_BYTES = 16 * MIB;
const TYPES: Record<FileSystem, string> = {
  ext4: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  xfs: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  vfat: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  swap: '0657FD6D-A4AB-43C4-84E5-0933C8BAC0C8',
};

/** A GUID that follows from what it is of: another try makes the same. RFC 9562, version 8 */
export function guidOf(what: string): string {
  const hex = createHash('sha256').update(what).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join('-');
}

/** Partition type GUID of what holds a file system. */
export const typeOf = (fileSystem: FileSystem): string => TYPES[fileSystem];

/** @throws RangeError, saying what does not fit */
export const layOut = (wishes: readonly PartitionWish[], volumeBytes: number): Partition[] =>
  place(
    wishes.map((wish) => ({ ...wish, type: typeOf(wish.fileSystem) })),
    volumeBytes,
  );

/**
 * One after the other; at most one of them takes what the others leave.
 * @throws RangeError, saying what does not fit
 */
export function place(
  wishes: readonly (Omit<Partition, 'startBytes' | 'sizeBytes'> & { readonly sizeBytes?: number | undefined })[],
  volumeBytes: number,
): Partition[] {
  const room = Math.floor((volumeBytes - ALIGNMENT - SEED_BYTES) / ALIGNMENT) * ALIGNMENT - ALIGNMENT;
  const sizes = wishes.map(({ sizeBytes }) => sizeBytes && Math.ceil(sizeBytes / ALIGNMENT) * ALIGNMENT);
  const rest = room - sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const takesRest = sizes.includes(undefined);
  if (rest < (takesRest ? LEAST_BYTES : 0))
    throw new RangeError(
      `partitions of ${room - rest} bytes${takesRest ? ', and the rest,' : ''} do not fit into ${room} bytes`,
    );
  let at = ALIGNMENT;
  return wishes.map(({ id, type, fileSystem }, index) => {
    const startBytes = at;
    const sizeBytes = sizes[index] ?? rest;
    at += sizeBytes;
    return { id, type, startBytes, sizeBytes, ...(fileSystem && { fileSystem }) };
  });
}

const OPENING = '# Volumes, written when the system was installed.';
const CLOSING = '# End of volumes.';

/** /etc/fstab with the mounts in it, and all else as it was. fstab(5) */
export function fstabWith(fstab: string, mounts: readonly Mount[]): string {
  const begin = fstab.indexOf(OPENING);
  const end = fstab.indexOf(CLOSING);
  const others = begin >= 0 && end > begin ? fstab.slice(0, begin) + fstab.slice(end + CLOSING.length + 1) : fstab;
  if (mounts.length === 0) return others;
  const lines = mounts.map(({ id, fileSystem, mountPoint }) => {
    if (fileSystem === 'swap') return `PARTUUID=${id} none swap sw,nofail 0 0`;
    return `PARTUUID=${id} ${mountPoint} ${fileSystem} defaults,nofail 0 ${fileSystem === 'ext4' ? 2 : 0}`;
  });
  const before = others === '' || others.endsWith('\n') ? others : `${others}\n`;
  return `${before}${[OPENING, ...lines, CLOSING].join('\n')}\n`;
}
