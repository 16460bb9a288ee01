// The hardware interface over Linux: sysfs for what there is, block devices for bytes, and a few tools for the rest.
import { basename } from 'node:path';
import { AgentError } from '../errors.ts';
import type { Hardware } from '../hardware.ts';
import { wipeDisk } from '../wiping.ts';
import { readDevice, writeDevice } from './block-device.ts';
import { putBootLoader } from './boot-loader.ts';
import { run } from './command.ts';
import { collectInventory, readIdentity } from './facts.ts';
import { putMounts, putPassword, putSeed, requireArrayTools } from './installed-system.ts';
import { mountedAll } from './mounted.ts';
import { format, tableEntries } from './partitions.ts';
import { machineArrays } from './raid/arrays.ts';
import { digestsIn, unpackInto } from './unpack.ts';
import { wipeableDisk } from './wipe.ts';

export function linuxHardware(): Hardware {
  const arrays = machineArrays();
  return {
    identity: readIdentity,
    disks: () => arrays.disks(),
    inventory: (signal) => collectInventory(arrays, signal),
    arrays: async (signal) => (await arrays.list(signal)).map(({ device: _device, ...facts }) => facts),
    createArray: (order, signal) => arrays.create(order, signal),
    removeArray: (id, signal) => arrays.remove(id, signal),
    async write(serialNumber, offset, source, signal) {
      const { path, sizeBytes } = await arrays.target(serialNumber, signal);
      const bytes = await writeDevice(path, offset, within(source, sizeBytes - offset, path), signal);
      // The beginning of a disk holds its partition table: what the kernel knew of it is no longer so.
      if (offset === 0) await run('blockdev', ['--rereadpt', path], { signal });
      return { bytes };
    },
    async *read(serialNumber, offset, bytes, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      yield* readDevice(path, offset, bytes, signal);
    },
    async format(serialNumber, partitions, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      await format(path, partitions, signal);
    },
    async partitions(serialNumber, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      return (await tableEntries(path, signal)).map(({ id }) => id);
    },
    async unpack(serialNumber, mounts, archive, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      await mountedAll(path, mounts, { signal }, (folder) => unpackInto(folder, archive, signal));
    },
    async fileDigests(serialNumber, mounts, paths, tell, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      await mountedAll(path, mounts, { signal, readOnly: true }, (folder) => digestsIn(folder, paths, tell, signal));
    },
    async makeBootable(serialNumber, mounts, kernelArguments, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      await putBootLoader(path, mounts, kernelArguments, signal);
    },
    async putMounts(serialNumber, mounts, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      await putMounts(path, mounts, signal);
    },
    async writeSeed(serialNumber, files, signal) {
      const { path, isLinuxArray } = await arrays.target(serialNumber, signal);
      if (isLinuxArray) await requireArrayTools(path, signal);
      await putSeed(path, files, signal);
    },
    async setPassword(serialNumber, user, passwordHash, signal) {
      const { path } = await arrays.target(serialNumber, signal);
      await putPassword(path, user, passwordHash, signal);
    },
    wipe: (serialNumber, progress, signal) =>
      arrays.withDisk(serialNumber, (disk) => wipeDisk(wipeableDisk(disk), Math.random, progress, signal), signal),
  };
}

/** Ends with an error before a byte beyond the end is written. */
async function* within(source: AsyncIterable<Uint8Array>, room: number, path: string): AsyncGenerator<Uint8Array> {
  let left = room;
  for await (const chunk of source) {
    left -= chunk.length;
    if (left < 0) throw new AgentError('ImageTooLarge', `beyond the end of ${basename(path)}`);
    yield chunk;
  }
}
