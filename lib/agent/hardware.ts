// The one small interface through which the agent touches a machine: Linux's tools, or the simulator's machine.
//
// Disks are named by serial number, never by kernel name: names move between boots. Every call may be repeated.
import type { DiskFacts, Inventory, MachineIdentity, SeedFiles, WipeRecord } from '../provision/protocol.ts';

export type Percent = (percent: number) => void;

export interface Hardware {
  identity(): Promise<MachineIdentity>;
  disks(): Promise<readonly DiskFacts[]>;
  inventory(signal: AbortSignal): Promise<Inventory>;
  /** Writes from the start of the disk, in order, and syncs. Throws DiskMissing, DiskFailed, ImageTooLarge (see errors.ts). */
  write(diskSerialNumber: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ bytes: number }>;
  /** What is on the disk now, from the start: used to read back what was written. */
  read(diskSerialNumber: string, bytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Puts a NoCloud seed where the installed system finds it (a partition labelled CIDATA at the end of the disk). */
  writeSeed(diskSerialNumber: string, files: SeedFiles, signal: AbortSignal): Promise<void>;
  /** Sets a user's password hash in the installed system. Throws NoSystem when there is none on the disk. */
  setPassword(diskSerialNumber: string, user: string, passwordHash: string, signal: AbortSignal): Promise<void>;
  /** Destroys everything on the disk by the best way that it offers, and verifies by reading samples back. */
  wipe(diskSerialNumber: string, progress: Percent, signal: AbortSignal): Promise<WipeRecord>;
}
