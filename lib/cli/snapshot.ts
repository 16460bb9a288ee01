// Backups of the embedded API server's directory, whether its server runs or not: one that does not is started for it.
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { readKubeconfig } from '../apiserver/certs/kubeconfig.ts';
import { startApiServer } from '../apiserver/server.ts';
import { type BackupContents, readBackup } from '../apiserver/store/backup-file.ts';
import type { Restored } from '../apiserver/store/restore.ts';

/** Sends what `send` writes to /snapshot; the answer has begun well when this returns. */
async function ask(dir: string, options: RequestOptions, file?: string): Promise<IncomingMessage> {
  const { server, certificateAuthority, token } = readKubeconfig(readFileSync(join(dir, 'kubeconfig'), 'utf8'));
  const request = httpsRequest(new URL('/snapshot', server), {
    ...options,
    ca: certificateAuthority,
    agent: false,
    headers: { Authorization: `Bearer ${token}` },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  if (file === undefined) request.end();
  else await Promise.all([pipeline(createReadStream(file), request), answered]);
  const response = await answered;
  if (response.statusCode === 200) return response;
  const { message } = JSON.parse(await readText(response)) as { message: string };
  throw new Error(message);
}

/** Runs `work` with the directory's server running. */
async function withServer<T>(dir: string, work: () => Promise<T>): Promise<T> {
  if (existsSync(join(dir, 'kubeconfig'))) {
    try {
      return await work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    }
  }
  const server = await startApiServer({ dir });
  try {
    return await work();
  } finally {
    await server.close();
  }
}

/** Writes a backup of the directory's state to a file: the whole of it, or the file stays as it was. */
export async function backup(dir: string, file: string): Promise<BackupContents> {
  if (!existsSync(join(dir, 'state.db'))) throw new Error(`${dir} holds no API server's state`);
  const partial = `${file}.partial`;
  return withServer(dir, async () => {
    try {
      await pipeline(await ask(dir, { method: 'GET' }), createWriteStream(partial, { mode: 0o600, flush: true }));
      const contents = readBackup(partial);
      await rename(partial, file);
      const directory = await open(join(file, '..'));
      await directory.sync();
      await directory.close();
      return contents;
    } finally {
      await rm(partial, { force: true });
    }
  });
}

/** Makes a backup's state that of the directory, which is made when missing. @throws Error; then nothing has changed */
export async function restore(dir: string, file: string): Promise<Restored> {
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  return withServer(dir, async () => {
    const response = await ask(dir, { method: 'PUT' }, file);
    return JSON.parse(await readText(response)) as Restored;
  });
}
