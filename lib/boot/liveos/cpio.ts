// An initramfs archive from a folder: the "newc" form of cpio, the same bytes for the same files. Owners are root, times
// are zero, numbers count up in the order of names.
//
// Source: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

const MAGIC = '070701';
const ALIGNMENT = 4;
const DIRECTORY = 0o040000;
const FILE = 0o100000;
const LINK = 0o120000;

interface Entry {
  /** Without a leading slash. */
  readonly name: string;
  readonly mode: number;
  /** A file's folder on this machine, or a link's text. */
  readonly source: { readonly file: string; readonly bytes: number } | { readonly text: string };
}

/** The archive of everything under a folder, in pieces. Only folders, files and symbolic links; others are an error. */
export async function* cpioArchive(folder: string): AsyncGenerator<Buffer> {
  let number = 1;
  for await (const entry of entries(folder, '')) {
    const bytes = 'file' in entry.source ? entry.source.bytes : Buffer.byteLength(entry.source.text);
    yield header(entry.name, entry.mode, bytes, number++);
    if ('text' in entry.source) yield Buffer.from(entry.source.text);
    else if (bytes > 0) yield* createReadStream(entry.source.file) as AsyncIterable<Buffer>;
    yield padding(bytes);
  }
  yield header('TRAILER!!!', 0, 0, 0);
}

async function* entries(folder: string, below: string): AsyncGenerator<Entry> {
  const names = (await readdir(join(folder, below))).sort();
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    const file = join(folder, path);
    const found = await lstat(file);
    if (found.isDirectory()) {
      yield { name: path, mode: DIRECTORY | 0o755, source: { text: '' } };
      yield* entries(folder, path);
    } else if (found.isSymbolicLink()) {
      yield { name: path, mode: LINK | 0o777, source: { text: await readlink(file) } };
    } else if (found.isFile()) {
      // Not the umask of whoever built it.
      const mode = FILE | (found.mode & 0o100 ? 0o755 : 0o644);
      yield { name: path, mode, source: { file, bytes: found.size } };
    } else {
      throw new Error(`${file} is neither folder, file nor link`);
    }
  }
}

function header(name: string, mode: number, bytes: number, number: number): Buffer {
  const links = (mode & DIRECTORY) === DIRECTORY && (mode & FILE) !== FILE ? 2 : 1;
  const nameBytes = Buffer.byteLength(name) + 1;
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [number, mode, 0, 0, links, 0, bytes, 0, 0, 0, 0, nameBytes, 0];
  const text = `${MAGIC}${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([Buffer.from(text), padding(Buffer.byteLength(text))]);
}

const padding = (bytes: number): Buffer => Buffer.alloc((ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT);
