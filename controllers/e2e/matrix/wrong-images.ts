// Images that nothing good comes of, served over HTTP: one that is not there, one with another digest than it should have, one
// that ends too soon every time, and one that is larger than any disk.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Image } from '../../../lib/api/generated.ts';

export type WrongImage = 'missing' | 'corrupt' | 'short' | 'endless';

export interface WrongImages extends AsyncDisposable {
  /** By their names, as objects to create. */
  readonly specs: Readonly<Record<WrongImage, Image['spec']>>;
}

const BYTES = 1024 * 1024;

export async function serveWrongImages(): Promise<WrongImages> {
  // Each another one, as what has the same digest is downloaded once for all.
  const fileOf = (name: string) => Buffer.alloc(BYTES, name);
  const server = createServer(({ url = '' }, response) => {
    const file = fileOf(url.slice(1));
    if (url === '/missing') return response.writeHead(404).end();
    if (url === '/endless') return response.writeHead(200, { 'content-length': 2 ** 52 }).write(file);
    response.writeHead(200, { 'content-length': file.length });
    if (url === '/corrupt') return response.end(file);
    return response.write(file.subarray(0, BYTES / 2), () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const spec = (name: WrongImage): Image['spec'] => ({
    url: `http://127.0.0.1:${port}/${name}`,
    sha256: name === 'corrupt' ? 'a'.repeat(64) : createHash('sha256').update(fileOf(name)).digest('hex'),
    format: 'raw',
    architecture: 'x86_64',
    bootModes: ['BIOS', 'UEFI'],
  });
  return {
    specs: { missing: spec('missing'), corrupt: spec('corrupt'), short: spec('short'), endless: spec('endless') },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
