// What an image's file holds: downloaded, unpacked and hashed as it goes by, and vouched for by its digest at the end.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { WriteImageTask } from '../provision/protocol.ts';
import { download } from './download.ts';
import { AgentError, reason } from './errors.ts';
import type { Percent } from './hardware.ts';
import { openQcow2 } from './qcow2-stream.ts';
import { unxz } from './xz.ts';

type Image = WriteImageTask['image'];
type Compression = Image['compression'];

export interface ImageContent {
  /** Of the content, where that is known before: it is what the file is. */
  readonly bytes: number | undefined;
  /** Undefined where it may only be had by hashing the content once more. */
  readonly isDigestOfContent: boolean;
  /**
   * Gives `use` the content, once, and then compares the digest of the file, which it gives (hex).
   * @throws AgentError ImageDigestMismatch, UnsupportedImage, ImageUnavailable
   */
  read(use: (content: AsyncIterable<Uint8Array>) => Promise<void>, progress: Percent): Promise<string>;
}

/** @throws AgentError ImageUnavailable, UnsupportedImage */
export async function openImage(image: Image, signal: AbortSignal): Promise<ImageContent> {
  const { format, url, sha256: wanted, compression } = image;
  const source = format === 'qcow2' ? await openQcow2(url, wanted, signal) : await download(url, { signal });
  const { totalBytes } = source;
  const isPacked = compression !== 'none';
  return {
    bytes: isPacked ? undefined : totalBytes,
    isDigestOfContent: !isPacked,
    async read(use, progress) {
      const hash = createHash('sha256');
      let received = 0;
      async function* downloaded() {
        for await (const chunk of source.chunks) {
          hash.update(chunk);
          received += chunk.length;
          if (totalBytes) progress((received / totalBytes) * 100);
          yield chunk;
        }
      }
      await unpacked(downloaded, compression, use, signal);
      const digest = hash.digest('hex');
      // What comes out of a qcow2 file was checked before it came out.
      if (format !== 'qcow2' && digest !== wanted.toLowerCase())
        throw new AgentError('ImageDigestMismatch', `the image’s SHA-256 is ${digest}, not ${wanted}`);
      return digest;
    },
  };
}

async function unpacked(
  file: () => AsyncGenerator<Uint8Array>,
  compression: Compression,
  use: (content: AsyncIterable<Uint8Array>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (compression === 'none') await use(file());
    else if (compression === 'xz') await use(unxz(file(), signal));
    else await pipeline(file, compression === 'gzip' ? createGunzip() : createZstdDecompress(), use, { signal });
  } catch (error) {
    if (!isUnpackError(error)) throw error;
    throw new AgentError('UnsupportedImage', `the image is not whole ${compression}: ${reason(error)}`, {
      cause: error,
    });
  }
}

/** node:zlib's errors: Z_DATA_ERROR, ZSTD_error_prefix_unknown and their like. */
function isUnpackError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^Z(STD)?_/.test(code);
}
