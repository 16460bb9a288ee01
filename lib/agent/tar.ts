// What is in a tar as it goes by: names of its files, and digests of what they hold. Another program unpacks it.
//
// Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar's manual, "Basic Tar Format"
// (long names, numbers in base 256). Not read, and said so: sparse files, names that lead out of the folder.
import { createHash, type Hash } from 'node:crypto';
import { AgentError } from './errors.ts';

const BLOCK = 512;
/** Of a name or a pax header: kept in memory. */
const LONGEST_HEADER = 1024 * 1024;
/** Names are kept in memory, too. */
const MOST_FILES = 4_000_000;

/** What the entry's content is for. */
type Entry =
  | { readonly what: 'file'; readonly path: string; readonly digest: Hash }
  | { readonly what: 'long-name' | 'pax'; readonly parts: Uint8Array[] }
  | { readonly what: 'other' };

/** Fed with a tar in pieces of any size. @throws AgentError UnsupportedImage, from each of its methods */
export class TarReader {
  /** SHA-256 (hex) by the path of each regular file, without / at its beginning. */
  readonly files = new Map<string, string>();
  #header = Buffer.alloc(0);
  #entry: Entry = { what: 'other' };
  /** Of the entry's content, and of what pads it. */
  #left = 0;
  #padding = 0;
  #longName: string | undefined;
  #pax = new Map<string, string>();
  #hasEnded = false;

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#hasEnded; ) {
      if (this.#left > 0) at += this.#takeContent(chunk.subarray(at));
      else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skipped;
        at += skipped;
      } else {
        const part = chunk.subarray(at, at + BLOCK - this.#header.length);
        this.#header = Buffer.concat([this.#header, part]);
        at += part.length;
        if (this.#header.length < BLOCK) continue;
        const header = this.#header;
        this.#header = Buffer.alloc(0);
        this.#takeHeader(header);
      }
    }
  }

  /** To be called behind the last piece. */
  end(): void {
    if (!this.#hasEnded) throw unsupported('it ends too soon');
  }

  #takeContent(chunk: Uint8Array): number {
    const part = chunk.subarray(0, this.#left);
    this.#left -= part.length;
    if (this.#entry.what === 'file') this.#entry.digest.update(part);
    else if (this.#entry.what !== 'other') this.#entry.parts.push(Uint8Array.from(part));
    if (this.#left === 0) this.#finish();
    return part.length;
  }

  #takeHeader(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#hasEnded = true;
      return;
    }
    if (octal(header, 148, 8) !== checksum(header)) throw unsupported('a header’s checksum is wrong');
    const type = String.fromCharCode(header[156]!);
    const size = sizeOf(type, header, this.#pax.get('size'));
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.#entry = this.#begin(type, header, size);
    if (size === 0) this.#finish();
  }

  #begin(type: string, header: Buffer, size: number): Entry {
    if (type === 'x' || type === 'L' || type === 'g' || type === 'K') {
      if (size > LONGEST_HEADER) throw unsupported(`a header has ${size} bytes`);
      // What holds for all entries, and where long links lead, is of no interest here.
      if (type === 'g' || type === 'K') return { what: 'other' };
      return { what: type === 'x' ? 'pax' : 'long-name', parts: [] };
    }
    const path = pathOf(this.#pax.get('path') ?? this.#longName ?? shortName(header));
    const isSparse = type === 'S' || [...this.#pax.keys()].some((key) => key.startsWith('GNU.sparse.'));
    if (isSparse) throw unsupported(`${path} is packed as a sparse file`);
    this.#pax.clear();
    this.#longName = undefined;
    if (this.files.size >= MOST_FILES) throw unsupported(`it holds more than ${MOST_FILES} files`);
    // What comes later takes the place of what came before.
    this.files.delete(path);
    const isFile = type === '0' || type === '\0' || type === '7';
    // Before POSIX, a folder was told by the end of its name.
    if (!isFile || (type === '\0' && shortName(header).endsWith('/'))) return { what: 'other' };
    return { what: 'file', path, digest: createHash('sha256') };
  }

  #finish(): void {
    const entry = this.#entry;
    if (entry.what === 'file') this.files.set(entry.path, entry.digest.digest('hex'));
    else if (entry.what === 'long-name') this.#longName = text(Buffer.concat(entry.parts));
    else if (entry.what === 'pax') this.#pax = paxRecords(Buffer.concat(entry.parts));
    this.#entry = { what: 'other' };
  }
}

/** The same pieces again, read on their way. */
export async function* readingTar(source: AsyncIterable<Uint8Array>, reader: TarReader): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    reader.push(chunk);
    yield chunk;
  }
  reader.end();
}

/** Links and folders have none, whatever their header says. */
function sizeOf(type: string, header: Buffer, told: string | undefined): number {
  if (/[1-6]/.test(type)) return 0;
  const size = told === undefined ? octal(header, 124, 12) : Number(told);
  if (!Number.isSafeInteger(size) || size < 0) throw unsupported('a size is none');
  return size;
}

/** @throws AgentError where it leads out of the folder that is unpacked into */
function pathOf(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw unsupported(`a name in it leads elsewhere: ${name.slice(0, 200)}`);
  return parts.join('/');
}

function shortName(header: Buffer): string {
  const name = text(header.subarray(0, 100));
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function text(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

/** In octal digits; GNU's base 256 where the first bit is set. */
function octal(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (field[0]! & 0x80) return Number(BigInt(`0x${field.subarray(1).toString('hex')}`));
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw unsupported('a number in it is none');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** Of all bytes, those of the checksum taken for blanks. */
function checksum(header: Buffer): number {
  let sum = 8 * 0x20;
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte;
  return sum;
}

/** Each is "length key=value\n", its length in bytes counting itself. */
function paxRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, blank));
    const equals = bytes.indexOf(0x3d, blank);
    if (blank < 0 || !Number.isSafeInteger(length) || equals < 0 || at + length > bytes.length || equals >= at + length)
      throw unsupported('a pax header is none');
    records.set(bytes.toString('utf8', blank + 1, equals), bytes.toString('utf8', equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

function unsupported(why: string): AgentError {
  return new AgentError('UnsupportedImage', `this tar image cannot be read: ${why}`);
}
