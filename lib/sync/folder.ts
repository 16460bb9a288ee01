// A folder of manifests as it stands at one moment: every object of every file, and what cannot be read.
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Parsed, parseManifests } from './manifest.ts';

export interface Folder extends Parsed {
  /** Of all names and contents: the same while nothing changes. */
  readonly digest: string;
}

const MANIFEST = /\.(ya?ml|json)$/;
const KUSTOMIZATION = /^kustomization(\.ya?ml)?$/i;
const LARGEST_FILE_BYTES = 16 * 2 ** 20;
const MOST_FILES = 10_000;
/** Between two looks of which the second must find what the first one found. */
const SETTLE_MS = 250;
const MOST_LOOKS = 40;

/** The folder cannot be read, or not as a whole: nothing is known of what it holds. */
export class UnreadableFolder extends Error {
  override readonly name = 'UnreadableFolder';
}

/**
 * The folder once it is at rest: while files are being written, it differs from one look to the next.
 * @throws UnreadableFolder when it is gone, when part of it cannot be read, or when it does not come to rest.
 */
export async function readFolder(
  folder: string,
  signal?: AbortSignal,
  pause: () => Promise<unknown> = pauseOf(signal),
): Promise<Folder> {
  let before: Folder | undefined;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const now = await readOnce(folder);
    if (before?.digest === now.digest) return now;
    before = now;
    await pause();
  }
  throw new UnreadableFolder(`${folder} does not come to rest: its files go on changing`);
}

const pauseOf = (signal: AbortSignal | undefined) => () => setTimeout(SETTLE_MS, undefined, { signal });

async function readOnce(folder: string): Promise<Folder> {
  const manifests: Parsed['manifests'][number][] = [];
  const problems: Parsed['problems'][number][] = [];
  const hash = createHash('sha256');
  try {
    for (const path of await filesIn(folder)) {
      const file = relative(folder, path);
      const { size } = await stat(path);
      const isLarge = size > LARGEST_FILE_BYTES;
      const text = isLarge ? '' : await readFile(path, 'utf8');
      hash.update(JSON.stringify([file, size, text]));
      const parsed = isLarge ? tooLarge(file) : parsedFile(text, file, path);
      manifests.push(...parsed.manifests);
      problems.push(...parsed.problems);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    // One file that vanished or may not be read leaves open which objects are meant to be there.
    throw new UnreadableFolder(`${folder} cannot be read as a whole: ${error.message}`, { cause: error });
  }
  return { manifests, problems, digest: hash.digest('hex') };
}

const tooLarge = (file: string): Parsed => ({
  manifests: [],
  problems: [{ file, line: 1, message: `is larger than ${LARGEST_FILE_BYTES} bytes` }],
});

function parsedFile(text: string, file: string, path: string): Parsed {
  if (!KUSTOMIZATION.test(path.slice(path.lastIndexOf('/') + 1))) return parseManifests(text, file);
  const message = 'is kustomize\'s and is not understood: give the output of "kubectl kustomize" instead';
  return { manifests: [], problems: [{ file, line: 1, message }] };
}

/** Hidden ones are left out: editors, git and mounted volumes keep their own things there. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (await isFolder(entry, path)) found.push(...(await filesIn(path)));
    else if (MANIFEST.test(entry.name) || KUSTOMIZATION.test(entry.name)) found.push(path);
    if (found.length > MOST_FILES) throw new UnreadableFolder(`${folder} holds more than ${MOST_FILES} manifests`);
  }
  return found;
}

/** A link to a file is that file. One to a folder may lead to a folder above it, and never end. */
async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  if ((await stat(path)).isDirectory())
    throw new UnreadableFolder(`${path} is a link to a folder, which is not followed`);
  return false;
}
