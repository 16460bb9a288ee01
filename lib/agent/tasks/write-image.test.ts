// What is on the disk after each way in which writing an image can end. The disk is bytes in memory; the mirror is HTTP.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WriteImageTask } from '../../provision/protocol.ts';
import { peerTest } from '../../testing/peers.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { AgentError } from '../errors.ts';
import type { Hardware } from '../hardware.ts';
import { run } from '../linux/command.ts';
import { writeImage } from './write-image.ts';

const MIB = 1024 * 1024;
const withTool = peerTest('qemu-img', 'qemu-utils');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A disk full of an old system. */
function disk(sizeBytes: number, lies?: (bytes: Buffer) => void) {
  const bytes = Buffer.alloc(sizeBytes, 0xee);
  const writes: string[] = [];
  const refuse = () => {
    throw new AgentError('AgentFailed', 'not for this test');
  };
  const hardware: Hardware = {
    identity: refuse,
    inventory: refuse,
    arrays: async () => [],
    createArray: refuse,
    format: refuse,
    partitions: refuse,
    putMounts: refuse,
    removeArray: refuse,
    writeSeed: refuse,
    setPassword: refuse,
    unpack: refuse,
    fileDigests: refuse,
    makeBootable: refuse,
    wipe: refuse,
    disks: async () => [
      { name: 'sda', serialNumber: 'S', model: 'M', sizeBytes, rotational: false, transport: 'sata' as const },
    ],
    async write(_serial, offset, source) {
      let at = offset;
      for await (const chunk of source) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      writes.push(`${offset}+${at - offset}`);
      return { bytes: at - offset };
    },
    async *read(_serial, offset, length) {
      const copy = Buffer.from(bytes.subarray(offset, offset + length));
      lies?.(copy);
      yield copy;
    },
  };
  return { bytes, hardware, writes };
}

async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/image?token=secret`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const task = (url: string, image: Partial<WriteImageTask['image']>): WriteImageTask => ({
  id: 'o/image/1',
  kind: 'write-image',
  diskSerialNumber: 'S',
  image: { url, sha256: '', format: 'raw', compression: 'none', ...image },
});
const never = new AbortController().signal;
const context = (hardware: Hardware) => ({ hardware, signal: never, progress: () => undefined });
const failure = (work: Promise<unknown>): Promise<AgentError> =>
  work.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => error as AgentError,
  );

const image = randomBytes(3 * MIB + 1234);
const packings = {
  none: (raw: Buffer) => raw,
  gzip: gzipSync,
  zstd: zstdCompressSync,
  xz: (raw: Buffer) => execFileSync('xz', ['-1', '--stdout'], { input: raw, maxBuffer: 64 * MIB }),
} as const;
const tests = { none: test, gzip: test, zstd: test, xz: peerTest('xz', 'xz-utils') } as const;

for (const [compression, pack] of Object.entries(packings) as [keyof typeof packings, (raw: Buffer) => Buffer][]) {
  tests[compression](
    `an image is written, read back, and what was there before is gone from both ends (${compression})`,
    () => {
      const file = pack(image);
      const answer = (_request: IncomingMessage, response: ServerResponse) => response.end(file);
      return serving(answer, async (url) => {
        const { bytes, hardware, writes } = disk(8 * MIB);
        const percents: number[] = [];
        const result = await writeImage(task(url, { sha256: sha256(file), compression }), {
          hardware,
          signal: never,
          progress: (percent) => percents.push(percent),
        });
        assert.equal(result, { diskSerialNumber: 'S', bytes: image.length, sha256: sha256(image) });
        assert.ok(bytes.subarray(0, image.length).equals(image));
        assert.ok(bytes.subarray(7 * MIB).equals(Buffer.alloc(MIB)));
        assert.is(writes.at(-1), `0+${MIB}`, 'the beginning comes last');
        assert.is(percents.at(-1), 100);
      });
    },
  );

  tests[compression](`a wrong digest leaves a disk without a beginning (${compression})`, () => {
    const file = pack(image);
    return serving(
      (_request, response) => response.end(file),
      async (url) => {
        const { bytes, hardware } = disk(8 * MIB);
        const error = await failure(writeImage(task(url, { sha256: 'ab'.repeat(32), compression }), context(hardware)));
        assert.equal([error.code, error.class], ['ImageDigestMismatch', 'permanent']);
        assert.ok(bytes.subarray(0, MIB).equals(Buffer.alloc(MIB)));
      },
    );
  });
}

for (const compression of ['gzip', 'xz'] as const) {
  tests[compression](`a packed image that is not whole is told from one that the mirror lacks (${compression})`, () => {
    const file = packings[compression](image).subarray(0, -1000);
    return serving(
      (_request, response) => response.end(file),
      async (url) => {
        const { bytes, hardware } = disk(8 * MIB);
        const wanted = task(url, { sha256: sha256(file), compression });
        const error = await failure(writeImage(wanted, context(hardware)));
        assert.is(error.code, 'UnsupportedImage');
        assert.ok(bytes.subarray(0, MIB).equals(Buffer.alloc(MIB)));
      },
    );
  });
}

test('a disk that gives back something else is an error, and is left without a beginning', () => {
  const end = (_request: IncomingMessage, response: ServerResponse) => response.end(image);
  return serving(end, async (url) => {
    for (const size of [image.length - MIB, MIB]) {
      // Once for the rest, once for the beginning.
      const flip = (read: Buffer) => {
        if (read.length === size) read[size >> 1]! ^= 1;
      };
      const { bytes, hardware } = disk(8 * MIB, flip);
      const error = await failure(writeImage(task(url, { sha256: sha256(image) }), context(hardware)));
      assert.equal([error.code, error.class], ['ReadBackMismatch', 'transient']);
      assert.ok(bytes.subarray(0, MIB).equals(Buffer.alloc(MIB)));
    }
  });
});

for (const compression of ['none', 'gzip', 'xz'] as const) {
  tests[compression](`an image larger than the disk is refused (${compression})`, () => {
    const file = packings[compression](Buffer.alloc(3 * MIB, 7));
    const end = (_request: IncomingMessage, response: ServerResponse) => response.end(file);
    return serving(end, async (url) => {
      const { hardware } = disk(2 * MIB);
      const error = await failure(writeImage(task(url, { sha256: sha256(file), compression }), context(hardware)));
      assert.is(error.code, 'ImageTooLarge');
    });
  });
}

withTool('a qcow2 image is written as the disk that it holds', async () => {
  await using dir = await tempDir();
  const [raw, packed] = [join(dir.path, 'raw'), join(dir.path, 'qcow2')];
  await writeFile(raw, Buffer.concat([image, Buffer.alloc(MIB - (image.length % MIB))]));
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, packed]);
  const [whole, file] = [await readFile(raw), await readFile(packed)];
  const answer = (_request: IncomingMessage, response: ServerResponse) => response.end(file);
  await serving(answer, async (url) => {
    const { bytes, hardware, writes } = disk(8 * MIB);
    const wanted = task(url, { sha256: sha256(file), format: 'qcow2' });
    assert.equal(await writeImage(wanted, context(hardware)), {
      diskSerialNumber: 'S',
      bytes: whole.length,
      sha256: sha256(whole),
    });
    assert.ok(bytes.subarray(0, whole.length).equals(whole));
    const before = writes.length;
    const wrong = task(url, { sha256: sha256(whole), format: 'qcow2' });
    assert.is((await failure(writeImage(wrong, context(hardware)))).code, 'ImageDigestMismatch');
    assert.is(writes.length, before, 'it is known before anything is touched');
  });
});

test('a mirror without ranges that breaks off is read again from the start, and what came is not written twice', () => {
  let answers = 0;
  const answer = (_request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('content-length', image.length);
    if (answers++ > 0) response.end(image);
    else response.write(image.subarray(0, 2 * MIB), () => response.destroy());
  };
  return serving(answer, async (url) => {
    const { bytes, hardware } = disk(8 * MIB);
    await writeImage(task(url, { sha256: sha256(image) }), context(hardware));
    assert.is(answers, 2);
    assert.ok(bytes.subarray(0, image.length).equals(image));
  });
});

test('a connection that breaks behind the last byte is no reason to give up', () => {
  let answers = 0;
  const answer = ({ headers }: IncomingMessage, response: ServerResponse) => {
    // Chunked, and the last chunk, which is empty, does not come.
    if (answers++ === 0) return void response.write(image, () => setImmediate(() => response.destroy()));
    assert.is(headers.range, `bytes=${image.length}-`);
    response.writeHead(416, { 'content-range': `bytes */${image.length}` }).end();
  };
  return serving(answer, async (url) => {
    const { bytes, hardware } = disk(8 * MIB);
    await writeImage(task(url, { sha256: sha256(image) }), context(hardware));
    assert.is(answers, 2);
    assert.ok(bytes.subarray(0, image.length).equals(image));
  });
});

test('what cannot be had says so without the secrets in its address', () => {
  const answer = (_request: IncomingMessage, response: ServerResponse) => {
    response.statusCode = 403;
    response.end();
  };
  return serving(answer, async (url) => {
    const { hardware, writes } = disk(8 * MIB);
    const error = await failure(writeImage(task(url, { sha256: sha256(image) }), context(hardware)));
    assert.equal([error.code, error.class], ['ImageUnavailable', 'permanent']);
    assert.not.ok(error.message.includes('secret'));
    assert.equal(writes, [], 'nothing is touched before the image is there');
  });
});

test('an image of another format, and a disk that is not there, are refused before anything is touched', async () => {
  const { hardware, writes } = disk(8 * MIB);
  const tar = task('http://127.0.0.1:1/', { format: 'tar' });
  assert.is((await failure(writeImage(tar, context(hardware)))).code, 'UnsupportedImage');
  const packed = task('http://127.0.0.1:1/', { format: 'qcow2', compression: 'gzip' });
  assert.is((await failure(writeImage(packed, context(hardware)))).code, 'UnsupportedImage');
  const missing = { ...task('http://127.0.0.1:1/', {}), diskSerialNumber: 'T' };
  assert.is((await failure(writeImage(missing, context(hardware)))).code, 'DiskMissing');
  assert.equal(writes, []);
});

test.run();
