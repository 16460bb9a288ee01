// The disks of this machine, as sysfs tells of them.
//
// Source: the kernel's Documentation/ABI (sysfs-block, sysfs-nvme); SPC-5 §7.7.18 (unit serial number page, 0x80).
import type { DiskFacts } from '../../provision/protocol.ts';
import { AgentError } from '../errors.ts';
import { list, readBytes, readNumber, readText, resolved } from './sysfs.ts';

/** sysfs counts sectors of this size whatever the disk's own is. */
const SECTOR_BYTES = 512;

export type Disk = DiskFacts & { readonly path: string };

export interface BlockDevice {
  /** Kernel name. */
  readonly name: string;
  readonly sizeBytes: number;
  /** NAA identifier, lower-case hex. */
  readonly naa?: string;
  /** PCI addresses on the way to it. */
  readonly addresses: readonly string[];
}

/** What hangs on SCSI, disks and logical drives alike, whether or not it tells a serial number. @param sys where sysfs is */
export async function blockDevices(sys: string): Promise<BlockDevice[]> {
  const names = (await list(`${sys}/block`)).filter((name) => name.startsWith('sd'));
  return Promise.all(
    names.map(async (name): Promise<BlockDevice> => {
      const device = `${sys}/block/${name}/device`;
      const wwid = await readText(`${device}/wwid`);
      return {
        name,
        sizeBytes: ((await readNumber(`${sys}/block/${name}/size`)) ?? 0) * SECTOR_BYTES,
        ...(wwid?.startsWith('naa.') && { naa: wwid.slice('naa.'.length).toLowerCase() }),
        addresses: (await resolved(device))?.match(/[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/g) ?? [],
      };
    }),
  );
}

/**
 * Every disk that could be written to: no partitions, no RAID or loop devices, nothing removable, nothing empty. What a RAID
 * controller makes of its disks looks like one, too.
 * @param sys where sysfs is
 */
export async function listDisks(sys = '/sys'): Promise<DiskFacts[]> {
  const names = (await list(`${sys}/block`)).filter((name) => /^(sd|vd|nvme\d+n)/.test(name));
  const disks = await Promise.all(names.map((name) => diskFacts(name, `${sys}/block/${name}`)));
  return disks.filter((disk) => disk !== undefined);
}

/** The one disk with that serial number, of these. @throws AgentError DiskMissing where there are several. */
export function theDisk(disks: readonly DiskFacts[], serialNumber: string): Disk | undefined {
  const [disk, ...others] = disks.filter((each) => each.serialNumber === serialNumber);
  if (others.length > 0) throw new AgentError('DiskMissing', `several disks have the serial number ${serialNumber}`);
  return disk && { ...disk, path: `/dev/${disk.name}` };
}

/** That there is one. @throws AgentError DiskMissing */
export function required(disk: Disk | undefined, serialNumber: string): Disk {
  if (!disk) throw new AgentError('DiskMissing', `no disk has the serial number ${serialNumber}`);
  return disk;
}

async function diskFacts(name: string, block: string): Promise<DiskFacts | undefined> {
  const sizeBytes = ((await readNumber(`${block}/size`)) ?? 0) * SECTOR_BYTES;
  const serialNumber = await serial(block);
  const removable = (await readNumber(`${block}/removable`)) === 1;
  // What has no serial number cannot be told from the next one: it must not be written to.
  if (sizeBytes === 0 || serialNumber === undefined || removable) return undefined;
  const device = (await resolved(`${block}/device`)) ?? '';
  const wwn = worldWideName((await readText(`${block}/device/wwid`)) ?? (await readText(`${block}/wwid`)));
  const hctl = /^\d+:\d+:\d+:\d+$/.test(device.split('/').at(-1) ?? '') ? device.split('/').at(-1) : undefined;
  return {
    name,
    serialNumber,
    ...(wwn !== undefined && { wwn }),
    model: (await readText(`${block}/device/model`)) ?? 'unknown',
    ...(hctl !== undefined && { hctl }),
    sizeBytes,
    rotational: (await readNumber(`${block}/queue/rotational`)) === 1,
    transport: transport(name, device),
  };
}

async function serial(block: string): Promise<string | undefined> {
  const page = await readBytes(`${block}/device/vpd_pg80`);
  if (page && page.length > 4) {
    const length = page.readUInt16BE(2);
    return (
      page
        .toString('latin1', 4, 4 + length)
        .replaceAll('\0', '')
        .trim() || undefined
    );
  }
  return (await readText(`${block}/serial`)) ?? readText(`${block}/device/serial`);
}

/** As udev writes it: 0x and the NAA number; NVMe's eui. and uuid. as they are. */
function worldWideName(wwid: string | undefined): string | undefined {
  if (wwid === undefined || wwid.startsWith('t10.') || wwid.startsWith('nvme.')) return undefined;
  return wwid.startsWith('naa.') ? `0x${wwid.slice('naa.'.length)}` : wwid;
}

function transport(name: string, device: string): DiskFacts['transport'] {
  if (name.startsWith('nvme')) return 'nvme';
  if (name.startsWith('vd')) return 'virtio';
  return /\/ata\d+\//.test(device) ? 'sata' : 'sas';
}
