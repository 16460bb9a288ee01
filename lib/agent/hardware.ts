// The one small interface through which the agent touches a machine: Linux's tools, or the simulator's machine.
//
// Disks are named by serial number, never by kernel name: names move between boots. Where a disk is read or written by its
// serial number, an array is by its id, and is started if it was not. Every call may be repeated. A call
// whose signal aborts ends soon and then touches nothing any more. Errors are AgentError (errors.ts); what a call throws
// beside DiskMissing (no disk, or more than one, has that serial number) and DiskFailed is said with it.
import type {
  ArrayFacts,
  ArrayOrder,
  DiskFacts,
  Inventory,
  MachineIdentity,
  SeedFiles,
  WipeRecord,
} from '../provision/protocol.ts';
import type { Mount, Partition } from '../provision/volumes/partitions.ts';

export type Percent = (percent: number) => void;

export interface Hardware {
  identity(): Promise<MachineIdentity>;
  /** Those that a RAID controller keeps for itself as well; these are read and written as arrays alone. */
  disks(): Promise<readonly DiskFacts[]>;
  inventory(signal: AbortSignal): Promise<Inventory>;
  /**
   * Every array that disks say they belong to, or that a controller has made, by whomever it was asked, whether it runs or
   * not; and whatever else holds disks at a controller, such as a spare. Throws ArrayRefused where a controller does not tell.
   */
  arrays(signal: AbortSignal): Promise<readonly ArrayFacts[]>;
  /**
   * Makes an array of disks that are in none, and starts it; what they held is lost. Throws ArrayForeign, with nothing
   * written, where one of them is in another array; ControllerNotDriven; ArrayRefused where it is not made.
   */
  createArray(order: ArrayOrder, signal: AbortSignal): Promise<void>;
  /** Stops an array, and its disks belong to none any more. Nothing where there is no such array. */
  removeArray(id: string, signal: AbortSignal): Promise<void>;
  /** Writes from an offset on, in order, and syncs. Throws ImageTooLarge beyond the end of the disk. */
  write(
    diskSerialNumber: string,
    offset: number,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<{ bytes: number }>;
  /** What is on the disk now, as the disk itself tells it and not a cache: exactly so many bytes from an offset on. */
  read(diskSerialNumber: string, offset: number, bytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Makes a GPT with these partitions and their file systems; what was there is lost. Throws DiskFailed. */
  format(serialNumber: string, partitions: readonly Partition[], signal: AbortSignal): Promise<void>;
  /** Unique GUIDs of the partitions there are, in lower case; none where there is no table. */
  partitions(serialNumber: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Unpacks a tar into the file systems that `format` has made, mounted as they will be. Throws ImageTooLarge where they are
   * full, UnsupportedImage where it is no tar, and the archive's own errors.
   */
  unpack(
    serialNumber: string,
    mounts: readonly Mount[],
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Tells SHA-256 (hex) of the files at these paths, without / at their beginning, as the disk itself tells them and not a
   * cache; undefined for what is no file. What `tell` throws ends it.
   */
  fileDigests(
    serialNumber: string,
    mounts: readonly Mount[],
    paths: Iterable<string>,
    tell: (path: string, digest: string | undefined) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Has what was unpacked mount these, and the firmware boot it, be that BIOS or UEFI, from the partitions that `layOutSystem`
   * laid out for that; this comes last. Throws NoSystem where there is none with a kernel.
   */
  makeBootable(
    serialNumber: string,
    mounts: readonly Mount[],
    kernelArguments: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** Has the installed system mount these, and none that were put there before. Throws NoSystem when there is none on the disk. */
  putMounts(diskSerialNumber: string, mounts: readonly Mount[], signal: AbortSignal): Promise<void>;
  /**
   * Puts a NoCloud seed where the installed system finds it (a partition labelled CIDATA at the end of the disk). Throws
   * UnsupportedImage where that is an array and the system knows none.
   */
  writeSeed(diskSerialNumber: string, files: SeedFiles, signal: AbortSignal): Promise<void>;
  /** Sets a user's password hash in the installed system. Throws NoSystem when there is none on the disk. */
  setPassword(diskSerialNumber: string, user: string, passwordHash: string, signal: AbortSignal): Promise<void>;
  /**
   * Destroys everything on the disk, which is in no array any more, by the best way that it offers, and verifies by reading samples back: see wiping.ts.
   * Of a disk that a controller keeps, all that this gives. Throws DiskReadOnly, or WipeNotVerified when one was not empty.
   */
  wipe(diskSerialNumber: string, progress: Percent, signal: AbortSignal): Promise<WipeRecord>;
}
