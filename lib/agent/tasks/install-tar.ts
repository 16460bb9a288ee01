// Writing an image that is a tar: partitions, file systems, its files, and last of all what the firmware boots.
//
// Until then there is no boot loader on the disk, so that what comes before may fail anywhere: the digest of the download may
// be wrong, or a file read back may be another one. Of what failed no partition table is left either.
import { createHash } from 'node:crypto';
import type { SystemOrder, TaskResults } from '../../provision/protocol.ts';
import type { Mount } from '../../provision/volumes/partitions.ts';
import { layOutSystem, systemMounts } from '../../provision/volumes/system-partitions.ts';
import { AgentError } from '../errors.ts';
import type { ImageContent } from '../image-content.ts';
import { readingTar, TarReader } from '../tar.ts';
import type { Target } from '../target.ts';
import { clearEnds } from './disk-ends.ts';
import type { TaskContext } from './table.ts';

/** Share of the whole that the download and its unpacking take; the rest is reading back. */
const UNPACKED_PERCENT = 70;

/** @throws AgentError */
export async function installTar(
  { partitions: wishes, kernelArguments }: SystemOrder,
  source: ImageContent,
  disk: Target,
  context: TaskContext,
): Promise<TaskResults['write-image']> {
  const { hardware, progress, signal } = context;
  const { serialNumber } = disk;
  const partitions = placed(() => layOutSystem(wishes, disk.sizeBytes));
  const mounts = systemMounts(wishes);
  await clearEnds(hardware, disk, signal);
  await hardware.format(serialNumber, partitions, signal);
  try {
    const { files, ...unpacked } = await unpack(source, disk, mounts, context);
    await verifyFiles(files, disk, mounts, context);
    await hardware.makeBootable(serialNumber, mounts, kernelArguments, signal);
    progress(100);
    return { diskSerialNumber: serialNumber, ...unpacked };
  } catch (error) {
    // Not with the task's signal, which may be why we are here.
    await clearEnds(hardware, disk, new AbortController().signal);
    throw error;
  }
}

/** Gives what the files are, the length of the archive, and its digest. */
async function unpack(
  source: ImageContent,
  { serialNumber }: Target,
  mounts: readonly Mount[],
  { hardware, progress, signal }: TaskContext,
): Promise<{ files: ReadonlyMap<string, string>; bytes: number; sha256: string }> {
  const reader = new TarReader();
  const content = source.isDigestOfContent ? undefined : createHash('sha256');
  let bytes = 0;
  async function* counted(archive: AsyncIterable<Uint8Array>) {
    for await (const chunk of archive) {
      content?.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const digest = await source.read(
    (archive) => hardware.unpack(serialNumber, mounts, readingTar(counted(archive), reader), signal),
    (percent) => progress((percent / 100) * UNPACKED_PERCENT),
  );
  return { files: reader.files, bytes, sha256: content?.digest('hex') ?? digest };
}

async function verifyFiles(
  files: ReadonlyMap<string, string>,
  { serialNumber }: Target,
  mounts: readonly Mount[],
  { hardware, progress, signal }: TaskContext,
): Promise<void> {
  let read = 0;
  const compare = (path: string, digest: string | undefined) => {
    if (digest !== files.get(path))
      throw new AgentError('ReadBackMismatch', `the disk gives back another ${path} than was unpacked`);
    progress(UNPACKED_PERCENT + (++read / files.size) * (99 - UNPACKED_PERCENT));
  };
  await hardware.fileDigests(serialNumber, mounts, files.keys(), compare, signal);
}

function placed<T>(place: () => T): T {
  try {
    return place();
  } catch (error) {
    if (error instanceof RangeError) throw new AgentError('ImageTooLarge', error.message);
    throw error;
  }
}
