// A tar's files on mounted file systems, by GNU tar, which knows owners, links, devices and extended attributes; and what
// they hold, read back.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { AgentError, reason } from '../errors.ts';

const OPTIONS = [
  '--extract',
  '--file=-',
  '--numeric-owner',
  '--same-owner',
  '--preserve-permissions',
  '--xattrs',
  '--xattrs-include=*',
  '--delay-directory-restore',
  '--warning=no-timestamp',
];
const READ_BYTES = 256 * 1024;

/** @throws AgentError ImageTooLarge, UnsupportedImage, DiskFailed; the archive's errors as they are */
export async function unpackInto(
  folder: string,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn('tar', [...OPTIONS, `--directory=${folder}`], { stdio: ['pipe', 'ignore', 'pipe'], signal });
  const said = text(child.stderr);
  let hasEnded = false;
  child.stdin.on('close', () => (hasEnded = true));
  // How tar ended tells more than that its input could not be written.
  child.stdin.on('error', () => (hasEnded = true));
  // What stands behind its end marker tar does not take, and belongs to the digest none the less.
  const feed = new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      if (hasEnded) done();
      else child.stdin.write(chunk, () => done());
    },
    // One that was destroyed as its process ended would never call back.
    final: (done) => (child.stdin.destroyed ? done() : void child.stdin.end(() => done())),
  });
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
    feed.destroy();
  });
  // Also one that was stopped, or could not be run: until then it may write.
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const fed = pipeline(archive, feed).then(
    () => undefined,
    (error: unknown) => {
      child.kill('SIGKILL');
      return error;
    },
  );
  const [code, broken] = await Promise.all([ended, fed]);
  signal.throwIfAborted();
  if (failure) throw new AgentError('UnsupportedImage', `tar cannot be run: ${reason(failure)}`, { cause: failure });
  if (broken !== undefined) throw broken;
  if (code !== 0) throw tarError(await said);
}

function tarError(said: string): AgentError {
  const told = said.trim().split('\n').slice(0, 3).join(' ').slice(0, 500);
  // A file that is cut short by the end of its file system is told as such.
  if (/No space left on device|Wrote only/.test(said))
    return new AgentError('ImageTooLarge', `the file systems are full: ${told}`);
  if (/Input\/output error|Read-only file system/.test(said)) return new AgentError('DiskFailed', told);
  return new AgentError('UnsupportedImage', `the image is not unpacked: ${told}`);
}

/** Tells SHA-256 (hex) of each; undefined for what is no file. */
export async function digestsIn(
  folder: string,
  paths: Iterable<string>,
  tell: (path: string, digest: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (const path of paths) {
    signal.throwIfAborted();
    tell(path, await digestOf(join(folder, path), buffer));
  }
}

async function digestOf(file: string, buffer: Buffer): Promise<string | undefined> {
  // Neither followed where it is a link, nor waited for where it is a pipe.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(notThere);
  if (!handle) return undefined;
  try {
    if (!(await handle.stat()).isFile()) return undefined;
    const hash = createHash('sha256');
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead > 0) hash.update(buffer.subarray(0, bytesRead));
      if (bytesRead < buffer.length) return hash.digest('hex');
    }
  } catch (error) {
    throw new AgentError('DiskFailed', `a file cannot be read back: ${reason(error)}`, { cause: error });
  } finally {
    await handle.close();
  }
}

function notThere(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
  throw new AgentError('DiskFailed', `a file cannot be read back: ${reason(error)}`, { cause: error });
}
