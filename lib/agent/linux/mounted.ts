// File systems for as long as somebody works on them: one, or all of a system's in one folder.
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mount } from '../../provision/volumes/partitions.ts';
import { AgentError } from '../errors.ts';
import { run } from './command.ts';
import { tableEntries } from './partitions.ts';

export interface MountOptions {
  readonly signal: AbortSignal;
  readonly readOnly?: boolean;
}

/** @throws CommandError where there is no file system of this type; what the work throws */
export async function mounted<T>(
  partition: string,
  type: string,
  options: MountOptions,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mount-'));
  try {
    return await mountedAt(partition, type, folder, options, () => work(folder));
  } finally {
    await rmdir(folder);
  }
}

/** Mounts what is to be mounted of the partitions on a disk, in the order given: what is in a folder behind that. */
export async function mountedAll<T>(
  path: string,
  mounts: readonly Mount[],
  options: MountOptions,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const found = await tableEntries(path, options.signal);
  const nodes = mounts
    .filter(({ mountPoint }) => mountPoint !== undefined)
    .map(({ id, fileSystem, mountPoint }) => {
      const node = found.find((entry) => entry.id === id)?.path;
      if (node === undefined) throw new AgentError('NoSystem', `the partition ${id} is not on ${path}`);
      return { node, fileSystem, mountPoint: mountPoint! };
    });
  const folder = await mkdtemp(join(tmpdir(), 'system-'));
  const from = async (index: number): Promise<T> => {
    const next = nodes[index];
    if (!next) return work(folder);
    const place = join(folder, next.mountPoint);
    if (!options.readOnly) await mkdir(place, { recursive: true });
    return mountedAt(next.node, next.fileSystem, place, options, () => from(index + 1));
  };
  try {
    return await from(0);
  } finally {
    await rmdir(folder);
  }
}

async function mountedAt<T>(
  partition: string,
  type: string,
  folder: string,
  { signal, readOnly }: MountOptions,
  work: () => Promise<T>,
): Promise<T> {
  await run('mount', [...(readOnly ? ['-r'] : []), '-t', type, partition, folder], { signal });
  try {
    return await work();
  } finally {
    // Without the task's signal: what was mounted must not stay so. umount writes everything out.
    await run('umount', [folder]);
  }
}
