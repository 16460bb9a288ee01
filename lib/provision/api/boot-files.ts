// The files that firmware and iPXE load over plain HTTP: the live OS's kernel and initrd, and iPXE itself. One folder,
// flat; nothing in it is secret.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export interface BootFile {
  readonly bytes: number;
  readonly stream: Readable;
}

/** Undefined where there is no such file, or no such name could be one. */
export async function openBootFile(folder: string, name: string): Promise<BootFile | undefined> {
  if (!/^\w[\w.-]{0,100}$/.test(name)) return undefined;
  try {
    const file = await open(join(folder, name));
    const found = await file.stat();
    if (!found.isFile()) {
      await file.close();
      return undefined;
    }
    return { bytes: found.size, stream: file.createReadStream() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
