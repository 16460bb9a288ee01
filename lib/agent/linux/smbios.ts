// Memory modules from the SMBIOS tables, as Linux hands them out in /sys/firmware/dmi/tables/DMI.
//
// Source: DMTF DSP0134 (SMBIOS 3.6), §6.1.2 (structures) and §7.18 (type 17, Memory Device).
import type { MemoryModuleFacts } from '../../provision/protocol.ts';

const MEMORY_DEVICE = 17;
const END_OF_TABLE = 127;
const MIB = 1024 * 1024;

/** §7.18.2; the ones that servers have. */
const MEMORY_TYPES: Readonly<Record<number, string>> = {
  19: 'DDR2',
  24: 'DDR3',
  26: 'DDR4',
  34: 'DDR5',
  7: 'RAM',
};

interface Structure {
  readonly type: number;
  /** With its header. */
  readonly body: Buffer;
  readonly strings: readonly string[];
}

/** Stops, without an error, where the table is cut off. */
export function* structures(table: Buffer): Generator<Structure> {
  for (let at = 0; at + 4 <= table.length; ) {
    const type = table[at]!;
    const length = table[at + 1]!;
    if (length < 4 || at + length > table.length) return;
    const body = table.subarray(at, at + length);
    const end = table.indexOf('\0\0', at + length, 'latin1');
    if (end < 0) return;
    const strings = table.toString('latin1', at + length, end).split('\0');
    yield { type, body, strings: strings[0] === '' ? [] : strings };
    if (type === END_OF_TABLE) return;
    at = end + 2;
  }
}

/** Of slots that hold a module. */
export function memoryModules(table: Buffer): MemoryModuleFacts[] {
  return [...structures(table)].flatMap(({ type, body, strings }) => {
    const sizeBytes = type === MEMORY_DEVICE ? moduleSize(body) : 0;
    if (sizeBytes === 0) return [];
    return [
      {
        slot: strings[(body[0x10] ?? 0) - 1]?.trim() || 'unknown',
        sizeBytes,
        type: MEMORY_TYPES[body[0x12] ?? 0] ?? 'unknown',
        speedMTs: body.length >= 0x17 ? body.readUInt16LE(0x15) : 0,
      },
    ];
  });
}

/** §7.18.1: MiB, or KiB with the top bit; 0x7fff says "in the extended field", 0xffff "unknown". */
function moduleSize(body: Buffer): number {
  if (body.length < 0x0e) return 0;
  const size = body.readUInt16LE(0x0c);
  if (size === 0xffff) return 0;
  if (size === 0x7fff) return body.length >= 0x20 ? (body.readUInt32LE(0x1c) & 0x7fff_ffff) * MIB : 0;
  return size & 0x8000 ? (size & 0x7fff) * 1024 : size * MIB;
}
