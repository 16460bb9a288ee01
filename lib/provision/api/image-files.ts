// Images as machines fetch them: over plain HTTP, known by their digest, whole or from any byte on, and only those that an
// operation under way installs.
//
// Source: RFC 9110 §14 (range requests; one range that goes on to the end is all that a resumed download asks for).
import { Readable } from 'node:stream';

/** Where images come from; lib/images/cache.ts has one. */
export interface ImageFile {
  /** Undefined while nobody knows. */
  readonly totalBytes: number | undefined;
  read(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Nothing where it is closed already. */
  close(): Promise<void>;
}

/** One Image, as it was when it was asked for. */
export interface WantedImage {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
}

export interface ImageShelf {
  /** Undefined: no operation asks for it. `elsewhere`: what cannot be kept here is to be had there. */
  open(image: WantedImage, signal: AbortSignal): Promise<ImageFile | { readonly elsewhere: string } | undefined>;
}

export const IMAGES_PATH = '/images/v1/';

export const imageUrl = (bootUrl: string, { name, sha256 }: WantedImage): string =>
  `${bootUrl}${IMAGES_PATH}${name}/${sha256}`;

export interface ImageAnswer {
  readonly status: 200 | 206 | 302 | 404 | 416;
  readonly headers: Readonly<Record<string, string>>;
  /** Ends early where the connection does, or the image cannot be had to its end. */
  readonly stream?: Readable;
  /** To be called when the stream is over, also where nobody began to read it: that alone would leave the image open. */
  readonly close?: () => Promise<void>;
}

/** @param whole aborts when nobody wants the answer any more. @throws what the shelf throws */
export async function imageAnswer(
  shelf: ImageShelf,
  path: string,
  asked: { readonly range: string | undefined; readonly headOnly: boolean },
  signals: { readonly opening: AbortSignal; readonly whole: AbortSignal },
): Promise<ImageAnswer> {
  const [, name, sha256] = /^\/images\/v1\/([a-z0-9.-]{1,253})\/([0-9a-f]{64})$/.exec(path) ?? [];
  const wanted = name !== undefined && sha256 !== undefined && { name, sha256 };
  const image = wanted ? await shelf.open(wanted, signals.opening) : undefined;
  if (!image) return { status: 404, headers: {} };
  if ('elsewhere' in image) return { status: 302, headers: { location: image.elsewhere } };
  const { totalBytes } = image;
  const from = Number(/^bytes=(\d{1,15})-$/.exec(asked.range ?? '')?.[1] ?? 0);
  const headers = { etag: `"${sha256}"`, 'accept-ranges': 'bytes' };
  // Behind the end, or from somewhere of what has no end yet: then all of it is the answer.
  if (from > 0 && totalBytes !== undefined && from >= totalBytes) {
    await image.close();
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${totalBytes}` } };
  }
  const resumes = from > 0 && totalBytes !== undefined;
  const answer = {
    status: resumes ? (206 as const) : (200 as const),
    headers: {
      ...headers,
      ...(totalBytes !== undefined && { 'content-length': String(totalBytes - from) }),
      ...(resumes && { 'content-range': `bytes ${from}-${totalBytes - 1}/${totalBytes}` }),
    },
  };
  if (asked.headOnly) {
    await image.close();
    return answer;
  }
  const content = image.read(resumes ? from : 0, signals.whole);
  return { ...answer, stream: Readable.from(content, { objectMode: false }), close: () => image.close() };
}
