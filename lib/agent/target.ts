// What a task writes to: the one disk of a serial number, or the array of an id.
import { AgentError } from './errors.ts';
import type { Hardware } from './hardware.ts';

export interface Target {
  /** As the task names it. */
  readonly serialNumber: string;
  readonly sizeBytes: number;
}

/** @throws AgentError DiskMissing where there is none, or several. */
export async function findTarget(hardware: Hardware, serialNumber: string, signal: AbortSignal): Promise<Target> {
  const [disk, ...others] = (await hardware.disks()).filter((each) => each.serialNumber === serialNumber);
  if (others.length > 0) throw new AgentError('DiskMissing', `several disks have the serial number ${serialNumber}`);
  if (disk?.controller !== undefined)
    throw new AgentError(
      'DiskMissing',
      `disk ${serialNumber} is the RAID controller's, and is in no array to be reached by`,
    );
  if (disk) return disk;
  const array = (await hardware.arrays(signal)).find(({ id }) => id === serialNumber);
  if (!array) throw new AgentError('DiskMissing', `no disk has the serial number ${serialNumber}`);
  return { serialNumber, sizeBytes: array.sizeBytes };
}
