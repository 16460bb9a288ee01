// The agent's hardware interface over a simulated machine, for one run of it: when the machine goes off, nothing of that
// run touches a disk any more, whatever the agent still tries.
import { createHash } from 'node:crypto';
import { AgentError } from '../../agent/errors.ts';
import type { Hardware } from '../../agent/hardware.ts';
import { TarReader } from '../../agent/tar.ts';
import { type OwnErasure, wipeDisk } from '../../agent/wiping.ts';
import type { ArrayFacts, DiskFacts, Inventory, Task } from '../../provision/protocol.ts';
import type { Mount, Partition } from '../../provision/volumes/partitions.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { ArrayRecord, FleetStore } from '../store.ts';
import { arrayFacts, openArray } from './array.ts';
import { BOOT_RECORD, type BootRecord, writeBootRecord } from './boot-record.ts';
import type { SimulatedDisk } from './disk.ts';
import type { MachineProfile } from './profile.ts';
import { readTable, TABLE_BYTES, writeTable } from './table.ts';
import type { DiskFault, JournalEntry, RaidFault, Timings } from './types.ts';

export interface HardwareSurroundings {
  readonly profile: MachineProfile;
  readonly disks: readonly SimulatedDisk<DiskFacts>[];
  /** Where arrays are remembered. */
  readonly store: FleetStore;
  readonly timings: Timings;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** How this run was booted. */
  readonly bootMode: 'BIOS' | 'UEFI';
  /** Asked each time: a fault may have been put in. */
  readonly serialNumber: () => string;
  /** Asked each time, too. */
  readonly otherInventory: () => Partial<Inventory>;
  /** And this. */
  readonly diskFault: (serialNumber: string) => DiskFault | undefined;
  /** And this. */
  readonly raidFault: () => RaidFault | undefined;
  /** Aborts when the machine goes off. */
  readonly power: AbortSignal;
  readonly record: (entry: Omit<JournalEntry, 'machine' | 'at'>) => void;
}

export interface SimulatedHardware extends Hardware {
  /** For which task the next calls are. */
  begin(task: Task): void;
}

const MIB = 1024 * 1024;
const WIPE_PROGRESS_STEPS = 5;
/** What controllers have room for. */
const SHORT_ID = /^[0-9a-f]{12}$/;

export function simulatedHardware(surroundings: HardwareSurroundings): SimulatedHardware {
  const { profile, disks, store, timings, clock, power, record } = surroundings;
  const { inventory } = profile;
  let task: Task | undefined;
  let begun: string | undefined;

  const disk = (serialNumber: string): SimulatedDisk<DiskFacts> => {
    alive();
    const found = disks.find((each) => each.facts.serialNumber === serialNumber);
    if (!found) throw new AgentError('DiskMissing', `no disk has the serial number ${serialNumber}`);
    if (surroundings.diskFault(serialNumber) === 'fails')
      throw new AgentError('DiskFailed', `disk ${serialNumber} gives an error`);
    return found;
  };
  const factsOf = (array: ArrayRecord): ArrayFacts => {
    // One that lacks a disk lacks its last.
    const there = surroundings.raidFault() === 'degrades' ? array.disks.slice(0, -1) : array.disks;
    return arrayFacts(
      array,
      inventory.disks.filter(({ serialNumber }) => there.includes(serialNumber)),
    );
  };
  /** A disk, or an array. */
  const target = (serialNumber: string): SimulatedDisk => {
    const array = store.arrays(profile.name).find(({ id }) => id === serialNumber);
    if (!array) {
      const plain = disk(serialNumber);
      if (plain.facts.controller === undefined) return plain;
      throw new AgentError(
        'DiskMissing',
        `disk ${serialNumber} is the controller's, and the operating system sees it not`,
      );
    }
    for (const member of array.disks) disk(member);
    return openArray(array, factsOf(array), store);
  };
  /** What this run has unpacked, by what it was unpacked to. */
  const archives = new Map<string, BootRecord>();
  const archiveOn = (serialNumber: string): BootRecord => {
    const found = archives.get(serialNumber);
    if (!found) throw new AgentError('NoSystem', `nothing was unpacked to ${serialNumber}`);
    return found;
  };
  const unpackedFiles = async (serialNumber: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
    const { startBytes, bytes } = archiveOn(serialNumber);
    const reader = new TarReader();
    for (const chunk of target(serialNumber).read(startBytes, bytes)) {
      await wait(0, signal);
      reader.push(chunk);
    }
    return reader.files;
  };
  const rootPartition = (on: SimulatedDisk, mounts: readonly Mount[]): Partition => {
    const root = mounts.find(({ mountPoint }) => mountPoint === '/')?.id;
    const found = tableOn(on).find(({ id }) => id === root);
    if (!found) throw new AgentError('NoSystem', `there is no partition ${root}`);
    return found;
  };
  const isReadOnly = ({ disks: members }: SimulatedDisk) =>
    members.some((serialNumber) => surroundings.diskFault(serialNumber) === 'read-only');
  const members = (on: SimulatedDisk) => (on.disks.length > 1 ? { members: on.disks } : {});
  const alive = () => {
    if (power.aborted) throw new AgentError('AgentFailed', 'the machine is off');
  };
  const wait = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    if (ms > 0) await sleep(clock, ms, AbortSignal.any([signal, power]));
    alive();
  };
  const forTask = () => (task ? { taskId: task.id } : {});

  return {
    begin(next) {
      task = next;
    },
    async identity() {
      return { serialNumber: surroundings.serialNumber(), macAddresses: inventory.macAddresses };
    },
    async disks() {
      return inventory.disks;
    },
    async inventory() {
      const { bootMode } = surroundings;
      const serialNumber = surroundings.serialNumber();
      return { ...inventory, bootMode, serialNumber, ...surroundings.otherInventory() };
    },
    async arrays() {
      alive();
      return store.arrays(profile.name).map(factsOf);
    },
    async createArray({ id, controller, level, disks: serialNumbers }, signal) {
      for (const serialNumber of serialNumbers) {
        const { facts } = disk(serialNumber);
        if (facts.controller !== controller)
          throw new AgentError('ArrayRefused', `disk ${serialNumber} hangs on ${facts.controller ?? 'no controller'}`);
      }
      if (controller !== undefined && !SHORT_ID.test(id))
        throw new AgentError('ArrayRefused', `the controller has no room for a label of ${id.length} characters`);
      const foreign = store
        .arrays(profile.name)
        .find((array) => array.disks.some((one) => serialNumbers.includes(one)));
      if (foreign) throw new AgentError('ArrayForeign', `a disk of it is in the array ${foreign.id}`);
      await wait(timings.writePerMiB, signal);
      const fault = surroundings.raidFault();
      if (fault === 'refuses') throw new AgentError('ArrayRefused', `the controller refuses to make a ${level} array`);
      if (fault === 'lies') return;
      store.saveArray(profile.name, {
        id,
        ...(controller !== undefined && { controller }),
        level,
        disks: serialNumbers,
      });
      record({ what: 'configure-raid', disk: id, members: serialNumbers, detail: level, ...forTask() });
    },
    async removeArray(id) {
      alive();
      store.forgetArray(id);
    },
    async write(serialNumber, offset, source, signal) {
      const to = target(serialNumber);
      if (isReadOnly(to)) throw new AgentError('DiskReadOnly', `disk ${serialNumber} cannot be written to`);
      if (task?.kind === 'write-image' && begun !== task.id) {
        begun = task.id;
        to.forgetSystem();
        record({ what: 'write-image', detail: 'begun', disk: serialNumber, ...members(to), ...forTask() });
      }
      const pace = (bytes: number) => wait((timings.writePerMiB * bytes) / MIB, signal);
      const bytes = await to.write(offset, source, pace);
      const installed = offset === 0 ? to.installed() : undefined;
      if (installed) {
        const written = { sha256: installed.sha256, bytes: installed.bytes, ...members(to) };
        record({ what: 'write-image', detail: 'complete', disk: serialNumber, ...written, ...forTask() });
      }
      return { bytes };
    },
    async *read(serialNumber, offset, bytes, signal) {
      for (const chunk of target(serialNumber).read(offset, bytes)) {
        await wait(0, signal);
        yield chunk;
      }
    },
    async format(serialNumber, partitions, signal) {
      const to = target(serialNumber);
      if (isReadOnly(to)) throw new AgentError('DiskReadOnly', `disk ${serialNumber} cannot be written to`);
      await to.write(0, once(writeTable(partitions)), (bytes) => wait((timings.writePerMiB * bytes) / MIB, signal));
      if (task?.kind === 'prepare-volumes')
        record({ what: 'prepare-volumes', disk: serialNumber, ...members(to), ...forTask() });
    },
    async partitions(serialNumber) {
      return tableOn(target(serialNumber)).map(({ id }) => id);
    },
    async unpack(serialNumber, mounts, archive, signal) {
      const to = target(serialNumber);
      const { startBytes, sizeBytes } = rootPartition(to, mounts);
      const hash = createHash('sha256');
      let bytes = 0;
      async function* counted() {
        for await (const chunk of archive) {
          hash.update(chunk);
          bytes += chunk.length;
          if (bytes > sizeBytes) throw new AgentError('ImageTooLarge', `the file systems of ${serialNumber} are full`);
          yield chunk;
        }
      }
      await to.write(startBytes, counted(), (written) => wait((timings.writePerMiB * written) / MIB, signal));
      archives.set(serialNumber, { startBytes, bytes, sha256: hash.digest('hex') });
    },
    async fileDigests(serialNumber, _mounts, paths, tell, signal) {
      const files = await unpackedFiles(serialNumber, signal);
      for (const path of paths) tell(path, files.get(path));
    },
    async makeBootable(serialNumber, _mounts, _kernelArguments, signal) {
      const files = await unpackedFiles(serialNumber, signal);
      if (![...files.keys()].some((path) => path.startsWith('boot/')))
        throw new AgentError('NoSystem', 'the image has no kernel in /boot');
      const to = target(serialNumber);
      const pace = (bytes: number) => wait((timings.writePerMiB * bytes) / MIB, signal);
      await to.write(BOOT_RECORD.offset, once(writeBootRecord(archiveOn(serialNumber))), pace);
      const installed = to.installed();
      if (!installed) return;
      const written = { sha256: installed.sha256, bytes: installed.bytes, ...members(to) };
      record({ what: 'write-image', detail: 'complete', disk: serialNumber, ...written, ...forTask() });
    },
    async putMounts(serialNumber, mounts, signal) {
      const to = target(serialNumber);
      if (!to.installed()) throw new AgentError('NoSystem', `no system on disk ${serialNumber}`);
      await wait(timings.writePerMiB, signal);
      to.putMounts(mounts);
    },
    async writeSeed(serialNumber, files, signal) {
      const to = target(serialNumber);
      await wait(timings.writePerMiB, signal);
      to.putSeed(files);
      record({ what: 'write-seed', disk: serialNumber, ...members(to), ...forTask() });
    },
    async setPassword(serialNumber, user, passwordHash, signal) {
      const to = target(serialNumber);
      if (!to.installed()) throw new AgentError('NoSystem', `no system on disk ${serialNumber}`);
      await wait(timings.writePerMiB, signal);
      to.putPassword(user, passwordHash);
      record({ what: 'set-password', disk: serialNumber, detail: user, ...forTask() });
    },
    async wipe(serialNumber, progress, signal) {
      const wiped = disk(serialNumber);
      if (store.arrays(profile.name).some(({ disks: those }) => those.includes(serialNumber)))
        throw new AgentError('ArrayForeign', `disk ${serialNumber} is in an array`);
      const fault = () => surroundings.diskFault(serialNumber);
      const { sizeBytes } = wiped.facts;
      const erase = async (told: (percent: number) => void, holds: boolean) => {
        for (let step = 1; step <= WIPE_PROGRESS_STEPS; step++) {
          await wait(timings.wipePerDisk / WIPE_PROGRESS_STEPS, signal);
          told((step / WIPE_PROGRESS_STEPS) * 100);
        }
        disk(serialNumber);
        if (!holds) wiped.erase();
      };
      const own = erasureOf(wiped);
      const erasures: OwnErasure[] = own
        ? [
            {
              method: own,
              async erase(told) {
                await erase(told, fault() === 'erase-lies' || fault() === 'keeps-data');
                return true;
              },
            },
          ]
        : [];
      const done = await wipeDisk(
        {
          serialNumber,
          sizeBytes,
          isReadOnly: async () => fault() === 'read-only',
          erasures,
          overwrite: (told) => erase(told, fault() === 'keeps-data'),
          async *read(offset, bytes) {
            await wait(0, signal);
            yield* wiped.read(offset, bytes);
          },
        },
        surroundings.random,
        progress,
        signal,
      );
      record({ what: 'wipe', disk: serialNumber, detail: done.method, ...forTask() });
      return done;
    },
  };
}

const tableOn = (on: SimulatedDisk): readonly Partition[] => readTable(Buffer.concat([...on.read(0, TABLE_BYTES)]));

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** By what the disk hangs on; makes of NVMe disks differ. */
function erasureOf({ facts }: SimulatedDisk<DiskFacts>): OwnErasure['method'] | undefined {
  // A controller passes on nothing that a disk could do by itself.
  if (facts.controller !== undefined) return undefined;
  if (facts.transport === 'nvme') return facts.serialNumber.charCodeAt(1) % 2 === 0 ? 'nvme-sanitize' : 'nvme-format';
  return facts.transport === 'sata' ? 'ata-secure-erase' : undefined;
}
