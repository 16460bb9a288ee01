// The disk that a qcow2 file holds, as a stream from its first byte to its last, without room for the file.
//
// The file is read twice: once to its end, to check its digest and to note one of each block; then in the order of the
// disk, each block held against what was noted. So nothing is given out that the file's digest does not vouch for, whatever
// a mirror sends the second time.
import { createHash } from 'node:crypto';
import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { type Download, download } from './download.ts';
import { AgentError, reason } from './errors.ts';
import { type Cluster, HEADER_BYTES, parseHeader, parseL1, parseL2, type Qcow2Header } from './qcow2.ts';

const BLOCK_BYTES = 64 * 1024;
/** Of a block's SHA-256: as much as keeps anybody from finding another block of the same digest. */
const DIGEST_BYTES = 16;
/** A gap is read over, where another request would take longer. */
const GAP_BYTES = 1024 * 1024;
/** Packed clusters cross from one block into the next. */
const KEPT_BLOCKS = 4;

/** @throws AgentError ImageUnavailable, ImageDigestMismatch, UnsupportedImage; also from the chunks. */
export async function openQcow2(url: string, sha256: string, signal: AbortSignal): Promise<Download> {
  const noted = await readWhole(url, sha256, signal);
  const file = new VerifiedFile(url, noted, signal);
  try {
    const header = parseHeader(await file.read(0, Math.min(HEADER_BYTES, noted.bytes)));
    return { totalBytes: header.diskBytes, chunks: disk(file, header) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface Noted {
  readonly bytes: number;
  /** DIGEST_BYTES for each block, one behind the other. */
  readonly digests: Buffer;
}

async function readWhole(url: string, sha256: string, signal: AbortSignal): Promise<Noted> {
  const whole = createHash('sha256');
  const digests: Buffer[] = [];
  let bytes = 0;
  for await (const block of blocks((await download(url, { signal })).chunks)) {
    whole.update(block);
    digests.push(digestOf(block));
    bytes += block.length;
  }
  const digest = whole.digest('hex');
  if (digest === sha256.toLowerCase()) return { bytes, digests: Buffer.concat(digests) };
  throw new AgentError('ImageDigestMismatch', `the image’s SHA-256 is ${digest}, not ${sha256}`);
}

const digestOf = (block: Uint8Array) => createHash('sha256').update(block).digest().subarray(0, DIGEST_BYTES);

/** The same bytes in pieces of BLOCK_BYTES; the last one may be shorter. */
async function* blocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      block = Buffer.allocUnsafe(BLOCK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** Any part of the file, best read forward. */
class VerifiedFile {
  readonly #url: string;
  readonly #noted: Noted;
  readonly #signal: AbortSignal;
  /** The blocks read last, by number. */
  readonly #kept = new Map<number, Buffer>();
  #stream: AsyncGenerator<Buffer> | undefined;
  /** Number of the block that the stream gives next. */
  #next = 0;

  constructor(url: string, noted: Noted, signal: AbortSignal) {
    this.#url = url;
    this.#noted = noted;
    this.#signal = signal;
  }

  async read(offset: number, bytes: number): Promise<Buffer> {
    if (offset + bytes > this.#noted.bytes) {
      throw new AgentError(
        'UnsupportedImage',
        `this qcow2 image ends before byte ${offset + bytes}, which it speaks of`,
      );
    }
    const parts: Buffer[] = [];
    for (let at = offset; at < offset + bytes; ) {
      const number = Math.floor(at / BLOCK_BYTES);
      const from = at - number * BLOCK_BYTES;
      const part = (await this.#block(number)).subarray(from, from + offset + bytes - at);
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
  }

  /** What is left of the file behind an offset, at most so many bytes. */
  readUpTo(offset: number, bytes: number): Promise<Buffer> {
    return this.read(offset, Math.max(0, Math.min(bytes, this.#noted.bytes - offset)));
  }

  async close(): Promise<void> {
    await this.#stream?.return(undefined);
    this.#stream = undefined;
  }

  async #block(number: number): Promise<Buffer> {
    const kept = this.#kept.get(number);
    if (kept) return kept;
    const gap = (number - this.#next) * BLOCK_BYTES;
    if (!this.#stream || gap < 0 || gap > GAP_BYTES) {
      await this.close();
      const { chunks } = await download(this.#url, { signal: this.#signal, from: number * BLOCK_BYTES });
      this.#stream = blocks(chunks);
      this.#next = number;
    }
    for (;;) {
      const { value: block, done } = await this.#stream.next();
      if (done) throw new AgentError('ImageUnavailable', 'the image is shorter than when it was read first');
      const at = this.#next++ * DIGEST_BYTES;
      if (!digestOf(block).equals(this.#noted.digests.subarray(at, at + DIGEST_BYTES))) {
        throw new AgentError('ImageUnavailable', 'the image is another one than when it was read first');
      }
      this.#kept.set(this.#next - 1, block);
      for (const oldest of this.#kept.keys()) if (this.#kept.size > KEPT_BLOCKS) this.#kept.delete(oldest);
      if (this.#next > number) return block;
    }
  }
}

async function* disk(file: VerifiedFile, header: Qcow2Header): AsyncGenerator<Uint8Array> {
  const { clusterBytes, diskBytes, l1Offset, l1Entries } = header;
  const zeros = Buffer.alloc(clusterBytes);
  let left = diskBytes;
  try {
    const tables = parseL1(await file.read(l1Offset, l1Entries * 8), header);
    for (const table of tables) {
      const empty = { type: 'zeros' } as const;
      const clusters: readonly Cluster[] =
        table === 0
          ? Array.from({ length: clusterBytes / 8 }, () => empty)
          : parseL2(await file.read(table, clusterBytes), header);
      for (const cluster of clusters) {
        if (left === 0) return;
        const bytes = cluster.type === 'zeros' ? zeros : await content(file, cluster, header);
        yield bytes.subarray(0, Math.min(left, clusterBytes));
        left -= Math.min(left, clusterBytes);
      }
    }
  } finally {
    await file.close();
  }
}

async function content(
  file: VerifiedFile,
  cluster: Exclude<Cluster, { type: 'zeros' }>,
  { clusterBytes, compression }: Qcow2Header,
): Promise<Buffer> {
  // The last cluster of a file may be cut short: what is not there is empty.
  if (cluster.type === 'plain') {
    const found = await file.readUpTo(cluster.offset, clusterBytes);
    return found.length === clusterBytes ? found : Buffer.concat([found], clusterBytes);
  }
  const packed = await file.readUpTo(cluster.offset, cluster.bytes);
  try {
    // Deflate says itself where it ends.
    const unpacked =
      compression === 'zstd' ? zstdDecompressSync(packed.subarray(0, frameBytes(packed))) : inflateRawSync(packed);
    if (unpacked.length === clusterBytes) return unpacked;
  } catch (cause) {
    throw new AgentError('UnsupportedImage', `a cluster of this qcow2 image is damaged: ${reason(cause)}`, { cause });
  }
  throw new AgentError('UnsupportedImage', 'a cluster of this qcow2 image is of the wrong size');
}

/**
 * How long the zstd frame is that begins here: behind it, up to the end of its sector, may be anything.
 * RFC 8878, §3.1.1. @throws RangeError where it is cut off
 */
function frameBytes(packed: Buffer): number {
  const descriptor = packed.readUInt8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  let at = 5 + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes;
  for (let isLast = false; !isLast; ) {
    const header = packed.readUIntLE(at, 3);
    isLast = (header & 1) !== 0;
    const isRepeated = ((header >> 1) & 3) === 1;
    at += 3 + (isRepeated ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0);
}
