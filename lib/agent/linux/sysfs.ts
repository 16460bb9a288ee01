// Reading /proc and /sys: small files that may be missing, and then mean nothing rather than an error.
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';

/** sysfs answers EINVAL, EIO or EOPNOTSUPP for what a driver does not tell, such as the speed of a link that is down. */
const NOTHING = new Set(['ENOENT', 'ENOTDIR', 'EINVAL', 'EIO', 'EOPNOTSUPP', 'ENODEV', 'EACCES']);

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Without white space at its ends; undefined where there is no such file, or nothing in it. */
export async function readText(path: string): Promise<string | undefined> {
  const found = await unlessMissing(readFile(path, 'latin1'));
  // Firmware pads what it tells with zero bytes and blanks.
  return found?.replaceAll('\0', '').trim() || undefined;
}

export const readBytes = (path: string): Promise<Buffer | undefined> => unlessMissing(readFile(path));

export async function readNumber(path: string): Promise<number | undefined> {
  const found = await readText(path);
  return found === undefined || !Number.isFinite(Number(found)) ? undefined : Number(found);
}

/** Sorted, so that what is collected twice is the same twice. */
export async function list(path: string): Promise<string[]> {
  return ((await unlessMissing(readdir(path))) ?? []).sort();
}

export const exists = async (path: string): Promise<boolean> => (await unlessMissing(realpath(path))) !== undefined;

/** Where a link leads, all links on the way followed. */
export const resolved = (path: string): Promise<string | undefined> => unlessMissing(realpath(path));

/** The last part of what a link says. */
export async function linkName(path: string): Promise<string | undefined> {
  return (await unlessMissing(readlink(path)))?.split('/').at(-1);
}
