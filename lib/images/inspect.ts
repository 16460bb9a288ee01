// What an image is, from its bytes: the digest of the file, how it is packed, how it holds the disk, in which modes it boots.
//
// Source: RFC 1952 §2.3.1 (gzip), RFC 8878 §3.1.1 (zstd), the XZ file format §2.1.1.1; QEMU's docs/interop/qcow2.txt; POSIX
// pax §ustar; UEFI specification §5.2 and §5.3 (MBR and GPT).
import { createHash } from 'node:crypto';
import { createGunzip, createZstdDecompress } from 'node:zlib';

export interface InspectedImage {
  /** Of the file as it is, hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly compression: 'none' | 'gzip' | 'zstd' | 'xz';
  /** Undefined where it cannot be told: what is packed as xz is not looked into. */
  readonly format: 'raw' | 'qcow2' | 'tar' | undefined;
  /** Of a raw disk; empty where it cannot be told. */
  readonly bootModes: readonly ('BIOS' | 'UEFI')[];
}

/** As much of the disk's beginning is looked at: boot sector, tables, and where a tar's first entry names itself. */
const HEAD_BYTES = 64 * 1024;
/** As much of the file is kept to be unpacked for that. */
const PACKED_HEAD_BYTES = 4 * 1024 * 1024;
const SECTOR = 512;

/** Reads the file once, to its end. @throws what the source throws */
export async function inspectImage(file: AsyncIterable<Uint8Array>): Promise<InspectedImage> {
  const digest = createHash('sha256');
  const kept: Uint8Array[] = [];
  let [keptBytes, bytes] = [0, 0];
  for await (const chunk of file) {
    digest.update(chunk);
    bytes += chunk.length;
    if (keptBytes >= PACKED_HEAD_BYTES) continue;
    kept.push(Buffer.from(chunk));
    keptBytes += chunk.length;
  }
  const packed = Buffer.concat(kept);
  const compression = compressionOf(packed);
  const head = await unpackedHead(packed, compression);
  const format = head && formatOf(head);
  const bootModes = head && format === 'raw' ? bootModesOf(head) : [];
  return { sha256: digest.digest('hex'), bytes, compression, format, bootModes };
}

const PACKINGS = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
] as const;

function compressionOf(head: Buffer): InspectedImage['compression'] {
  return PACKINGS.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0] ?? 'none';
}

/** The beginning of what is packed, from the beginning of the file. */
async function unpackedHead(packed: Buffer, compression: InspectedImage['compression']): Promise<Buffer | undefined> {
  if (compression === 'none') return packed.subarray(0, HEAD_BYTES);
  if (compression === 'xz') return undefined;
  const unpacker = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  const parts: Buffer[] = [];
  let bytes = 0;
  unpacker.end(packed);
  try {
    for await (const part of unpacker as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= HEAD_BYTES) break;
    }
  } catch (error) {
    // The file goes on behind what was kept of it; only what came before that counts.
    if (bytes === 0) throw error;
  }
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

function formatOf(head: Buffer): 'raw' | 'qcow2' | 'tar' {
  if (head.subarray(0, 4).equals(Buffer.from('QFI\xfb', 'latin1'))) return 'qcow2';
  return head.subarray(257, 262).toString('latin1') === 'ustar' ? 'tar' : 'raw';
}

/** A code in the boot sector starts a BIOS; a partition of UEFI's type, an UEFI. */
function bootModesOf(head: Buffer): ('BIOS' | 'UEFI')[] {
  const modes: ('BIOS' | 'UEFI')[] = [];
  if (head.length < SECTOR || head.readUInt16LE(510) !== 0xaa55) return modes;
  if (head.subarray(0, 440).some((byte) => byte !== 0)) modes.push('BIOS');
  if (hasEfiPartition(head)) modes.push('UEFI');
  return modes;
}

/** C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it stands on a disk. */
const EFI_TYPE = Buffer.from('28732ac11ff8d211ba4b00a0c93ec93b', 'hex');
const EFI_MBR_TYPE = 0xef;

function hasEfiPartition(head: Buffer): boolean {
  const mbrTypes = [0, 1, 2, 3].map((index) => head[446 + 16 * index + 4]);
  if (mbrTypes.includes(EFI_MBR_TYPE)) return true;
  if (head.toString('latin1', SECTOR, SECTOR + 8) !== 'EFI PART') return false;
  const start = Number(head.readBigUInt64LE(SECTOR + 72)) * SECTOR;
  const [count, size] = [head.readUInt32LE(SECTOR + 80), head.readUInt32LE(SECTOR + 84)];
  for (let at = start; at + 16 <= head.length && at < start + count * size; at += Math.max(size, 128)) {
    if (head.subarray(at, at + 16).equals(EFI_TYPE)) return true;
  }
  return false;
}
