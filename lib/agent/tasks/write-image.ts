// Write image: streams an image onto a disk, checks it on the way and on the disk, and makes it bootable last of all.
//
// A disk boots by what stands at its beginning (boot sector, partition table) or, with UEFI, by the table's copy at its
// end. So both ends are cleared first, the beginning of the image is held back in memory, and it is written only after
// the digest of the download was right and the rest was read back. Whatever fails or loses power before leaves a disk
// that no firmware boots: neither the system that was on it, nor half of the new one.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { WriteImageTask } from '../../provision/protocol.ts';
import { download } from '../download.ts';
import { AgentError, reason } from '../errors.ts';
import type { Hardware } from '../hardware.ts';
import { openQcow2 } from '../qcow2-stream.ts';
import { findTarget, type Target } from '../target.ts';
import { unxz } from '../xz.ts';
import type { RunTask, TaskContext } from './table.ts';

/** Boot sector, partition table with its entries, and a BIOS boot loader's core behind them. */
const HEAD_BYTES = 1024 * 1024;
/** Share of the whole that the download and its writing take; the rest is reading back. */
const WRITTEN_PERCENT = 80;

export const writeImage: RunTask<'write-image'> = async (task, context) => {
  const { hardware, progress, signal } = context;
  const { diskSerialNumber } = task;
  checkSupported(task.image);
  const disk = await findTarget(hardware, diskSerialNumber, signal);
  const { format, url, sha256: digest } = task.image;
  const source = format === 'qcow2' ? await openQcow2(url, digest, signal) : await download(url, { signal });
  await clearEnds(hardware, disk, signal);
  const written = await receive(task, source, disk, context);
  const sha256 = await verifyRest(written, diskSerialNumber, context);
  try {
    await hardware.write(diskSerialNumber, 0, once(written.head), signal);
    await verifyHead(written.head, diskSerialNumber, context);
  } catch (error) {
    // Not with the task's signal, which may be why we are here.
    await hardware.write(diskSerialNumber, 0, once(Buffer.alloc(HEAD_BYTES)), new AbortController().signal);
    throw error;
  }
  progress(100);
  return { diskSerialNumber, bytes: written.bytes, sha256 };
};

interface Written {
  readonly head: Buffer;
  readonly bytes: number;
  /** Of what was written, hex. */
  readonly sha256: string;
}

function checkSupported({ format, compression }: WriteImageTask['image']): void {
  if (format === 'raw') return;
  if (format === 'qcow2' && compression === 'none') return;
  throw new AgentError('UnsupportedImage', `this agent writes no ${format} image with compression ${compression}`);
}

async function clearEnds(hardware: Hardware, disk: Target, signal: AbortSignal): Promise<void> {
  const bytes = Math.min(HEAD_BYTES, disk.sizeBytes);
  await hardware.write(disk.serialNumber, 0, once(Buffer.alloc(bytes)), signal);
  await hardware.write(disk.serialNumber, disk.sizeBytes - bytes, once(Buffer.alloc(bytes)), signal);
}

/** Downloads, unpacks and writes all but the head. */
async function receive(
  { image, diskSerialNumber }: WriteImageTask,
  source: { totalBytes: number | undefined; chunks: AsyncIterable<Uint8Array> },
  disk: Target,
  { hardware, progress, signal }: TaskContext,
): Promise<Written> {
  if (image.compression === 'none' && (source.totalBytes ?? 0) > disk.sizeBytes) throw tooLarge(disk);
  const packed = createHash('sha256');
  // What is not packed is hashed once: that is most of the work of a small processor.
  const isPacked = image.compression !== 'none';
  let received = 0;
  async function* downloaded() {
    for await (const chunk of source.chunks) {
      packed.update(chunk);
      received += chunk.length;
      if (source.totalBytes) progress((received / source.totalBytes) * WRITTEN_PERCENT);
      yield chunk;
    }
  }
  const content = createHash('sha256');
  let bytes = 0;
  let head = Buffer.alloc(0);
  const write = async (unpacked: AsyncIterable<Uint8Array>) => {
    async function* rest() {
      for await (const chunk of unpacked) {
        if (isPacked) content.update(chunk);
        bytes += chunk.length;
        if (bytes > disk.sizeBytes) throw tooLarge(disk);
        const missing = HEAD_BYTES - head.length;
        if (missing > 0) head = Buffer.concat([head, chunk.subarray(0, missing)]);
        if (chunk.length > missing) yield chunk.subarray(Math.max(0, missing));
      }
    }
    await hardware.write(diskSerialNumber, HEAD_BYTES, rest(), signal);
  };
  try {
    if (image.compression === 'none') await write(downloaded());
    else if (image.compression === 'xz') await write(unxz(downloaded(), signal));
    else await pipeline(downloaded, unpacker(image.compression), write, { signal });
  } catch (error) {
    throw isUnpackError(error)
      ? new AgentError('UnsupportedImage', `the image is not whole ${image.compression}: ${reason(error)}`, {
          cause: error,
        })
      : error;
  }
  const digest = packed.digest('hex');
  // What comes out of a qcow2 file was checked before it came out.
  if (image.format !== 'qcow2' && digest !== image.sha256.toLowerCase()) {
    throw new AgentError('ImageDigestMismatch', `the image’s SHA-256 is ${digest}, not ${image.sha256}`);
  }
  return { head, bytes, sha256: isPacked ? content.digest('hex') : digest };
}

function unpacker(compression: 'gzip' | 'zstd') {
  return compression === 'gzip' ? createGunzip() : createZstdDecompress();
}

/** node:zlib's errors: Z_DATA_ERROR, ZSTD_error_prefix_unknown and their like. */
function isUnpackError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^Z(STD)?_/.test(code);
}

/** Reads everything but the head back, and gives the digest of head and that. */
async function verifyRest(written: Written, serialNumber: string, context: TaskContext): Promise<string> {
  const { hardware, progress, signal } = context;
  const { head, bytes } = written;
  const found = createHash('sha256').update(head);
  const rest = bytes - head.length;
  let read = 0;
  if (rest > 0) {
    for await (const chunk of hardware.read(serialNumber, head.length, rest, signal)) {
      found.update(chunk);
      read += chunk.length;
      progress(WRITTEN_PERCENT + (read / rest) * (99 - WRITTEN_PERCENT));
    }
  }
  const digest = found.digest('hex');
  if (digest === written.sha256) return digest;
  throw new AgentError('ReadBackMismatch', `the disk gives back ${digest} for what was written as ${written.sha256}`);
}

async function verifyHead(head: Buffer, serialNumber: string, { hardware, signal }: TaskContext): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of hardware.read(serialNumber, 0, head.length, signal)) chunks.push(chunk);
  if (Buffer.concat(chunks).equals(head)) return;
  throw new AgentError('ReadBackMismatch', 'the disk gives back another beginning than was written');
}

function tooLarge(disk: Target): AgentError {
  return new AgentError(
    'ImageTooLarge',
    `the image is larger than the disk ${disk.serialNumber}: ${disk.sizeBytes} bytes`,
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
