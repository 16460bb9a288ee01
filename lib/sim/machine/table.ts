// A simulated partition table: in the first sectors of a disk, as a real one, told by a magic word.
import type { Partition } from '../../provision/volumes/partitions.ts';

export const TABLE_BYTES = 16 * 1024;
const MAGIC = 'BMPSIMPT';

export function writeTable(partitions: readonly Partition[]): Buffer {
  const bytes = Buffer.alloc(TABLE_BYTES);
  bytes.write(MAGIC + JSON.stringify(partitions), 'latin1');
  return bytes;
}

/** None where there is no table. */
export function readTable(bytes: Buffer): readonly Partition[] {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return [];
  const text = bytes.toString('latin1', MAGIC.length);
  return JSON.parse(text.slice(0, text.indexOf('\0'))) as Partition[];
}
