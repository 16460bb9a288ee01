// The image mirror that comes with a simulated fleet: its images over plain HTTP, whole or from any byte on
// (RFC 9110, §14), and faults on request.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildImage, buildTar, IMAGES } from './image.ts';

export interface MirroredImage {
  readonly name: string;
  readonly url: string;
  readonly format: 'raw' | 'tar';
  /** Of the file, hex. */
  readonly sha256: string;
  readonly bytes: number;
}

export type MirrorFault =
  /** The connection breaks after so many bytes, for so many answers. */
  | { readonly kind: 'breaks'; readonly afterBytes: number; readonly times: number }
  /** One byte is another than it should be. */
  | { readonly kind: 'corrupt' }
  | { readonly kind: 'status'; readonly status: number };

export interface Mirror {
  readonly images: readonly MirroredImage[];
  readonly port: number;
  fault(fault: MirrorFault | undefined): void;
  close(): Promise<void>;
}

export async function startMirror(port: number): Promise<Mirror> {
  const files = new Map(
    IMAGES.map(({ name, bytes, format }) => [
      `${name}.${format}`,
      { name, format, file: format === 'tar' ? buildTar(name, bytes) : buildImage(name, bytes) },
    ]),
  );
  let fault: MirrorFault | undefined;
  let broken = 0;

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const file = files.get(/^\/images\/([\w.-]+)$/.exec(request.url ?? '')?.[1] ?? '')?.file;
    if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) return end(response, 404);
    if (fault?.kind === 'status') return end(response, fault.status);
    const from = firstByte(request.headers.range);
    if (from >= file.length) {
      response.setHeader('content-range', `bytes */${file.length}`);
      return end(response, 416);
    }
    response.statusCode = from > 0 ? 206 : 200;
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('content-type', 'application/octet-stream');
    response.setHeader('content-length', file.length - from);
    if (from > 0) response.setHeader('content-range', `bytes ${from}-${file.length - 1}/${file.length}`);
    if (request.method === 'HEAD') return response.end();
    if (fault?.kind === 'breaks' && broken < fault.times) {
      broken++;
      return response.write(file.subarray(from, from + fault.afterBytes), () => response.destroy());
    }
    return response.end(fault?.kind === 'corrupt' ? corrupted(file).subarray(from) : file.subarray(from));
  };
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    images: [...files].map(([fileName, { name, format, file }]) => ({
      name,
      format,
      url: `http://127.0.0.1:${address.port}/images/${fileName}`,
      sha256: createHash('sha256').update(file).digest('hex'),
      bytes: file.length,
    })),
    fault(next) {
      fault = next;
      broken = 0;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** Only "from here to the end"; anything else is answered with the whole file, as RFC 9110 §14.2 allows. */
function firstByte(range: string | undefined): number {
  return Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
}

function corrupted(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  copy[copy.length >> 1]! ^= 1;
  return copy;
}

function end(response: ServerResponse, status: number) {
  response.statusCode = status;
  return response.end();
}
