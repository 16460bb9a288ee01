// Partition tables and file systems on a disk or an array, by sfdisk and the file systems' own tools.
//
// Source: sfdisk(8), "Input formats"; mke2fs(8), mkfs.xfs(8), mkfs.fat(8), mkswap(8).
import type { FileSystem, Partition } from '../../provision/volumes/partitions.ts';
import { AgentError } from '../errors.ts';
import { CommandError, run } from './command.ts';

const SECTOR_BYTES = 512;

/** The tool and what it is told, before the partition. */
const MAKERS: Record<FileSystem, readonly [command: string, ...args: string[]]> = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  vfat: ['mkfs.vfat'],
  swap: ['mkswap'],
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

/** Unique GUIDs, in lower case, in what `sfdisk --dump` says. */
export const tableIds = (dump: string): string[] =>
  [...dump.matchAll(/\buuid=([0-9A-Fa-f-]+)/g)].map(([, id]) => id!.toLowerCase());

/** @throws AgentError DiskFailed */
export async function format(path: string, partitions: readonly Partition[], signal: AbortSignal): Promise<void> {
  try {
    // Nothing of what was there before may show through.
    const args = ['--quiet', '--wipe=always', '--wipe-partitions=always', '--no-reread', path];
    await run('sfdisk', args, { signal, input: tableScript(partitions) });
    await run('blockdev', ['--rereadpt', path], { signal });
    for (const [index, { fileSystem }] of partitions.entries()) {
      if (!fileSystem) continue;
      const [command, ...options] = MAKERS[fileSystem];
      await run(command, [...options, partitionPath(path, index + 1)], { signal });
    }
    await run('blockdev', ['--flushbufs', path], { signal });
  } catch (error) {
    if (error instanceof CommandError) throw new AgentError('DiskFailed', error.message, { cause: error });
    throw error;
  }
}

export async function partitionIds(path: string, signal: AbortSignal): Promise<string[]> {
  try {
    await run('blockdev', ['--flushbufs', path], { signal });
    return tableIds(await run('sfdisk', ['--dump', path], { signal }));
  } catch (error) {
    // It says so by its exit status that there is no table.
    if (error instanceof CommandError) return [];
    throw error;
  }
}
