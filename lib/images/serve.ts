// A folder's files over plain HTTP, whole or from any byte on, for machines that install them.
//
// Source: RFC 9110, §14 (range requests; one range that goes on to the end is all that a resumed download asks for).
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Log } from '../observe/log.ts';

export interface FileServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @param port 0: any free one of `host` */
export async function serveFolder(folder: string, host: string, port: number, log: Log): Promise<FileServer> {
  const server = createServer((request, response) => {
    answer(folder, request, response).catch((error: unknown) => {
      // Whoever breaks off asks again from there.
      log.debug({ err: error, path: request.url }, 'a file was not sent to its end');
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = /^\/(\w[\w.-]*)$/.exec(request.url ?? '')?.[1];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const file = name === undefined || !isRead ? undefined : await openIfThere(join(folder, name));
  if (!file) {
    response.statusCode = 404;
    response.end();
    return;
  }
  try {
    const { size } = await file.stat();
    const from = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('content-type', 'application/octet-stream');
    if (from > 0 && from >= size) {
      response.statusCode = 416;
      response.setHeader('content-range', `bytes */${size}`);
      response.end();
      return;
    }
    response.statusCode = from > 0 ? 206 : 200;
    response.setHeader('content-length', size - from);
    if (from > 0) response.setHeader('content-range', `bytes ${from}-${size - 1}/${size}`);
    if (request.method === 'HEAD') response.end();
    else await pipeline(createReadStream('', { fd: file, start: from, autoClose: false }), response);
  } finally {
    await file.close();
  }
}

/** Undefined where there is no such file. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
