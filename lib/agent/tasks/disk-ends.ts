// Both ends of a disk: what stands there decides whether and what a firmware boots.
import type { Hardware } from '../hardware.ts';
import type { Target } from '../target.ts';

/** Boot sector, partition table with its entries, and a BIOS boot loader's core behind them. */
export const HEAD_BYTES = 1024 * 1024;

export async function clearEnds(hardware: Hardware, disk: Target, signal: AbortSignal): Promise<void> {
  const bytes = Math.min(HEAD_BYTES, disk.sizeBytes);
  await hardware.write(disk.serialNumber, 0, once(Buffer.alloc(bytes)), signal);
  await hardware.write(disk.serialNumber, disk.sizeBytes - bytes, once(Buffer.alloc(bytes)), signal);
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
