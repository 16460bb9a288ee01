// Prepare volumes: partitions and file systems on the volumes that hold data, and where the installed system mounts them.
//
// A volume that has exactly these partitions already, from an earlier try, is formatted again: no system has run since.
import { layOut, type Partition } from '../../provision/volumes/partitions.ts';
import { AgentError } from '../errors.ts';
import { findTarget } from '../target.ts';
import type { RunTask } from './table.ts';

export const prepareVolumes: RunTask<'prepare-volumes'> = async (task, { hardware, progress, signal }) => {
  const { diskSerialNumber, volumes, mounts } = task;
  const plans: { readonly name: string; readonly serialNumber: string; readonly partitions: readonly Partition[] }[] =
    [];
  // All of them are looked at before the first is written to.
  for (const volume of volumes) {
    const { serialNumber, sizeBytes } = await findTarget(hardware, volume.diskSerialNumber, signal);
    const partitions = placed(volume.name, () => layOut(volume.partitions, sizeBytes));
    plans.push({ name: volume.name, serialNumber, partitions });
  }
  let done = 0;
  for (const { serialNumber, partitions } of plans) {
    await hardware.format(serialNumber, partitions, signal);
    const found = await hardware.partitions(serialNumber, signal);
    const missing = partitions.find(({ id }) => !found.includes(id));
    if (missing)
      throw new AgentError('ReadBackMismatch', `the partition ${missing.id} made on ${serialNumber} is not there`);
    progress((++done / (plans.length + 1)) * 100);
  }
  await hardware.putMounts(diskSerialNumber, mounts, signal);
  return {
    volumes: volumes.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ id, fileSystem }) => mounts.find((mount) => mount.id === id) ?? { id, fileSystem }),
    })),
  };
};

/** @throws AgentError BadVolumes where they do not fit. */
export function placed<T>(volume: string, place: () => T): T {
  try {
    return place();
  } catch (error) {
    if (error instanceof RangeError) throw new AgentError('BadVolumes', `volume ${volume}: ${error.message}`);
    throw error;
  }
}
