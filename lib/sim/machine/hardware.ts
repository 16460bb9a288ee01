// The agent's hardware interface over a simulated machine, for one run of it: when the machine goes off, nothing of that
// run touches a disk any more, whatever the agent still tries.
import { AgentError } from '../../agent/errors.ts';
import type { Hardware } from '../../agent/hardware.ts';
import { type OwnErasure, wipeDisk } from '../../agent/wiping.ts';
import type { Inventory, Task } from '../../provision/protocol.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { SimulatedDisk } from './disk.ts';
import type { MachineProfile } from './profile.ts';
import type { DiskFault, JournalEntry, Timings } from './types.ts';

export interface HardwareSurroundings {
  readonly profile: MachineProfile;
  readonly disks: readonly SimulatedDisk[];
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

export function simulatedHardware(surroundings: HardwareSurroundings): SimulatedHardware {
  const { profile, disks, timings, clock, power, record } = surroundings;
  const { inventory } = profile;
  let task: Task | undefined;
  let begun: string | undefined;

  const disk = (serialNumber: string): SimulatedDisk => {
    alive();
    const found = disks.find((each) => each.facts.serialNumber === serialNumber);
    if (!found) throw new AgentError('DiskMissing', `no disk has the serial number ${serialNumber}`);
    if (surroundings.diskFault(serialNumber) === 'fails')
      throw new AgentError('DiskFailed', `disk ${serialNumber} gives an error`);
    return found;
  };
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
    async write(serialNumber, offset, source, signal) {
      const target = disk(serialNumber);
      if (surroundings.diskFault(serialNumber) === 'read-only')
        throw new AgentError('DiskReadOnly', `disk ${serialNumber} cannot be written to`);
      if (task?.kind === 'write-image' && begun !== task.id) {
        begun = task.id;
        target.forgetSystem();
        record({ what: 'write-image', detail: 'begun', disk: serialNumber, ...forTask() });
      }
      const pace = (bytes: number) => wait((timings.writePerMiB * bytes) / MIB, signal);
      const bytes = await target.write(offset, source, pace);
      const installed = offset === 0 ? target.installed() : undefined;
      if (installed) {
        const { sha256, bytes: size } = installed;
        record({ what: 'write-image', detail: 'complete', disk: serialNumber, sha256, bytes: size, ...forTask() });
      }
      return { bytes };
    },
    async *read(serialNumber, offset, bytes, signal) {
      for (const chunk of disk(serialNumber).read(offset, bytes)) {
        await wait(0, signal);
        yield chunk;
      }
    },
    async writeSeed(serialNumber, files, signal) {
      const target = disk(serialNumber);
      await wait(timings.writePerMiB, signal);
      target.putSeed(files);
      record({ what: 'write-seed', disk: serialNumber, ...forTask() });
    },
    async setPassword(serialNumber, user, passwordHash, signal) {
      const target = disk(serialNumber);
      if (!target.installed()) throw new AgentError('NoSystem', `no system on disk ${serialNumber}`);
      await wait(timings.writePerMiB, signal);
      target.putPassword(user, passwordHash);
      record({ what: 'set-password', disk: serialNumber, detail: user, ...forTask() });
    },
    async wipe(serialNumber, progress, signal) {
      const target = disk(serialNumber);
      const fault = () => surroundings.diskFault(serialNumber);
      const { sizeBytes } = target.facts;
      const erase = async (told: (percent: number) => void, holds: boolean) => {
        for (let step = 1; step <= WIPE_PROGRESS_STEPS; step++) {
          await wait(timings.wipePerDisk / WIPE_PROGRESS_STEPS, signal);
          told((step / WIPE_PROGRESS_STEPS) * 100);
        }
        disk(serialNumber);
        if (!holds) target.erase();
      };
      const own = erasureOf(target);
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
      const wiped = await wipeDisk(
        {
          serialNumber,
          sizeBytes,
          isReadOnly: async () => fault() === 'read-only',
          erasures,
          overwrite: (told) => erase(told, fault() === 'keeps-data'),
          async *read(offset, bytes) {
            await wait(0, signal);
            yield* target.read(offset, bytes);
          },
        },
        surroundings.random,
        progress,
        signal,
      );
      record({ what: 'wipe', disk: serialNumber, detail: wiped.method, ...forTask() });
      return wiped;
    },
  };
}

/** By what the disk hangs on; makes of NVMe disks differ. */
function erasureOf({ facts }: SimulatedDisk): OwnErasure['method'] | undefined {
  if (facts.transport === 'nvme') return facts.serialNumber.charCodeAt(1) % 2 === 0 ? 'nvme-sanitize' : 'nvme-format';
  return facts.transport === 'sata' ? 'ata-secure-erase' : undefined;
}
