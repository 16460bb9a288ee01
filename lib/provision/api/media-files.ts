// The live OS as a disc for one boot, as a BMC fetches it: in whatever pieces it likes.
//
// Source: RFC 9110 §14 (one range; a request for several is answered with the whole).
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ARGUMENTS_BYTES, ARGUMENTS_PLACE, MEDIA_FILE } from '../../boot/media.ts';
import { openIfThere } from '../../images/serve.ts';

export interface MediaAnswer {
  readonly status: 200 | 206 | 416;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream?: Readable;
  /** To be called when the stream is over, also where nobody began to read it: that alone would leave the disc open. */
  readonly close?: () => Promise<void>;
}

const CHUNK_BYTES = 1024 * 1024;
/** By file, when it was last changed: where its place for the arguments is. A disc is searched once. */
const places = new Map<string, { readonly changedAt: number; readonly at: number }>();

/** Undefined where there is no disc. @throws Error where it is none of ours */
export async function mediaAnswer(
  folder: string,
  kernelArguments: Buffer,
  asked: { readonly range: string | undefined; readonly headOnly: boolean },
): Promise<MediaAnswer | undefined> {
  const file = await openIfThere(join(folder, MEDIA_FILE));
  if (!file) return undefined;
  try {
    const { size, mtimeMs } = await file.stat();
    const at = await placeIn(file, join(folder, MEDIA_FILE), mtimeMs);
    const range = rangeIn(asked.range, size);
    const headers = { 'accept-ranges': 'bytes' };
    if (range === 'unsatisfiable') return { status: 416, headers: { ...headers, 'content-range': `bytes */${size}` } };
    const { first, last } = range ?? { first: 0, last: size - 1 };
    const told = {
      status: range ? (206 as const) : (200 as const),
      headers: {
        ...headers,
        'content-length': String(last - first + 1),
        ...(range && { 'content-range': `bytes ${first}-${last}/${size}` }),
      },
    };
    if (asked.headOnly) return told;
    const stream = createReadStream(join(folder, MEDIA_FILE), { start: first, end: last });
    const content = replaced(stream, first, at, kernelArguments);
    const close = async () => void stream.destroy();
    return { ...told, stream: Readable.from(content, { objectMode: false }), close };
  } finally {
    await file.close();
  }
}

/** The bytes from `first` on, with the arguments at their place. */
async function* replaced(
  chunks: AsyncIterable<Buffer>,
  first: number,
  at: number,
  kernelArguments: Buffer,
): AsyncGenerator<Buffer> {
  let position = first;
  for await (const chunk of chunks) {
    const from = Math.max(at, position);
    const to = Math.min(at + kernelArguments.length, position + chunk.length);
    if (from < to) kernelArguments.copy(chunk, from - position, from - at, to - at);
    position += chunk.length;
    yield chunk;
  }
}

function rangeIn(
  range: string | undefined,
  size: number,
): { first: number; last: number } | 'unsatisfiable' | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? '') ?? [];
  if (from === undefined || to === undefined || from + to === '') return undefined;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first <= last ? { first, last } : 'unsatisfiable';
}

async function placeIn(file: FileHandle, path: string, changedAt: number): Promise<number> {
  const known = places.get(path);
  if (known?.changedAt === changedAt) return known.at;
  const buffer = Buffer.alloc(CHUNK_BYTES + ARGUMENTS_BYTES);
  for (let from = 0; ; from += CHUNK_BYTES) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    if (bytesRead === 0) throw new Error(`${path} has no place for the kernel's arguments: build the live OS anew`);
    const found = buffer.subarray(0, bytesRead).indexOf(ARGUMENTS_PLACE, 0, 'latin1');
    if (found < 0) continue;
    places.set(path, { changedAt, at: from + found });
    return from + found;
  }
}
