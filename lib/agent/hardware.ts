// The one small interface through which the agent touches a machine: Linux's tools, or the simulator's machine.
//
// Disks are named by serial number, never by kernel name: names move between boots. Every call may be repeated. A call
// whose signal aborts ends soon and then touches nothing any more. Errors are AgentError (errors.ts); what a call throws
// beside DiskMissing (no disk, or more than one, has that serial number) and DiskFailed is said with it.
import type { DiskFacts, Inventory, MachineIdentity, SeedFiles, WipeRecord } from '../provision/protocol.ts';

export type Percent = (percent: number) => void;

export interface Hardware {
  identity(): Promise<MachineIdentity>;
  disks(): Promise<readonly DiskFacts[]>;
  inventory(signal: AbortSignal): Promise<Inventory>;
  /** Writes from an offset on, in order, and syncs. Throws ImageTooLarge beyond the end of the disk. */
  write(
    diskSerialNumber: string,
    offset: number,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<{ bytes: number }>;
  /** What is on the disk now, as the disk itself tells it and not a cache: exactly so many bytes from an offset on. */
  read(diskSerialNumber: string, offset: number, bytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Puts a NoCloud seed where the installed system finds it (a partition labelled CIDATA at the end of the disk). */
  writeSeed(diskSerialNumber: string, files: SeedFiles, signal: AbortSignal): Promise<void>;
  /** Sets a user's password hash in the installed system. Throws NoSystem when there is none on the disk. */
  setPassword(diskSerialNumber: string, user: string, passwordHash: string, signal: AbortSignal): Promise<void>;
  /**
   * Destroys everything on the disk by the best way that it offers, and verifies by reading samples back: see wiping.ts.
   * Throws DiskReadOnly, or WipeNotVerified when one was not empty.
   */
  wipe(diskSerialNumber: string, progress: Percent, signal: AbortSignal): Promise<WipeRecord>;
}
