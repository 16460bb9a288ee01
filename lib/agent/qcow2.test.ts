// qcow2 files as qemu-img writes them come out as the disk that went in, and nothing else comes out.
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../testing/peers.ts';
import { tempDir } from '../testing/temp-dir.ts';
import type { AgentError } from './errors.ts';
import { run } from './linux/command.ts';
import { parseHeader } from './qcow2.ts';
import { openQcow2 } from './qcow2-stream.ts';

const KIB = 1024;
const never = new AbortController().signal;
const withTool = peerTest('qemu-img', 'qemu-utils');

/** Data, holes, what packs well and what does not, and an end that fills no cluster. */
const DISK = Buffer.concat([
  randomBytes(300 * KIB),
  Buffer.alloc(700 * KIB),
  Buffer.from('text that packs well. '.repeat(20_000)).subarray(0, 400 * KIB),
  Buffer.alloc(3000 * KIB),
  randomBytes(130 * KIB + 512),
]);

async function qcow2(...options: string[]): Promise<Buffer> {
  await using dir = await tempDir();
  const [raw, file] = [join(dir.path, 'raw'), join(dir.path, 'qcow2')];
  await writeFile(raw, DISK);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, file]);
  return readFile(file);
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** As mirrors do: whole, or from a byte on. */
const serve =
  (file: () => Buffer): Answer =>
  ({ headers }, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    const { length } = file();
    if (from > 0) response.writeHead(206, { 'content-range': `bytes ${from}-${length - 1}/${length}` });
    response.end(file().subarray(from));
  };

async function diskOf(answer: Answer, digest: string): Promise<Buffer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/image.qcow2`;
    const { totalBytes, chunks } = await openQcow2(url, digest, never);
    assert.is(totalBytes, DISK.length);
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(Buffer.from(chunk));
    return Buffer.concat(parts);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (error as AgentError).code,
  );

const WAYS: Readonly<Record<string, readonly string[]>> = {
  sparse: [],
  'of version 2': ['-o', 'compat=0.10'],
  'with small clusters': ['-o', 'cluster_size=512'],
  'with large clusters': ['-o', 'cluster_size=2M'],
  'packed with deflate': ['-c'],
  'packed with zstd': ['-c', '-o', 'compression_type=zstd'],
};
for (const [way, options] of Object.entries(WAYS)) {
  withTool(`a qcow2 file ${way}`, async () => {
    const file = await qcow2(...options);
    assert.ok(
      (
        await diskOf(
          serve(() => file),
          sha256(file),
        )
      ).equals(DISK),
    );
  });
}

withTool('a mirror without ranges is read from the start, and skipped', async () => {
  const file = await qcow2('-c');
  assert.ok((await diskOf((_request, response) => response.end(file), sha256(file))).equals(DISK));
});

withTool('nothing comes out of a file of another digest, or that is another one at the second reading', async () => {
  const file = await qcow2();
  assert.is(
    await codeOf(
      diskOf(
        serve(() => file),
        sha256(DISK),
      ),
    ),
    'ImageDigestMismatch',
  );
  let readings = 0;
  const changed = Buffer.from(file);
  changed[changed.length - 5]! ^= 1;
  const lying = serve(() => (readings++ < 2 ? file : changed));
  assert.is(await codeOf(diskOf(lying, sha256(file))), 'ImageUnavailable');
});

withTool('what cannot be read is refused by what it is', async () => {
  const file = await qcow2();
  const changing = (change: (header: Buffer) => void) => {
    const header = Buffer.from(file.subarray(0, 112));
    change(header);
    return () => parseHeader(header);
  };
  const refusals: readonly (readonly [RegExp, (header: Buffer) => void])[] = [
    [/none/, (header) => header.writeUInt32BE(0, 0)],
    [/version 4/, (header) => header.writeUInt32BE(4, 4)],
    [/backing file/, (header) => header.writeBigUInt64BE(500n, 8)],
    [/clusters/, (header) => header.writeUInt32BE(40, 20)],
    [/disk has/, (header) => header.writeBigUInt64BE(2n ** 60n, 24)],
    [/encrypted/, (header) => header.writeUInt32BE(1, 32)],
    [/first table/, (header) => header.writeUInt32BE(0, 36)],
    [/features 0x10/, (header) => header.writeBigUInt64BE(16n, 72)],
  ];
  for (const [why, change] of refusals) assert.throws(changing(change), why);
  for (let cut = 0; cut < 72; cut++) assert.throws(() => parseHeader(file.subarray(0, cut)), /none/);
});

test.run();
