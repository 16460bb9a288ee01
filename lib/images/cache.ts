// Images near the machines: each is fetched from its origin once, whoever many ask for it, and read while it comes.
//
//   SHA256         whole: its bytes have that digest, and were on the disk before it had the name
//   SHA256.part    what has come so far; SHA256.json says from where, so that a later process goes on there
//
// A process may be killed at any moment: what has the name of a digest counts, all else is looked at again from its first
// byte. Bytes that are read while they come are not checked yet; whoever installs them checks them himself.
import { createHash, type Hash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import { OriginError, type OriginPart, openOrigin, type Validator } from './origin.ts';

export interface ImageCacheOptions {
  /** The cache's own. */
  readonly dir: string;
  /** Of all that is kept; what was used longest ago makes room. */
  readonly maxBytes: number;
  readonly log: Log;
  /** How long an origin may be silent. Default: 60 s. */
  readonly stallMs?: number;
  /** Waited before going on after a break: so many in a row without a byte are an error. */
  readonly retryMs?: readonly number[];
}

export interface ImageSource {
  /** http(s)://… */
  readonly url: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

export interface CachedImage {
  /** Undefined while nobody knows. */
  readonly totalBytes: number | undefined;
  /** From a byte to the end, as they come. To be read to its end, or closed. @throws OriginError, ImageChanged */
  read(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Where it is not read at all. */
  close(): Promise<void>;
}

/** It is larger than the cache, or than what others who are at it leave. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}
/** What comes from the origin is not what its digest says, or is another file than it was. */
export class ImageChanged extends Error {
  override readonly name = 'ImageChanged';
}

const RETRY_MS = [500, 1000, 2000, 5000, 10_000];
const CHUNK_BYTES = 256 * 1024;
/** An origin that does not tell how much will come: room is made in such pieces. */
const PIECE_BYTES = 64 * 1024 * 1024;
/** At a time. */
const MOST_FILLS = 8;
const DIGEST = /^[0-9a-f]{64}$/;

/** One download, and all who read from it. */
interface Fill {
  readonly url: string;
  /** On the disk so far. */
  bytes: number;
  totalBytes: number | undefined;
  /** Counts how often it began anew: who has read of an earlier beginning has read another file. */
  beginning: number;
  end: 'whole' | Error | undefined;
  readonly changes: EventEmitter;
}

export class ImageCache {
  readonly #options: ImageCacheOptions;
  readonly #fills = new Map<string, Fill>();
  /** How many read each file. */
  readonly #readers = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: ImageCacheOptions) {
    this.#options = options;
  }

  /**
   * Resolves when bytes can be read. @throws RangeError for what is no digest, NoRoom, OriginError, ImageChanged, or the
   * signal's reason
   */
  async open({ url, sha256 }: ImageSource, signal: AbortSignal): Promise<CachedImage> {
    if (!DIGEST.test(sha256)) throw new RangeError('not a SHA-256 digest');
    const { dir } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    this.#reads(sha256, 1);
    try {
      const whole = await this.#whole(sha256);
      if (whole) return whole;
      const fill = await this.#filling({ url, sha256 }, signal);
      const file = await this.#opened(sha256, fill);
      return this.#reading(sha256, file, fill);
    } catch (error) {
      this.#reads(sha256, -1);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the image cache is closed'));
    await Promise.all(this.#running);
  }

  async #whole(sha256: string): Promise<CachedImage | undefined> {
    const path = join(this.#options.dir, sha256);
    const file = await existing(open(path));
    if (!file) return undefined;
    try {
      const { size } = await file.stat();
      const now = new Date();
      await utimes(path, now, now);
      const changes = new EventEmitter();
      const fill = { url: path, bytes: size, totalBytes: size, beginning: 1, end: 'whole', changes } as const;
      return this.#reading(sha256, file, fill);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The origin has answered: that of others who want the same bytes, unless it has none. */
  async #filling(source: ImageSource, signal: AbortSignal): Promise<Fill> {
    for (;;) {
      const fill = this.#fills.get(source.sha256) ?? this.#begin(source);
      await until(fill, () => fill.beginning > 0 || fill.end !== undefined, signal);
      if (!(fill.end instanceof Error)) return fill;
      if (fill.url === source.url) throw fill.end;
    }
  }

  /** While it comes, or just after. */
  async #opened(sha256: string, fill: Fill): Promise<FileHandle> {
    const path = join(this.#options.dir, sha256);
    const file = fill.end === 'whole' ? undefined : await existing(open(`${path}.part`));
    return file ?? open(path);
  }

  #reading(sha256: string, file: FileHandle, fill: Fill): CachedImage {
    const { beginning } = fill;
    let isOpen = true;
    const close = async () => {
      if (!isOpen) return;
      isOpen = false;
      this.#reads(sha256, -1);
      await file.close();
    };
    async function* read(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
      try {
        for (let at = from; ; ) {
          await until(fill, () => fill.bytes > at || fill.end !== undefined || fill.beginning !== beginning, signal);
          if (fill.beginning !== beginning) throw new ImageChanged('the image is another file at its origin now');
          if (fill.bytes <= at) {
            if (fill.end instanceof Error) throw fill.end;
            return;
          }
          const length = Math.min(CHUNK_BYTES, fill.bytes - at);
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
          if (bytesRead === 0) throw new ImageChanged('the file of the image is shorter than it was');
          at += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await close();
      }
    }
    return { totalBytes: fill.totalBytes, read, close };
  }

  #reads(sha256: string, more: number): void {
    const count = (this.#readers.get(sha256) ?? 0) + more;
    if (count === 0) this.#readers.delete(sha256);
    else this.#readers.set(sha256, count);
  }

  #begin(source: ImageSource): Fill {
    if (this.#fills.size >= MOST_FILLS) throw new OriginError(`${MOST_FILLS} images are being fetched already`, true);
    const fill: Fill = {
      url: source.url,
      bytes: 0,
      totalBytes: undefined,
      beginning: 0,
      end: undefined,
      changes: new EventEmitter().setMaxListeners(0),
    };
    this.#fills.set(source.sha256, fill);
    const { log } = this.#options;
    const running = this.#fill(source, fill)
      .then(() => {
        fill.end = 'whole';
        log.info({ sha256: source.sha256, bytes: fill.bytes }, 'an image is in the cache');
      })
      .catch((error: unknown) => {
        fill.end = error instanceof Error ? error : new Error(String(error));
        if (!this.#closing.signal.aborted) log.warn({ err: error, sha256: source.sha256 }, 'an image was not fetched');
      })
      .finally(() => {
        this.#fills.delete(source.sha256);
        fill.changes.emit('change');
        this.#running.delete(running);
      });
    this.#running.add(running);
    return fill;
  }

  /** To the end: the file has its name, or it failed. */
  async #fill({ url, sha256 }: ImageSource, fill: Fill): Promise<void> {
    const { dir, retryMs = RETRY_MS } = this.#options;
    const { signal } = this.#closing;
    const [place, part, note] = ['', '.part', '.json'].map((ending) => join(dir, sha256 + ending)) as [
      string,
      string,
      string,
    ];
    const begun = await leftOver(part, note, url);
    let { validator } = begun;
    let digest = begun.digest;
    fill.bytes = begun.bytes;
    await using file = await open(part, begun.bytes > 0 ? 'r+' : 'w+');
    for (let failures = 0; ; ) {
      const before = fill.bytes;
      try {
        const from = fill.bytes;
        const { stallMs } = this.#options;
        const got = await openOrigin(url, { signal, from, validator, ...(stallMs !== undefined && { stallMs }) });
        if (fill.beginning === 0 || got.from !== from) {
          if (got.from !== from) {
            digest = createHash('sha256');
            fill.bytes = 0;
            await file.truncate(0);
          }
          ({ validator } = got);
          fill.totalBytes = got.totalBytes;
          await this.#makeRoom(sha256, got.totalBytes ?? PIECE_BYTES);
          await writeFile(note, JSON.stringify({ url, validator } satisfies Note));
          fill.beginning++;
          fill.changes.emit('change');
        }
        await this.#receive(got, file, digest, fill, sha256);
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (fill.bytes > before) failures = 0;
        const wait = retryMs[failures++];
        if (!(error instanceof OriginError) || !error.passing || wait === undefined) throw error;
        this.#options.log.debug({ err: error, sha256, at: fill.bytes }, 'an image broke off; going on');
        await delay(wait, undefined, { signal });
      }
    }
    const found = digest.digest('hex');
    if (found !== sha256) {
      await Promise.all([rm(part), rm(note, { force: true })]);
      throw new ImageChanged(`what comes from the origin has the digest ${found}, not ${sha256}`);
    }
    await file.sync();
    await rename(part, place);
    await syncFolder(dir);
    await rm(note, { force: true });
  }

  async #receive(got: OriginPart, file: FileHandle, digest: Hash, fill: Fill, sha256: string): Promise<void> {
    for await (const chunk of got.chunks) {
      const after = fill.bytes + chunk.length;
      if (fill.totalBytes !== undefined && after > fill.totalBytes) throw new ImageChanged('more comes than was told');
      if (fill.totalBytes === undefined && Math.floor(after / PIECE_BYTES) > Math.floor(fill.bytes / PIECE_BYTES))
        await this.#makeRoom(sha256, after + PIECE_BYTES);
      await file.write(chunk, 0, chunk.length, fill.bytes);
      digest.update(chunk);
      fill.bytes = after;
      fill.changes.emit('change');
    }
    if (fill.totalBytes !== undefined && fill.bytes < fill.totalBytes)
      throw new OriginError(`the connection ended after ${fill.bytes} of ${fill.totalBytes} bytes`, true);
  }

  /** So much for this image, of all that may be kept: what others wait for stays. */
  async #makeRoom(sha256: string, bytes: number): Promise<void> {
    const { dir, maxBytes, log } = this.#options;
    const files = await Promise.all(
      (await readdir(dir)).map(async (name) => ({ name, at: await existing(stat(join(dir, name))) })),
    );
    const others = files
      .filter(({ name, at }) => at !== undefined && !name.startsWith(sha256))
      .map(({ name, at }) => ({ name, bytes: at!.size, usedAt: at!.mtimeMs }))
      .toSorted((a, b) => a.usedAt - b.usedAt);
    // What is on its way takes what it will have.
    const coming = [...this.#fills].filter(([other]) => other !== sha256);
    const promised = coming.reduce((sum, [, fill]) => sum + Math.max(0, (fill.totalBytes ?? 0) - fill.bytes), 0);
    let used = others.reduce((sum, file) => sum + file.bytes, promised);
    const idle = others.filter(({ name }) => {
      const [digest = ''] = name.split('.');
      return !this.#readers.has(digest) && !this.#fills.has(digest);
    });
    // Nothing goes for what has no room then either.
    const least = used - idle.reduce((sum, file) => sum + file.bytes, 0);
    if (least + bytes > maxBytes) throw new NoRoom(`${bytes} bytes have no room in an image cache of ${maxBytes}`);
    for (const file of idle) {
      if (used + bytes <= maxBytes) return;
      await rm(join(dir, file.name), { force: true });
      used -= file.bytes;
      log.info({ file: file.name }, 'made room in the image cache');
    }
  }
}

interface Note {
  readonly url: string;
  readonly validator?: Validator | undefined;
}

/** What an earlier process left of an image, if it can be gone on with. */
async function leftOver(part: string, note: string, url: string) {
  const digest = createHash('sha256');
  const fresh = { bytes: 0, digest, validator: undefined };
  const text = await existing(readFile(note, 'utf8'));
  if (text === undefined || !(await existing(stat(part)))) return fresh;
  const known = noteIn(text);
  if (known?.url !== url || known.validator === undefined) return fresh;
  let bytes = 0;
  for await (const chunk of createReadStream(part) as AsyncIterable<Buffer>) {
    digest.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, digest, validator: known.validator };
}

/** Undefined for what was cut off while it was written. */
function noteIn(text: string): Note | undefined {
  try {
    return JSON.parse(text) as Note;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function until(fill: Fill, reached: () => boolean, signal: AbortSignal): Promise<void> {
  while (!reached()) await once(fill.changes, 'change', { signal });
}

async function existing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A new name is lost with the power until its folder is on the disk. */
async function syncFolder(dir: string): Promise<void> {
  await using folder = await open(dir);
  await folder.sync();
}
