// What the tests on virtual hardware boot and install: built once, which takes minutes, and kept in REAL_BOOT_DIR. Started by
// itself it only builds, for tests that then run side by side.
import { appendFileSync } from 'node:fs';
import { glob, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildLiveOS } from '../../lib/boot/liveos/build.ts';
import { type BuiltImage, buildImages } from '../../lib/images/build.ts';
import { SUITE } from '../../lib/images/root.ts';

export const ARTIFACTS = process.env.REAL_BOOT_DIR ?? join(tmpdir(), 'bmp-real-boot');
const ROOT = new URL('../../', import.meta.url).pathname;

export interface Artifacts {
  /** Folder of the live OS. */
  readonly liveOS: string;
  readonly images: readonly BuiltImage[];
}

/** Names of the two images, which their systems have in /etc/bmp-image: a disk, and a tar that the agent makes one of. */
export const IMAGE_NAMES = ['debian-one', 'debian-two'] as const;

/** What goes into the live OS from here. */
const LIVE_OS_SOURCES = ['lib/agent/**', 'lib/boot/liveos/**', 'lib/provision/protocol.ts', 'lib/observe/log.ts'];

/** Builds what is not there yet, or not of now. */
export async function artifacts(): Promise<Artifacts> {
  await mkdir(ARTIFACTS, { recursive: true });
  const say = (line: string) => console.log(`  ${line}`);
  const liveOS = join(ARTIFACTS, 'liveos');
  if (!(await isNewer(join(liveOS, 'manifest.json'), LIVE_OS_SOURCES))) {
    await timed('live OS built', () =>
      buildLiveOS({ out: liveOS, cache: join(ARTIFACTS, 'packages'), form: 'small', say }),
    );
  }
  const note = join(ARTIFACTS, 'images.json');
  if (!(await isNewer(note, ['lib/images/{root,disk,build}.ts']))) {
    const [packed, unpacked] = IMAGE_NAMES;
    const outputs = [
      { file: join(ARTIFACTS, `${packed}.raw.zst`), format: 'raw', compression: 'zstd', version: packed },
      { file: join(ARTIFACTS, `${unpacked}.tar.zst`), format: 'tar', compression: 'zstd', version: unpacked },
    ] as const;
    const built = await timed('images built', () => buildImages({ suite: SUITE, outputs, say }));
    await writeFile(note, JSON.stringify(built));
  }
  return { liveOS, images: JSON.parse(await readFile(note, 'utf8')) as BuiltImage[] };
}

/** Prints how long the work took. */
export async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  tell(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${what}`);
  return result;
}

/** Prints a line, and adds it to the file that REAL_BOOT_TIMES names: the test runner shows nothing of what passed. */
export function tell(line: string): void {
  console.log(line);
  const file = process.env.REAL_BOOT_TIMES;
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

async function isNewer(file: string, sources: readonly string[]): Promise<boolean> {
  const made = await modified(file);
  if (made === undefined) return false;
  for await (const source of glob(sources, { cwd: ROOT })) {
    if (((await modified(join(ROOT, source))) ?? 0) > made) return false;
  }
  return true;
}

async function modified(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

if (import.meta.main) await artifacts();
