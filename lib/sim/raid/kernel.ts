// What the kernel makes of RAID controllers and their logical drives, as a tree of files like sysfs: what a vendor's program
// changes at the controller appears here as a block device, as it does on hardware.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SECTOR_BYTES = 512;

export interface PlugIn {
  /** PCI address. */
  readonly address: string;
  readonly driver: 'megaraid_sas' | 'hpsa' | 'smartpqi' | 'ahci';
  readonly vendor: string;
  readonly device: string;
  readonly subsystemVendor: string;
}

/** A card on the PCI bus. @param sys where the tree begins */
export function plugIn(sys: string, { address, driver, vendor, device, subsystemVendor }: PlugIn): void {
  const card = join(sys, 'bus/pci/devices', address);
  const drivers = join(sys, 'bus/pci/drivers', driver);
  for (const folder of [card, drivers, join(sys, 'block')]) mkdirSync(folder, { recursive: true });
  symlinkSync(drivers, join(card, 'driver'));
  for (const [file, text] of Object.entries({ vendor, device, subsystem_vendor: subsystemVendor }))
    writeFileSync(join(card, file), `${text}\n`);
}

export interface SysDisk {
  readonly address: string;
  readonly serialNumber: string;
  readonly naa: string;
  readonly model: string;
  readonly sizeBytes: number;
}

/** A disk, or a logical drive, by the next free name. @returns its name */
export function addDisk(sys: string, { address, serialNumber, naa, model, sizeBytes }: SysDisk): string {
  const names = 'abcdefghijklmnopqrstuvwxyz'.split('').map((letter) => `sd${letter}`);
  const name = names.find((each) => !existsSync(join(sys, 'block', each)))!;
  const device = join(sys, 'devices/pci0000:00', address, `host0/target0:2:${names.indexOf(name)}`);
  const block = join(sys, 'block', name);
  mkdirSync(device, { recursive: true });
  mkdirSync(join(block, 'queue'), { recursive: true });
  symlinkSync(device, join(block, 'device'));
  const page = Buffer.concat([Buffer.from([0, 0x80, 0, serialNumber.length]), Buffer.from(serialNumber)]);
  writeFileSync(join(device, 'vpd_pg80'), page);
  writeFileSync(join(device, 'wwid'), `naa.${naa}\n`);
  writeFileSync(join(device, 'model'), `${model.padEnd(16)}\n`);
  writeFileSync(join(block, 'queue/rotational'), '0\n');
  writeFileSync(join(block, 'removable'), '0\n');
  writeFileSync(join(block, 'size'), `${sizeBytes / SECTOR_BYTES}\n`);
  return name;
}

export function removeDisk(sys: string, name: string): void {
  rmSync(join(sys, 'block', name), { recursive: true });
}

export const diskNames = (sys: string): string[] => readdirSync(join(sys, 'block')).sort();

/** An NAA identifier of the vendor's, the same for the same label. */
export const naaOf = (prefix: string, label: string): string =>
  `${prefix}${createHash('sha256').update(label).digest('hex')}`.slice(0, 32);
