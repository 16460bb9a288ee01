// The disk of a system that comes as a tar: the boot loader's two partitions, and those of the Image. Pure.
//
//   1  GRUB's core for BIOS   1 MiB
//   2  EFI system partition   64 MiB, FAT: GRUB for UEFI, and for both where the system is
//   3… as the Image says
//
// Source: UEFI specification §5.3 (GPT) and §13.3.3 (EFI system partition); GRUB's manual, "BIOS installation".
import {
  type FileSystem,
  guidOf,
  type Mount,
  type Partition,
  type PartitionWish,
  place,
  typeOf,
} from './partitions.ts';

/** Of the Image, in the order of the disk. One of them, and only one, is mounted at /. */
export interface SystemPartition extends PartitionWish {
  /** None of a swap. */
  readonly mountPoint?: string;
}

const MIB = 1024 * 1024;
export const BIOS_BOOT_TYPE = '21686148-6449-6E6F-744E-656564454649';
export const ESP_TYPE = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
const BIOS_BOOT = { type: BIOS_BOOT_TYPE, sizeBytes: MIB };
const ESP = { type: ESP_TYPE, sizeBytes: 64 * MIB, fileSystem: 'vfat' as FileSystem };

/** What comes without any: one file system that takes the whole disk. */
export const WHOLE_DISK = { fileSystem: 'ext4', mountPoint: '/' } as const;

/** @throws RangeError, saying what does not fit */
export function layOutSystem(wishes: readonly SystemPartition[], diskBytes: number): Partition[] {
  const first = wishes[0]?.id ?? '';
  const all = [
    { id: guidOf(`${first} BIOS`), ...BIOS_BOOT },
    { id: guidOf(`${first} ESP`), ...ESP },
    ...wishes.map(({ id, fileSystem, sizeBytes }) => ({ id, type: typeOf(fileSystem), fileSystem, sizeBytes })),
  ];
  return place(all, diskBytes);
}

/** What the system mounts: a folder before what is mounted in it. */
export const systemMounts = (wishes: readonly SystemPartition[]): Mount[] =>
  wishes
    .filter(({ fileSystem, mountPoint }) => fileSystem === 'swap' || mountPoint !== undefined)
    .map(({ id, fileSystem, mountPoint }) => ({ id, fileSystem, ...(mountPoint !== undefined && { mountPoint }) }))
    .sort((a, b) => (a.mountPoint ?? '').length - (b.mountPoint ?? '').length);

/** /etc/fstab of the whole system. The boot loader's partition is of use to nobody but who changes the boot loader. fstab(5) */
export function systemFstab(mounts: readonly Mount[]): string {
  const lines = mounts.map(({ id, fileSystem, mountPoint }) => {
    if (fileSystem === 'swap') return `PARTUUID=${id} none swap sw 0 0`;
    const order = mountPoint === '/' ? 1 : 2;
    return `PARTUUID=${id} ${mountPoint} ${fileSystem} defaults 0 ${fileSystem === 'ext4' ? order : 0}`;
  });
  return `${lines.join('\n')}\n`;
}
