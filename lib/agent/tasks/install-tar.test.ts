// What is on a simulated machine's disk after each way in which unpacking a tar to it can end.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WriteImageTask } from '../../provision/protocol.ts';
import { guidOf } from '../../provision/volumes/partitions.ts';
import { buildTar } from '../../sim/image.ts';
import { bareHardware } from '../../sim/machine/bare-hardware.ts';
import type { AgentError } from '../errors.ts';
import type { Hardware } from '../hardware.ts';
import { TAR_END, tarEntry } from '../tar-entry.ts';
import { writeImage } from './write-image.ts';

const MIB = 1024 * 1024;
const TAR = buildTar('tiny-tar', 2 * MIB);
const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function machine() {
  const { store, hardware, disks } = bareHardware(never);
  return { store, hardware, disk: disks[0]! };
}

/** Has the file written, and says how it ended; and of what is on the disk whether it boots, and how many partitions there are. */
async function install(
  file: Buffer,
  image: Partial<WriteImageTask['image']> = {},
  change: (hardware: Hardware) => Hardware = (hardware) => hardware,
) {
  const { store, hardware, disk } = machine();
  using _store = store;
  const server = createServer((_request, response) => response.end(file));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { serialNumber } = disk.facts;
  const system = {
    partitions: [
      { id: guidOf('swap'), fileSystem: 'swap', sizeBytes: 16 * MIB },
      { id: guidOf('root'), fileSystem: 'ext4', mountPoint: '/' },
    ],
    kernelArguments: 'quiet',
  } as const;
  const task: WriteImageTask = {
    id: 'o/image/1',
    kind: 'write-image',
    diskSerialNumber: serialNumber,
    image: {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      sha256: sha256(file),
      format: 'tar',
      compression: 'none',
      system,
      ...image,
    },
  };
  const percents: number[] = [];
  const progress = (percent: number) => percents.push(percent);
  try {
    const ended = await writeImage(task, { hardware: change(hardware), signal: never, progress }).catch(
      (error: AgentError) => error.code,
    );
    const partitions = await hardware.partitions(serialNumber, never);
    return { ended, percents, system: disk.installed()?.image, partitions: partitions.length, serialNumber };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

for (const [compression, pack] of [
  ['none', (tar: Buffer) => tar],
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const) {
  test(`a tar is unpacked to partitions, read back, and made bootable last (${compression})`, async () => {
    const { ended, percents, system, partitions, serialNumber } = await install(pack(TAR), { compression });
    assert.equal(ended, { diskSerialNumber: serialNumber, bytes: TAR.length, sha256: sha256(TAR) });
    assert.equal([system, partitions], ['tiny-tar', 4]);
    assert.equal(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.is(percents.at(-1), 100);
  });
}

const refused = (code: string) => ({ ended: code, system: undefined, partitions: 0 });
async function ending(...args: Parameters<typeof install>) {
  const { ended, system, partitions } = await install(...args);
  return { ended, system, partitions };
}

test('whatever goes wrong leaves a disk that nothing boots from, and no partitions', async () => {
  assert.equal(await ending(TAR, { sha256: 'ab'.repeat(32) }), refused('ImageDigestMismatch'));
  assert.equal(await ending(TAR.subarray(0, -1024)), refused('UnsupportedImage'));
  assert.equal(await ending(gzipSync(TAR).subarray(0, -1000), { compression: 'gzip' }), refused('UnsupportedImage'));
  assert.equal(await ending(Buffer.alloc(MIB, 'no tar')), refused('UnsupportedImage'));
  const noKernel = Buffer.concat([tarEntry('etc/shadow', Buffer.from('root:*')), TAR_END]);
  assert.equal(await ending(noKernel), refused('NoSystem'));
});

test('a file that is read back as another one is an error', async () => {
  const lying = (hardware: Hardware): Hardware => ({
    ...hardware,
    fileDigests: async (_serial, _mounts, paths, tell) => {
      for (const path of paths) tell(path, sha256(Buffer.from(path)));
    },
  });
  assert.equal(await ending(TAR, {}, lying), refused('ReadBackMismatch'));
});

test('partitions that the disk has no room for are refused before anything is written', async () => {
  const partitions = [{ id: guidOf('root'), fileSystem: 'ext4', sizeBytes: 2 ** 50, mountPoint: '/' }] as const;
  const untouched = (hardware: Hardware): Hardware => ({
    ...hardware,
    write: () => Promise.reject(new Error('something is written')),
  });
  const told = await ending(TAR, { system: { partitions, kernelArguments: '' } }, untouched);
  assert.equal(told, refused('ImageTooLarge'));
});

test('a tar without partitions, and a disk image with some, are not for this agent', async () => {
  const { system: _, ...image } = { system: undefined, format: 'raw' } as const;
  assert.is((await ending(TAR, image)).ended, 'UnsupportedImage');
});

test.run();
