// The agent's hardware interface over a simulated machine, for one run of it: when the machine goes off, nothing of that
// run touches a disk any more, whatever the agent still tries.
import { AgentError } from '../../agent/errors.ts';
import type { Hardware } from '../../agent/hardware.ts';
import type { Task, WipeRecord } from '../../provision/protocol.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { SimulatedDisk } from './disk.ts';
import type { MachineProfile } from './profile.ts';
import type { JournalEntry, Timings } from './types.ts';

export interface HardwareSurroundings {
  readonly profile: MachineProfile;
  readonly disks: readonly SimulatedDisk[];
  readonly timings: Timings;
  readonly clock: Clock;
  /** How this run was booted. */
  readonly bootMode: 'BIOS' | 'UEFI';
  /** Asked each time: a fault may have been put in. */
  readonly serialNumber: () => string;
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
const WIPE_SAMPLES = 64;

export function simulatedHardware(surroundings: HardwareSurroundings): SimulatedHardware {
  const { profile, disks, timings, clock, power, record } = surroundings;
  const { inventory } = profile;
  let task: Task | undefined;
  let begun: string | undefined;

  const disk = (serialNumber: string): SimulatedDisk => {
    alive();
    const found = disks.find((each) => each.facts.serialNumber === serialNumber);
    if (!found) throw new AgentError('DiskMissing', `no disk has the serial number ${serialNumber}`);
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
      return { ...inventory, bootMode: surroundings.bootMode, serialNumber: surroundings.serialNumber() };
    },
    async write(serialNumber, offset, source, signal) {
      const target = disk(serialNumber);
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
    async wipe(serialNumber, progress, signal): Promise<WipeRecord> {
      const target = disk(serialNumber);
      for (let step = 1; step <= WIPE_PROGRESS_STEPS; step++) {
        await wait(timings.wipePerDisk / WIPE_PROGRESS_STEPS, signal);
        progress((step / (WIPE_PROGRESS_STEPS + 1)) * 100);
      }
      target.erase();
      const { transport, rotational, sizeBytes } = target.facts;
      if (!target.isEmpty()) throw new AgentError('WipeNotVerified', `disk ${serialNumber} is not empty`);
      record({ what: 'wipe', disk: serialNumber, ...forTask() });
      const method = transport === 'nvme' ? 'nvme-format' : rotational ? 'overwrite' : 'ata-secure-erase';
      return { serialNumber, method, bytes: sizeBytes, samplesVerified: WIPE_SAMPLES };
    },
  };
}
