// Logical drives of RAID controllers, whatever program works them: found by their label, known to the operating system by
// their NAA identifier, made and taken apart one at a time.
//
// A label is `bmp` and the 12 hex digits of the array's id: 15 characters, as many as MegaRAID takes. Whatever else holds
// disks was made by others.
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../../errors.ts';
import { type Outcome, outcome } from '../command.ts';
import { blockDevices } from '../disks.ts';
import type { ArrayDevice, FoundArray, Making, RaidDriver, Survey } from './driver.ts';
import type { Holding, KeptDisk, LookedController, VendorTool } from './vendor-tool.ts';

export interface LogicalDriveOptions {
  /** Where sysfs is. */
  readonly sys: string;
  /** PCI addresses of the controllers that are this program's to work. */
  readonly addresses: ReadonlySet<string>;
  /** Aborts when a command that begins now has taken too long: a program may hang with its controller. */
  readonly limit?: () => AbortSignal;
  /** From a logical drive that is made to its block device. */
  readonly deviceMs?: number;
}

const COMMAND_MS = 120_000;
const DEVICE_MS = 60_000;
const POLL_MS = 250;
const LABEL = /^bmp([0-9a-f]{12})$/;

export const labelOf = (id: string): string => `bmp${id}`;

/** An array by what holds its disks. */
const idOf = ({ label, key }: Holding): string => LABEL.exec(label)?.[1] ?? key;

export function logicalDrives(tool: VendorTool, options: LogicalDriveOptions): RaidDriver {
  const { sys, addresses, limit = () => AbortSignal.timeout(COMMAND_MS), deviceMs = DEVICE_MS } = options;
  const inTurn = turns();
  /** Of logical drives that were seen: each keeps its identifier for as long as it lives. */
  const known = new Map<string, string>();

  async function ask(args: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const tooLong = limit();
    try {
      return await outcome(tool.name, args, { signal: AbortSignal.any([signal, tooLong]) });
    } catch (error) {
      if (!tooLong.aborted || signal.aborted) throw error;
      const message = `it did not end in time: ${args.join(' ')}`;
      throw new AgentError('ArrayRefused', message, { cause: error });
    }
  }

  async function look(signal: AbortSignal): Promise<LookedController[]> {
    const told = await named(() => tool.look((args) => ask(args, signal)));
    // A program may know controllers that another one is for; an old one does not tell where its own are.
    const own = told.filter(({ facts }) => !facts.name.includes('.') || addresses.has(facts.name));
    for (const { holdings } of own) for (const each of holdings) if (each.naa) known.set(idOf(each), each.naa);
    return own;
  }

  async function found(controllers: readonly LookedController[]): Promise<FoundArray[]> {
    const devices = await blockDevices(sys);
    return controllers.flatMap(({ facts, holdings }) =>
      holdings.map((each): FoundArray => {
        const device = devices.find(({ name, naa }) => (each.naa ? naa === each.naa : name === each.device));
        return {
          id: idOf(each),
          controller: facts.serialNumber,
          level: each.level,
          disks: each.disks,
          sizeBytes: device?.sizeBytes ?? 0,
          state: each.state,
          ...(device && { device: device.name }),
        };
      }),
    );
  }

  async function command(args: readonly string[], signal: AbortSignal): Promise<void> {
    const ended = await ask(args, signal);
    await named(async () => tool.judge(ended));
  }

  /** With the program's name before what it says. */
  async function named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      throw new AgentError(error.code, `${tool.name}: ${error.message}`, { cause: error, class: error.class });
    }
  }

  return {
    name: tool.name,
    survey: (signal) =>
      inTurn(async (): Promise<Survey> => {
        const controllers = await look(signal);
        return {
          controllers: controllers.map(({ facts }) => facts),
          disks: controllers.flatMap(({ disks }) => disks.map(({ place: _place, ...facts }) => facts)),
          arrays: await found(controllers),
        };
      }),
    create: (making, signal) =>
      inTurn(async () => {
        const { id, level, boots, uncached = false } = making;
        const { place, disks } = free(await look(signal), making);
        const creation = { place, label: labelOf(id), level, disks };
        const make = async (without: boolean) =>
          command(await named(async () => tool.creation({ ...creation, uncached: without })), signal);
        try {
          await make(uncached);
        } catch (error) {
          if (!uncached || !(error instanceof AgentError)) throw error;
          // A controller that has no cache knows of no settings for one.
          await make(false);
        }
        if (!boots) return;
        const made = (await look(signal)).flatMap(({ holdings }) => holdings).find((each) => idOf(each) === id);
        // A controller that has no such setting leaves it to the firmware's own order.
        if (made?.bootFrom) await ask(made.bootFrom, signal);
      }),
    remove: (id, signal) =>
      inTurn(async () => {
        for (const { holdings } of await look(signal)) {
          for (const each of holdings.filter((holding) => idOf(holding) === id)) await command(each.removal, signal);
        }
        known.delete(id);
      }),
    async open(id, signal) {
      // Nobody reads or writes what others have made.
      if (!LABEL.test(labelOf(id))) return undefined;
      if (!known.has(id)) await inTurn(() => look(signal));
      const naa = known.get(id);
      return naa === undefined ? undefined : appeared(id, naa, { sys, deviceMs, signal });
    },
  };
}

/** The kernel is told of a new logical drive, and takes a moment. @throws AgentError ArrayRefused */
async function appeared(
  id: string,
  naa: string,
  { sys, deviceMs, signal }: { sys: string; deviceMs: number; signal: AbortSignal },
): Promise<ArrayDevice> {
  for (let waited = 0; ; waited += POLL_MS) {
    const device = (await blockDevices(sys)).find((each) => each.naa === naa && each.sizeBytes > 0);
    if (device) return { name: device.name, path: `/dev/${device.name}`, sizeBytes: device.sizeBytes };
    if (waited >= deviceMs)
      throw new AgentError('ArrayRefused', `the logical drive ${id} is there, and Linux sees no disk naa.${naa}`);
    await delay(POLL_MS, undefined, { signal });
  }
}

/** The disks that are asked for, which nothing holds. @throws AgentError */
function free(
  controllers: readonly LookedController[],
  { controller, disks: serials }: Making,
): { place: string; disks: KeptDisk[] } {
  const on = controllers.find(({ facts }) => facts.serialNumber === controller);
  if (!on) throw new AgentError('DiskMissing', `the RAID controller ${controller} is not there`);
  const disks = serials.map((serial) => {
    const disk = on.disks.find(({ serialNumber }) => serialNumber === serial);
    if (!disk) throw new AgentError('DiskMissing', `the RAID controller ${controller} has no disk ${serial}`);
    return disk;
  });
  for (const { serialNumber, failed } of disks) {
    const holding = on.holdings.find((each) => each.disks.includes(serialNumber));
    if (holding) throw new AgentError('ArrayForeign', `disk ${serialNumber} belongs to the array ${idOf(holding)}`);
    if (failed) throw new AgentError('DiskFailed', `disk ${serialNumber} has failed, says its controller`);
  }
  return { place: on.place, disks };
}

/** One after the other: the programs wait for each other, or fail. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    // Whoever asked is told of the failure; who comes next need not be.
    last = Promise.allSettled([next]);
    return next;
  };
}
