// qcow2 images: what a file's tables say of where the disk's bytes are. Pure; whoever reads the file is elsewhere.
//
// Source: QEMU's docs/interop/qcow2.txt. Read: versions 2 and 3, sparse and compressed (deflate, zstd). Not read, and said
// so: backing files, encryption, external data files, extended L2 entries, images with errors on record.
import { AgentError } from './errors.ts';

export interface Qcow2Header {
  /** Of the disk. */
  readonly diskBytes: number;
  readonly clusterBytes: number;
  readonly clusterBits: number;
  readonly compression: 'deflate' | 'zstd';
  readonly l1Offset: number;
  readonly l1Entries: number;
}

/** Where a cluster of the disk is in the file. */
export type Cluster =
  | { readonly type: 'zeros' }
  | { readonly type: 'plain'; readonly offset: number }
  /** At most so many bytes: the packed data may end before. */
  | { readonly type: 'packed'; readonly offset: number; readonly bytes: number };

/** As much of the file as the header takes. */
export const HEADER_BYTES = 112;
const V2_HEADER_BYTES = 72;
const ENTRY_BYTES = 8;
const MAGIC = 0x514649fb;
const SECTOR = 512;
/** Incompatible features (v3): dirty, corrupt, external data file, compression type, extended L2. */
const INCOMPATIBLE = { dirty: 1, compressionType: 8 } as const;
const LARGEST_DISK = 2 ** 50;

/** @throws AgentError UnsupportedImage */
export function parseHeader(bytes: Buffer): Qcow2Header {
  if (bytes.length < V2_HEADER_BYTES || bytes.readUInt32BE(0) !== MAGIC) throw unsupported('it is none');
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsupported(`it is of version ${version}`);
  if (bytes.readBigUInt64BE(8) !== 0n) throw unsupported('it has a backing file');
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw unsupported(`its clusters have 2^${clusterBits} bytes`);
  const diskBytes = Number(bytes.readBigUInt64BE(24));
  if (diskBytes === 0 || diskBytes > LARGEST_DISK || diskBytes % SECTOR !== 0)
    throw unsupported(`its disk has ${diskBytes} bytes`);
  if (bytes.readUInt32BE(32) !== 0) throw unsupported('it is encrypted');
  const features = version === 3 && bytes.length >= 80 ? Number(bytes.readBigUInt64BE(72)) : 0;
  const unknown = features & ~(INCOMPATIBLE.dirty | INCOMPATIBLE.compressionType);
  if (unknown !== 0) throw unsupported(`it has features 0x${unknown.toString(16)}`);
  const clusterBytes = 2 ** clusterBits;
  const l1Entries = bytes.readUInt32BE(36);
  const perTable = (clusterBytes / ENTRY_BYTES) * clusterBytes;
  if (l1Entries < Math.ceil(diskBytes / perTable) || l1Entries > LARGEST_DISK / perTable + 1)
    throw unsupported('its first table does not fit its disk');
  const isZstd = (features & INCOMPATIBLE.compressionType) !== 0 && bytes[104] === 1;
  return {
    diskBytes,
    clusterBytes,
    clusterBits,
    compression: isZstd ? 'zstd' : 'deflate',
    l1Offset: Number(bytes.readBigUInt64BE(40)),
    l1Entries: Math.ceil(diskBytes / perTable),
  };
}

const OFFSET = 0x00ff_ffff_ffff_fe00n;
const PACKED = 1n << 62n;
const ZEROS = 1n;

/** Offsets of the second tables, 0 where there is none: the disk is empty there. */
export function parseL1(table: Buffer, { l1Entries }: Qcow2Header): number[] {
  return Array.from({ length: l1Entries }, (_, index) => Number(table.readBigUInt64BE(index * ENTRY_BYTES) & OFFSET));
}

/** The clusters of one second table, which is one cluster long. */
export function parseL2(table: Buffer, header: Qcow2Header): Cluster[] {
  return Array.from({ length: header.clusterBytes / ENTRY_BYTES }, (_, index) =>
    parseCluster(table.readBigUInt64BE(index * ENTRY_BYTES), header),
  );
}

function parseCluster(entry: bigint, { clusterBits }: Qcow2Header): Cluster {
  if (entry & PACKED) {
    // The offset takes the low bits, the count of further sectors the ones above.
    const offsetBits = BigInt(62 - (clusterBits - 8));
    const offset = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number((entry & (PACKED - 1n)) >> offsetBits) + 1;
    return { type: 'packed', offset, bytes: sectors * SECTOR - (offset % SECTOR) };
  }
  const offset = Number(entry & OFFSET);
  return entry & ZEROS || offset === 0 ? { type: 'zeros' } : { type: 'plain', offset };
}

function unsupported(why: string): AgentError {
  return new AgentError('UnsupportedImage', `this qcow2 image cannot be read: ${why}`);
}
