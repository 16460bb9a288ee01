// What is put beside an image: the seed on a partition of its own, a password hash in the system's /etc/shadow, the volumes
// that it mounts in its /etc/fstab.
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SeedFiles } from '../../provision/protocol.ts';
import { fstabWith, type Mount } from '../../provision/volumes/partitions.ts';
import { AgentError } from '../errors.ts';
import { CommandError, run } from './command.ts';
import { mounted } from './mounted.ts';
import { exists, list, readNumber } from './sysfs.ts';

/** cloud-init's NoCloud looks for a file system of this label. */
const LABEL = 'CIDATA';
const SECTOR_BYTES = 512;
const SEED_SECTORS = (4 * 1024 * 1024) / SECTOR_BYTES;
/** Partitions begin at a multiple of this; as much stays free at the end, for the table's copy. */
const ALIGNMENT = 2048;
const FILE_SYSTEMS = ['ext4', 'xfs', 'btrfs'];

/** Makes or finds the seed's partition and writes the files to it. @throws AgentError NoSystem without a partition table. */
export async function putSeed(path: string, files: SeedFiles, signal: AbortSignal): Promise<void> {
  await run('blockdev', ['--rereadpt', path], { signal });
  const partition = (await findLabel(path)) ?? (await lastPartition(path, signal));
  await run('mkfs.vfat', ['-n', LABEL, partition], { signal });
  await mounted(partition, 'vfat', { signal }, async (folder) => {
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, basename(name)), content, { flush: true });
  });
}

/** @throws AgentError NoSystem where no partition holds an /etc/shadow with that user. */
export async function putPassword(path: string, user: string, hash: string, signal: AbortSignal): Promise<void> {
  const put = async (root: string) => {
    const file = join(root, 'etc/shadow');
    const changed = withPassword(await readFile(file, 'utf8'), user, hash, new Date());
    if (changed !== undefined) await replaceFile(file, changed, signal);
    return changed !== undefined;
  };
  if (!(await inSystem(path, put, signal)))
    throw new AgentError('NoSystem', `no system with a user ${user} on ${path}`);
}

/**
 * That a system on an array knows arrays. One that does not would mount one of the mirror's disks for itself: it boots, and
 * from then on the disks differ.
 *
 * @throws AgentError NoSystem, or UnsupportedImage
 */
export async function requireArrayTools(path: string, signal: AbortSignal): Promise<void> {
  let isThere = false;
  const look = async (root: string) => {
    isThere = (await exists(join(root, 'sbin/mdadm'))) || (await exists(join(root, 'usr/sbin/mdadm')));
    return true;
  };
  if (!(await inSystem(path, look, signal))) throw new AgentError('NoSystem', `no system on ${path}`);
  if (!isThere)
    throw new AgentError('UnsupportedImage', 'the image has no mdadm, without which it cannot run from an array');
}

/** @throws AgentError NoSystem where no partition holds an /etc/shadow. */
export async function putMounts(path: string, mounts: readonly Mount[], signal: AbortSignal): Promise<void> {
  const put = async (root: string) => {
    const file = join(root, 'etc/fstab');
    const before = (await exists(file)) ? await readFile(file, 'utf8') : '';
    for (const { mountPoint } of mounts) if (mountPoint) await mkdir(join(root, mountPoint), { recursive: true });
    if (before === '') await writeFile(file, '', { mode: 0o644 });
    await replaceFile(file, fstabWith(before, mounts), signal);
    return true;
  };
  if (!(await inSystem(path, put, signal))) throw new AgentError('NoSystem', `no system on ${path}`);
}

/** Works on the root of each system on the disk, until one is found to be it. */
async function inSystem(path: string, work: (root: string) => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  await run('blockdev', ['--rereadpt', path], { signal });
  for (const partition of await partitions(path)) {
    for (const type of FILE_SYSTEMS) {
      try {
        const isIt = async (root: string) => (await exists(join(root, 'etc/shadow'))) && work(root);
        if (await mounted(partition, type, { signal }, isIt)) return true;
      } catch (error) {
        // Not a file system of this type.
        if (!(error instanceof CommandError)) throw error;
      }
    }
  }
  return false;
}

/** Whole or not at all, with owner and rights as they are. */
async function replaceFile(file: string, content: string, signal: AbortSignal): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  const draft = `${file}.bmp`;
  await writeFile(draft, content, { mode: mode & 0o777, flush: true });
  await run('chown', [`${uid}:${gid}`, draft], { signal });
  await rename(draft, file);
}

/** The shadow file with that user's hash changed, all else as it was; undefined when it has no such user. shadow(5) */
export function withPassword(shadow: string, user: string, hash: string, now: Date): string | undefined {
  const days = Math.floor(now.getTime() / 86_400_000);
  let found = false;
  const lines = shadow.split('\n').map((line) => {
    const fields = line.split(':');
    if (fields[0] !== user || fields.length < 3) return line;
    found = true;
    return [user, hash, days, ...fields.slice(3)].join(':');
  });
  return found ? lines.join('\n') : undefined;
}

async function partitions(path: string): Promise<string[]> {
  const disk = basename(path);
  const names = (await list(`/sys/block/${disk}`)).filter((name) => name.startsWith(disk));
  return names.map((name) => `/dev/${name}`);
}

async function findLabel(path: string): Promise<string | undefined> {
  for (const partition of await partitions(path)) {
    const device = await open(partition);
    try {
      const { buffer } = await device.read(Buffer.alloc(SECTOR_BYTES), 0, SECTOR_BYTES, 0);
      if (fatLabel(buffer) === LABEL) return partition;
    } finally {
      await device.close();
    }
  }
  return undefined;
}

/** Of a FAT file system by its first sector, in capitals; undefined where there is none. ECMA-107 §9, and FAT32 alike. */
export function fatLabel(sector: Buffer): string | undefined {
  if (sector.readUInt16LE(SECTOR_BYTES - 2) !== 0xaa55) return undefined;
  const text = (at: number, length: number) =>
    sector
      .toString('latin1', at, at + length)
      .trim()
      .toUpperCase();
  if (text(82, 5) === 'FAT32') return text(71, 11);
  return text(54, 3) === 'FAT' ? text(43, 11) : undefined;
}

/** At the very end, so that the system may grow up to it. What an interrupted try has made is found again. */
async function lastPartition(path: string, signal: AbortSignal): Promise<string> {
  if ((await partitions(path)).length === 0) throw new AgentError('NoSystem', `there is no partition table on ${path}`);
  const sectors = (await readNumber(`/sys/block/${basename(path)}/size`)) ?? 0;
  const start = Math.floor((sectors - SEED_SECTORS - ALIGNMENT) / ALIGNMENT) * ALIGNMENT;
  const place = new RegExp(`^(/dev/\\S+) : start= *${start}, size= *${SEED_SECTORS},`, 'm');
  const before = await run('sfdisk', ['--dump', path], { signal });
  const made = place.exec(before)?.[1];
  if (made !== undefined) return made;
  // An image is smaller than its disk: the GPT's copy, where there is one, has to move to the end first.
  if (/^label: gpt/m.test(before)) await run('sfdisk', ['--relocate', 'gpt-bak-std', path], { signal });
  const line = `start=${start}, size=${SEED_SECTORS}, type=L\n`;
  await run('sfdisk', ['--append', '--no-reread', path], { signal, input: line });
  await run('blockdev', ['--rereadpt', path], { signal });
  const added = place.exec(await run('sfdisk', ['--dump', path], { signal }))?.[1];
  if (added === undefined) throw new AgentError('DiskFailed', `the seed's partition on ${path} did not appear`);
  return added;
}
