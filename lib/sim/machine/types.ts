// The words in which simulated machines are configured, disturbed and recorded.
import type { Inventory } from '../../provision/protocol.ts';

/** How long things take, in milliseconds. */
export interface Timings {
  /** From a power command to the power. */
  readonly power: number;
  /** From power-on to the choice of a boot source. */
  readonly post: number;
  /** From the boot script to the agent's start. */
  readonly liveBoot: number;
  /** From the disk's boot loader to a system that reports in. */
  readonly systemBoot: number;
  readonly systemShutdown: number;
  /** Between two tries of whatever a machine repeats: a report, a network boot that was not answered. */
  readonly retry: number;
  /** After this long without an answer the firmware gives up its network boot. */
  readonly networkBoot: number;
  /** What writing takes per MiB, beside the work itself. */
  readonly writePerMiB: number;
  readonly wipePerDisk: number;
}

/** Fast enough to watch, slow enough to see. */
export const WATCHABLE: Timings = {
  power: 300,
  post: 2_000,
  liveBoot: 2_000,
  systemBoot: 3_000,
  systemShutdown: 1_500,
  retry: 1_000,
  networkBoot: 60_000,
  writePerMiB: 250,
  wipePerDisk: 2_000,
};

/** No waiting on hardware: what remains is the work of operator and agent. */
export const INSTANT: Timings = {
  power: 0,
  post: 0,
  liveBoot: 0,
  systemBoot: 0,
  systemShutdown: 0,
  retry: 50,
  networkBoot: 60_000,
  writePerMiB: 0,
  wipePerDisk: 0,
};

export type MachineState =
  | 'off'
  | 'post'
  | 'network-boot'
  | 'live'
  | 'system-boot'
  | 'system'
  | 'shutting-down'
  | 'no-boot-device'
  | 'hung';

/** What happened to a machine: enough to prove afterwards what was done to which disk, for which operation. */
export interface JournalEntry {
  readonly machine: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly what:
    | 'power'
    | 'boot'
    | 'configure-raid'
    | 'write-image'
    | 'prepare-volumes'
    | 'write-seed'
    | 'set-password'
    | 'wipe';
  /** Serial number, or the id of an array. */
  readonly disk?: string;
  /** Of an array: serial numbers of its disks. */
  readonly members?: readonly string[];
  /** write-image: of the whole image as it is on the disk. */
  readonly sha256?: string;
  readonly bytes?: number;
  /** The agent's task that did it; it begins with the operation's id. */
  readonly taskId?: string;
  /** power: On, Off, Reset, Restored. boot: network, disk, none. configure-raid: the level. write-image: begun, complete. set-password: the user. wipe: the method. */
  readonly detail?: string;
}

export type Fault =
  /** The agent reports another serial number. */
  | { readonly kind: 'other-serial'; readonly serialNumber: string }
  /** The BMC accepts commands, the power stays as it is. */
  | { readonly kind: 'power-stuck' }
  /** The live OS comes up, its agent never speaks; one that is at work falls silent. */
  | { readonly kind: 'agent-silent' }
  /** The firmware hangs before it chooses a boot source. */
  | { readonly kind: 'boot-hangs' }
  /** Somebody has changed the hardware: it is collected otherwise than the profile has it. */
  | { readonly kind: 'other-hardware'; readonly inventory: Partial<Inventory> }
  /** The disk of that serial number: says that it has erased itself, and has not; keeps its data whatever is written;
   * cannot be written to; or gives an error. */
  | { readonly kind: 'disk'; readonly serialNumber: string; readonly does: DiskFault }
  /** Whoever makes arrays: refuses; says that it has made one, and has not; or makes one that lacks a disk. */
  | { readonly kind: 'raid'; readonly does: RaidFault };

export type RaidFault = 'refuses' | 'lies' | 'degrades';

export type DiskFault = 'erase-lies' | 'keeps-data' | 'read-only' | 'fails';
