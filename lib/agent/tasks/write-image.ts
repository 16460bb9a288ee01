// Write image: streams an image onto a disk, checks it on the way and on the disk, and makes it bootable last of all.
//
// A disk boots by what stands at its beginning (boot sector, partition table) or, with UEFI, by the table's copy at its
// end. So both ends are cleared first, the beginning of the image is held back in memory, and it is written only after
// the digest of the download was right and the rest was read back. Whatever fails or loses power before leaves a disk
// that no firmware boots: neither the system that was on it, nor half of the new one.
import { createHash } from 'node:crypto';
import type { WriteImageTask } from '../../provision/protocol.ts';
import { AgentError } from '../errors.ts';
import { type ImageContent, openImage } from '../image-content.ts';
import { findTarget, type Target } from '../target.ts';
import { clearEnds, HEAD_BYTES, once } from './disk-ends.ts';
import { installTar } from './install-tar.ts';
import type { RunTask, TaskContext } from './table.ts';

/** Share of the whole that the download and its writing take; the rest is reading back. */
const WRITTEN_PERCENT = 80;

export const writeImage: RunTask<'write-image'> = async (task, context) => {
  const { hardware, progress, signal } = context;
  const { diskSerialNumber, image } = task;
  checkSupported(image);
  const disk = await findTarget(hardware, diskSerialNumber, signal);
  const source = await openImage(image, signal);
  if (image.system) return installTar(image.system, source, disk, context);
  await clearEnds(hardware, disk, signal);
  const written = await receive(source, disk, context);
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

function checkSupported({ format, compression, system }: WriteImageTask['image']): void {
  if (format === 'raw' && !system) return;
  if (format === 'qcow2' && compression === 'none' && !system) return;
  if (format === 'tar' && system) return;
  throw new AgentError('UnsupportedImage', `this agent writes no ${format} image with compression ${compression}`);
}

/** Downloads, unpacks and writes all but the head. */
async function receive(
  source: ImageContent,
  disk: Target,
  { hardware, progress, signal }: TaskContext,
): Promise<Written> {
  if ((source.bytes ?? 0) > disk.sizeBytes) throw tooLarge(disk);
  // What is not packed is hashed once: that is most of the work of a small processor.
  const content = source.isDigestOfContent ? undefined : createHash('sha256');
  let bytes = 0;
  let head = Buffer.alloc(0);
  const write = async (unpacked: AsyncIterable<Uint8Array>) => {
    async function* rest() {
      for await (const chunk of unpacked) {
        content?.update(chunk);
        bytes += chunk.length;
        if (bytes > disk.sizeBytes) throw tooLarge(disk);
        const missing = HEAD_BYTES - head.length;
        if (missing > 0) head = Buffer.concat([head, chunk.subarray(0, missing)]);
        if (chunk.length > missing) yield chunk.subarray(Math.max(0, missing));
      }
    }
    await hardware.write(disk.serialNumber, HEAD_BYTES, rest(), signal);
  };
  const digest = await source.read(write, (percent) => progress((percent / 100) * WRITTEN_PERCENT));
  return { head, bytes, sha256: content?.digest('hex') ?? digest };
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
