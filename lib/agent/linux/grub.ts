// GRUB on a disk: where its first sector finds the rest, and what it is told. Pure.
//
// Source: GRUB's boot.S and diskboot.S (where the sectors of the core stand), its manual, "BIOS installation" and
// "search"; UEFI specification §3.5.1.1 (default boot file).

const SECTOR = 512;
/** boot.S: where the core's first sector is. Its code up to the partition table goes into the boot sector. */
const BOOT_SECTOR_KERNEL = 0x5c;
const BOOT_CODE_BYTES = 440;
/** diskboot.S: the list of the core's other sectors ends the first one; start, count, and the segment they are loaded at. */
const BLOCK_LIST = SECTOR - 12;
/** One of the list's entries that says: the first sector is where it is, the rest follows it. */
const LOAD_SEGMENT = 0x820;

/** GRUB's core as it stands on the disk, one sector behind the other from that byte on. */
export function coreAt(core: Buffer, startBytes: number): Buffer {
  const sectors = Math.ceil(core.length / SECTOR);
  const placed = Buffer.concat([core], sectors * SECTOR);
  placed.writeBigUInt64LE(BigInt(startBytes / SECTOR + 1), BLOCK_LIST);
  placed.writeUInt16LE(sectors - 1, BLOCK_LIST + 8);
  placed.writeUInt16LE(LOAD_SEGMENT, BLOCK_LIST + 10);
  return placed;
}

/** The boot sector that loads that core; all but its code as it was. */
export function bootSector(before: Buffer, boot: Buffer, coreStartBytes: number): Buffer {
  const sector = Buffer.from(before);
  boot.copy(sector, 0, 0, BOOT_CODE_BYTES);
  sector.writeBigUInt64LE(BigInt(coreStartBytes / SECTOR), BOOT_SECTOR_KERNEL);
  return sector;
}

/** Where the EFI system partition has the loader, and the loader what it reads first. */
export const EFI_LOADER = { x64: 'EFI/BOOT/BOOTX64.EFI', arm64: 'EFI/BOOT/BOOTAA64.EFI' } as const;
export const FIRST_CONFIGURATION = 'grub/grub.cfg';
/** Of both loaders: a file system on the disk that they came from, by the place that it always has. */
export const LOADER_PREFIX = '(,gpt2)/grub';

/** Leads on to what the system itself may change. */
export const firstConfiguration = (bootFileSystem: string, prefix: string): string =>
  [
    `search --no-floppy --fs-uuid --set=root ${bootFileSystem}`,
    `set prefix=($root)${prefix}/grub`,
    'configfile $prefix/grub.cfg',
    '',
  ].join('\n');

export interface Kernel {
  /** As GRUB finds it. */
  readonly kernel: string;
  readonly initrd?: string;
}

/**
 * The links that a distribution keeps on its newest kernel, so that this stays true when that changes; else the newest.
 *
 * @param boot names in /boot
 * @param root names in /
 * @param isApart /boot is a file system of its own
 */
export function kernelIn(boot: readonly string[], root: readonly string[], isApart: boolean): Kernel | undefined {
  const folder = isApart ? '' : '/boot';
  const links = (names: readonly string[], where: string): Kernel | undefined =>
    names.includes('vmlinuz') && names.includes('initrd.img')
      ? { kernel: `${where}/vmlinuz`, initrd: `${where}/initrd.img` }
      : undefined;
  const linked = links(boot, folder) ?? (isApart ? undefined : links(root, ''));
  if (linked) return linked;
  const versions = boot.flatMap((name) => /^vmlinuz-(?!.*rescue)(.+)$/.exec(name)?.[1] ?? []);
  const newest = versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest === undefined) return undefined;
  const initrd = [`initrd.img-${newest}`, `initramfs-${newest}.img`, `initrd-${newest}`].find((name) =>
    boot.includes(name),
  );
  return { kernel: `${folder}/vmlinuz-${newest}`, ...(initrd !== undefined && { initrd: `${folder}/${initrd}` }) };
}

/** @param rootPartition unique GUID */
export function systemConfiguration(
  { kernel, initrd }: Kernel,
  rootPartition: string,
  kernelArguments: string,
): string {
  const lines = [
    'set timeout=0',
    `linux ${kernel} root=PARTUUID=${rootPartition} ro ${kernelArguments}`.trimEnd(),
    ...(initrd === undefined ? [] : [`initrd ${initrd}`]),
    'boot',
    '',
  ];
  return lines.join('\n');
}
