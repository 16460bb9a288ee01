// Bytes of a block device: written through one exclusive handle and synced, read from the medium and not from a cache.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AgentError } from '../errors.ts';
import { run } from './command.ts';

const BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Gathers what comes into large writes, since each has its price. O_EXCL: not while the device or a part of it is mounted.
 *
 * @throws AgentError ImageTooLarge beyond the end, DiskFailed for what the device refuses; the source's errors as they are.
 */
export async function writeDevice(
  path: string,
  offset: number,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const device = await open(path, constants.O_WRONLY | constants.O_EXCL).catch((error: unknown) =>
    diskError(path, error),
  );
  try {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    let filled = 0;
    let at = offset;
    const flush = async () => {
      signal.throwIfAborted();
      await writeAll(device, buffer.subarray(0, filled), at).catch((error: unknown) => diskError(path, error));
      at += filled;
      filled = 0;
    };
    for await (const chunk of source) {
      for (let done = 0; done < chunk.length; ) {
        const part = chunk.subarray(done, done + BUFFER_BYTES - filled);
        buffer.set(part, filled);
        filled += part.length;
        done += part.length;
        if (filled === BUFFER_BYTES) await flush();
      }
    }
    await flush();
    await device.sync().catch((error: unknown) => diskError(path, error));
    return at - offset;
  } finally {
    await device.close();
  }
}

/** Exactly so many bytes. The kernel's cache of the device is dropped first: it would give back what it was given. */
export async function* readDevice(
  path: string,
  offset: number,
  bytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await run('blockdev', ['--flushbufs', path], { signal });
  const device = await open(path, constants.O_RDONLY).catch((error: unknown) => diskError(path, error));
  try {
    for (let at = offset; at < offset + bytes; ) {
      signal.throwIfAborted();
      // A new one each time: whoever reads may still be looking at the last.
      const buffer = Buffer.allocUnsafe(Math.min(BUFFER_BYTES, offset + bytes - at));
      const { bytesRead } = await device
        .read(buffer, 0, buffer.length, at)
        .catch((error: unknown) => diskError(path, error));
      if (bytesRead === 0) throw new AgentError('DiskFailed', `${path} ends at ${at}, before ${offset + bytes}`);
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await device.close();
  }
}

async function writeAll(device: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await device.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function diskError(path: string, cause: unknown): never {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EFBIG')
    throw new AgentError('ImageTooLarge', `beyond the end of ${path}`, { cause });
  throw new AgentError('DiskFailed', `${path}: ${message}`, { cause });
}
