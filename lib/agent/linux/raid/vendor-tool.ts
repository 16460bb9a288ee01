// What a vendor's program tells of RAID controllers, and what it is asked: the same for all of them.
//
// Programs differ in their words alone: here are plain values to be read and lists of arguments to be run, and
// logical-drives.ts does the rest for all of them.
import type { ArrayFacts, ControllerFacts, DiskFacts } from '../../../provision/protocol.ts';
import type { ArrayLevel } from '../../../provision/volumes/raid.ts';
import type { Outcome } from '../command.ts';

/** A disk that the controller keeps for itself. */
export interface KeptDisk extends DiskFacts {
  readonly controller: string;
  /** What the program calls it: 252:0, 1I:1:3. */
  readonly place: string;
}

/** Whatever holds disks so that nothing else can be made of them: a logical drive, a spare, what another controller has left. */
export interface Holding {
  /** What it is called by the controller; empty where it has no name. */
  readonly label: string;
  /** Another than all others on this machine. */
  readonly key: string;
  readonly level: ArrayFacts['level'];
  readonly state: ArrayFacts['state'];
  /** Serial numbers of the disks that are there. */
  readonly disks: readonly string[];
  /** NAA identifier of the block device, hex. */
  readonly naa?: string;
  /** Kernel name, where the program tells it. */
  readonly device?: string;
  /** Takes it apart. */
  readonly removal: readonly string[];
  /** Has the firmware boot from it. */
  readonly bootFrom?: readonly string[];
}

export interface LookedController {
  readonly facts: ControllerFacts & { readonly serialNumber: string };
  /** What the program calls it: /c0, slot=0. */
  readonly place: string;
  /** Without those that the operating system sees as they are. */
  readonly disks: readonly KeptDisk[];
  readonly holdings: readonly Holding[];
}

export interface Creation {
  /** The controller. */
  readonly place: string;
  /** At most 15 letters and digits. */
  readonly label: string;
  readonly level: ArrayLevel;
  readonly disks: readonly KeptDisk[];
  /** What is written is on the disks when it is done, and what is read comes from there. */
  readonly uncached: boolean;
}

/** Runs the program, in bounded time. @throws AgentError ArrayRefused where it does not end */
export type Ask = (args: readonly string[]) => Promise<Outcome>;

export interface VendorTool {
  readonly name: string;
  /** @throws AgentError ArrayRefused for what the program refuses, or what cannot be understood of what it says */
  look(ask: Ask): Promise<readonly LookedController[]>;
  /** @throws AgentError ArrayRefused for what the program is known to refuse */
  creation(creation: Creation): readonly string[];
  /** @throws AgentError ArrayRefused, in the program's own words, where it did not do what it was asked */
  judge(outcome: Outcome): void;
}
