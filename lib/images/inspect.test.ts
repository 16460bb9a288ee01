// Images are told by their bytes, whichever way they are packed, and in pieces of any size.
import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inspectImage } from './inspect.ts';

async function* pieces(bytes: Buffer, length = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const MIB = 1024 * 1024;
const NOISE = createHash('shake256', { outputLength: 5 * MIB })
  .update('noise')
  .digest();

/** A disk that stays larger than what is kept of it, however it is packed; its beginning as a case says. */
function disk(...parts: readonly (readonly [offset: number, bytes: Buffer])[]): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(MIB), NOISE]);
  for (const [offset, part] of parts) part.copy(bytes, offset);
  return bytes;
}

const SIGNATURE = [510, Buffer.from([0x55, 0xaa])] as const;
const CODE = [0, Buffer.from([0xeb, 0x63])] as const;
const GPT = Buffer.alloc(92);
GPT.write('EFI PART', 0, 'latin1');
GPT.writeBigUInt64LE(2n, 72);
GPT.writeUInt32LE(128, 80);
GPT.writeUInt32LE(128, 84);
const EFI_ENTRY = [1024 + 128, Buffer.from('28732ac11ff8d211ba4b00a0c93ec93b', 'hex')] as const;
const EFI_GPT = [[512, GPT], EFI_ENTRY] as const;
const EFI_MBR = [446 + 16 + 4, Buffer.from([0xef])] as const;

const CASES = [
  ['a disk for both firmwares', disk(SIGNATURE, CODE, ...EFI_GPT), 'raw', ['BIOS', 'UEFI']],
  ['a disk for BIOS', disk(SIGNATURE, CODE), 'raw', ['BIOS']],
  ['a disk for UEFI', disk(SIGNATURE, ...EFI_GPT), 'raw', ['UEFI']],
  ['a disk with an old table for UEFI', disk(SIGNATURE, EFI_MBR), 'raw', ['UEFI']],
  ['a disk that does not boot', disk(), 'raw', []],
  ['qcow2', disk([0, Buffer.from('QFI\xfb', 'latin1')]), 'qcow2', []],
  ['a tar', disk([257, Buffer.from('ustar')]), 'tar', []],
] as const;

for (const [what, bytes, format, bootModes] of CASES) {
  for (const [compression, pack] of [
    ['none', (raw: Buffer) => raw],
    ['gzip', (raw: Buffer) => gzipSync(raw, { level: 1 })],
    ['zstd', zstdCompressSync],
  ] as const) {
    test(`${what}, ${compression}`, async () => {
      const file = pack(bytes);
      const sha256 = createHash('sha256').update(file).digest('hex');
      const seen = await inspectImage(pieces(file, 65_000));
      assert.equal(seen, { sha256, bytes: file.length, compression, format, bootModes });
    });
  }
}

test('what is packed as xz is not looked into; a file of a few bytes is no error', async () => {
  const xz = Buffer.from('fd377a585a000000', 'hex');
  const { compression, format } = await inspectImage(pieces(xz, 1));
  assert.equal([compression, format], ['xz', undefined]);
  assert.is((await inspectImage(pieces(Buffer.alloc(0)))).format, 'raw');
});

test.run();
