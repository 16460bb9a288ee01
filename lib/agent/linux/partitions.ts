// Partition tables and file systems on a disk or an array, by sfdisk and the file systems' own tools.
//
// Source: sfdisk(8), "Input formats"; mke2fs(8), mkfs.xfs(8), mkfs.fat(8), mkswap(8).
import type { FileSystem, Partition } from '../../provision/volumes/partitions.ts';
import { AgentError } from '../errors.ts';
import { CommandError, run } from './command.ts';

const SECTOR_BYTES = 512;

/** What GRUB does not read of what mkfs.ext4 makes by itself, where that is newer. */
const EXT4_WITHOUT = '^metadata_csum_seed,^orphan_file';

/** The tool and what it is told, before the partition. A file system is known by the same GUID as its partition is. */
const MAKERS: Record<FileSystem, (id: string) => readonly [command: string, ...args: string[]]> = {
  ext4: (id) => ['mkfs.ext4', '-q', '-F', '-O', EXT4_WITHOUT, '-U', id],
  xfs: (id) => ['mkfs.xfs', '-q', '-f', '-m', `uuid=${id}`],
  // It has room for half of that.
  vfat: (id) => ['mkfs.vfat', '-i', id.slice(0, 8)],
  // busybox's, which gives it one of its own.
  swap: () => ['mkswap'],
};

/** The kernel's name of a partition: sda1, but md100p1 and nvme0n1p1. */
export const partitionPath = (path: string, number: number): string => `${path}${/\d$/.test(path) ? 'p' : ''}${number}`;

/** What sfdisk reads. */
export function tableScript(partitions: readonly Partition[]): string {
  const lines = partitions.map(({ id, type, startBytes, sizeBytes }) => {
    return `start=${startBytes / SECTOR_BYTES}, size=${sizeBytes / SECTOR_BYTES}, type=${type}, uuid=${id}`;
  });
  return ['label: gpt', ...lines, ''].join('\n');
}

export interface TableEntry {
  /** The kernel's node. */
  readonly path: string;
  readonly startBytes: number;
  /** Partition type GUID, in upper case. */
  readonly type: string;
  /** Unique partition GUID, in lower case. */
  readonly id: string;
}

/** Of what `sfdisk --dump` says: one line for each partition. */
export function parseTable(dump: string): TableEntry[] {
  const line = /^(\S+) : start= *(\d+),.*\btype=([^,\s]+).*\buuid=([0-9A-Fa-f-]+)/gm;
  return [...dump.matchAll(line)].map(([, path, start, type, id]) => ({
    path: path!,
    startBytes: Number(start) * SECTOR_BYTES,
    type: type!.toUpperCase(),
    id: id!.toLowerCase(),
  }));
}

/** @throws AgentError DiskFailed */
export async function format(path: string, partitions: readonly Partition[], signal: AbortSignal): Promise<void> {
  try {
    // Nothing of what was there before may show through.
    const args = ['--quiet', '--wipe=always', '--wipe-partitions=always', '--no-reread', path];
    await run('sfdisk', args, { signal, input: tableScript(partitions) });
    await run('blockdev', ['--rereadpt', path], { signal });
    for (const [index, { id, fileSystem }] of partitions.entries()) {
      if (!fileSystem) continue;
      const [command, ...options] = MAKERS[fileSystem](id);
      await run(command, [...options, partitionPath(path, index + 1)], { signal });
    }
    await run('blockdev', ['--flushbufs', path], { signal });
  } catch (error) {
    if (error instanceof CommandError) throw new AgentError('DiskFailed', error.message, { cause: error });
    throw error;
  }
}

/** None where there is no table. */
export async function tableEntries(path: string, signal: AbortSignal): Promise<TableEntry[]> {
  try {
    await run('blockdev', ['--flushbufs', path], { signal });
    return parseTable(await run('sfdisk', ['--dump', path], { signal }));
  } catch (error) {
    // It says so by its exit status that there is no table.
    if (error instanceof CommandError) return [];
    throw error;
  }
}
