// What an xz file holds, unpacked on the way by the xz of XZ Utils: Node has none of its own.
import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { AgentError, reason } from './errors.ts';

/** @throws AgentError UnsupportedImage where it is not whole, or there is no xz; the source's errors as they are. */
export async function* unxz(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const child = spawn('xz', ['--decompress', '--stdout', '--quiet'], { stdio: ['pipe', 'pipe', 'ignore'], signal });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  let isOver = false;
  const fed = pipeline(source, child.stdin).catch((error: unknown) => {
    // Where xz has ended before its input did, its exit status says why.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE' || isOver) return;
    throw error;
  });
  const settled = Promise.allSettled([fed, ended]);
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
  } finally {
    isOver = true;
    child.stdout.destroy();
    await settled;
  }
  await fed;
  const code = await ended.catch((error: unknown) => {
    signal.throwIfAborted();
    throw new AgentError('UnsupportedImage', `xz cannot be run: ${reason(error)}`, { cause: error });
  });
  if (code !== 0) throw new AgentError('UnsupportedImage', `the image is not whole xz: xz ended with ${code}`);
}
