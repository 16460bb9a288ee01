// A simulated boot loader's mark behind the partition table: where on the disk the archive is that the system was unpacked
// from, and its digest. Simulated file systems hold the archive as it is.
import { TABLE_BYTES } from './table.ts';

/** In bytes of the disk's beginning. */
const PLACE = TABLE_BYTES;
const LENGTH = 512;
const MAGIC = 'BMPSIMGO';
/** All that is read of a disk's beginning. */
export const BOOT_RECORD = { offset: PLACE, bytes: LENGTH };

export interface BootRecord {
  readonly startBytes: number;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export function writeBootRecord(record: BootRecord): Buffer {
  const bytes = Buffer.alloc(LENGTH);
  bytes.write(MAGIC + JSON.stringify(record), 'latin1');
  return bytes;
}

/** Undefined where there is none. */
export function readBootRecord(bytes: Buffer): BootRecord | undefined {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const text = bytes.toString('latin1', MAGIC.length);
  return JSON.parse(text.slice(0, text.indexOf('\0'))) as BootRecord;
}
