// The fleet's "operating systems": small disk images, the same bytes for the same name in every run, that a simulated
// firmware can tell whole from broken, as a boot loader does when it checks what it loads.
//
// Layout: one sector with a magic word, the header as JSON, and the boot signature in its last two bytes; then the
// content, made up from the name.
import { createCipheriv, createHash } from 'node:crypto';
import { TAR_END, tarEntry } from '../agent/tar-entry.ts';

export const SECTOR_BYTES = 512;
const MAGIC = 'BMPSIMOS';
const SIGNATURE = 0xaa55;
const MIB = 1024 * 1024;

export interface ImageHeader {
  readonly name: string;
  /** Of the whole image. */
  readonly bytes: number;
  /** Of what follows the first sector, hex. */
  readonly contentSHA256: string;
}

/** What the fleet's mirror serves. */
export const IMAGES: readonly { readonly name: string; readonly bytes: number; readonly format: 'raw' | 'tar' }[] = [
  { name: 'debian-12', bytes: 8 * MIB, format: 'raw' },
  { name: 'debian-13', bytes: 8 * MIB, format: 'raw' },
  { name: 'tiny', bytes: 2 * MIB, format: 'raw' },
  { name: 'tiny-tar', bytes: 2 * MIB, format: 'tar' },
];

export function buildImage(name: string, bytes: number): Buffer {
  const secret = createHash('sha256').update(`image ${name}`).digest();
  const stream = createCipheriv('aes-256-ctr', secret, Buffer.alloc(16));
  const content = stream.update(Buffer.alloc(bytes - SECTOR_BYTES));
  const header: ImageHeader = { name, bytes, contentSHA256: createHash('sha256').update(content).digest('hex') };
  const sector = Buffer.alloc(SECTOR_BYTES);
  sector.write(MAGIC + JSON.stringify(header), 'latin1');
  sector.writeUInt16LE(SIGNATURE, SECTOR_BYTES - 2);
  return Buffer.concat([sector, content]);
}

/** The same as the only file of a tar. */
export const buildTar = (name: string, bytes: number): Buffer =>
  Buffer.concat([tarEntry('boot/system', buildImage(name, bytes)), TAR_END]);

/** The header in a disk's first sector; undefined when there is nothing to boot there. */
export function readImageHeader(sector: Buffer): ImageHeader | undefined {
  if (sector.readUInt16LE(SECTOR_BYTES - 2) !== SIGNATURE || sector.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    return undefined;
  }
  const text = sector.toString('latin1', MAGIC.length, SECTOR_BYTES - 2);
  return JSON.parse(text.slice(0, text.indexOf('\0'))) as ImageHeader;
}
