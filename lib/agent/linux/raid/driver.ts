// The shape of whatever puts disks together: Linux itself, or a RAID controller by its vendor's program.
//
// An array is known by its id (see ArrayOrder), which each driver writes where it finds it again. What was made by others
// has an id as well, never one that an order could have.
import type { ArrayFacts, ArrayOrder, ControllerFacts, DiskFacts } from '../../../provision/protocol.ts';

/** An array, and where the operating system sees it. */
export interface FoundArray extends ArrayFacts {
  /** Kernel name; none where the operating system sees no block device of it. */
  readonly device?: string;
}

export interface Survey {
  readonly controllers: readonly ControllerFacts[];
  /** Disks that controllers keep for themselves. */
  readonly disks: readonly DiskFacts[];
  readonly arrays: readonly FoundArray[];
}

export interface ArrayDevice {
  /** Kernel name. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export type Making = Pick<ArrayOrder, 'id' | 'name' | 'controller' | 'level' | 'disks' | 'boots'> & {
  /** What is written is on the disks when it is done, and what is read comes from there. */
  readonly uncached?: boolean;
};

export interface RaidDriver {
  /** Of the program that it runs. */
  readonly name: string;
  survey(signal: AbortSignal): Promise<Survey>;
  /** @throws AgentError ArrayForeign or DiskMissing, with nothing written; DiskFailed; ArrayRefused */
  create(making: Making, signal: AbortSignal): Promise<void>;
  /** Its disks are in no array any more. Nothing where it knows no such array. @throws AgentError ArrayRefused */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Where an array is, started if it was not; undefined where it knows none. @throws AgentError ArrayDegraded, ArrayRefused */
  open(id: string, signal: AbortSignal): Promise<ArrayDevice | undefined>;
}
