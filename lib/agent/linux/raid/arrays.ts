// All that puts disks together on this machine, as one: Linux itself and every RAID controller that the live OS has a program
// for. What a controller makes of its disks is an array and no disk; the disks behind it are disks that only it can reach.
//
// A controller without its program is told as such. Then Linux sees what it makes of its disks, and takes that for disks.
// One whose program fails is worse off: whatever hangs on it is not shown, since nobody knows what it is.
import { createHash } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControllerFacts, DiskFacts } from '../../../provision/protocol.ts';
import { AgentError } from '../../errors.ts';
import { blockDevices, type Disk, listDisks, required, theDisk } from '../disks.ts';
import type { ArrayDevice, FoundArray, Making, RaidDriver } from './driver.ts';
import { logicalDrives } from './logical-drives.ts';
import { mdadm } from './mdadm.ts';
import { type ProbedController, probeControllers, type ToolName } from './probe.ts';
import { ssacli } from './ssacli.ts';
import { storcli } from './storcli.ts';
import type { VendorTool } from './vendor-tool.ts';

export interface Arrays {
  /** Of the operating system, and of controllers. */
  disks(): Promise<readonly DiskFacts[]>;
  controllers(): Promise<readonly ControllerFacts[]>;
  /** @throws AgentError ArrayRefused where a controller's program fails */
  list(signal: AbortSignal): Promise<readonly FoundArray[]>;
  create(making: Making, signal: AbortSignal): Promise<void>;
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** The disk of that serial number, or the array of that id. @throws AgentError DiskMissing */
  target(serialNumber: string, signal: AbortSignal): Promise<ArrayDevice & { readonly isLinuxArray: boolean }>;
  /** Has the disk of that serial number worked on: itself, or an array of it alone where a controller keeps it. */
  withDisk<T>(serialNumber: string, work: (disk: Disk) => Promise<T>, signal: AbortSignal): Promise<T>;
}

interface Driven {
  readonly driver: RaidDriver;
  readonly addresses: ReadonlySet<string>;
}

interface Whole {
  readonly controllers: readonly ControllerFacts[];
  /** Those that the operating system reads and writes. */
  readonly plain: readonly DiskFacts[];
  /** Those that only their controllers do. */
  readonly kept: readonly DiskFacts[];
  readonly arrays: readonly FoundArray[];
  /** Of a controller whose program failed. */
  readonly errors: readonly AgentError[];
}

const TOOLS: Readonly<Record<ToolName, VendorTool>> = {
  storcli64: storcli('storcli64'),
  perccli64: storcli('perccli64'),
  ssacli,
};
const never = new AbortController().signal;

/** @param sys where sysfs is */
export function machineArrays(sys = '/sys'): Arrays {
  // What is plugged in stays so while the machine runs.
  let probing: ReturnType<typeof probe> | undefined;
  const probed = () => {
    probing ??= probe(sys);
    return probing;
  };
  const linux = mdadm(async (signal) => (await survey(signal)).plain);
  /** By the serial number of a controller that was seen: it stays where it is, too. */
  const driverOf = new Map<string, RaidDriver>();
  const drivers = async () => [...(await probed()).driven.map(({ driver }) => driver), linux];

  /** All but what Linux makes itself. */
  async function survey(signal: AbortSignal): Promise<Whole> {
    const { driven, undriven } = await probed();
    const controllers = [...undriven];
    const kept: DiskFacts[] = [];
    const arrays: FoundArray[] = [];
    const errors: AgentError[] = [];
    const hidden = new Set<string>();
    for (const { driver, addresses } of driven) {
      try {
        const found = await driver.survey(signal);
        controllers.push(...found.controllers);
        for (const { serialNumber } of found.controllers) if (serialNumber) driverOf.set(serialNumber, driver);
        kept.push(...found.disks);
        arrays.push(...found.arrays);
        for (const { device } of found.arrays) if (device) hidden.add(device);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        errors.push(error);
        for (const name of addresses)
          controllers.push({ name, model: 'unknown', tool: driver.name, problem: error.message.slice(0, 500) });
        for (const device of await blockDevices(sys))
          if (device.addresses.some((address) => addresses.has(address))) hidden.add(device.name);
      }
    }
    const plain = (await listDisks(sys)).filter(({ name }) => !hidden.has(name));
    return { controllers, plain, kept, arrays, errors };
  }

  return {
    async disks() {
      const { plain, kept } = await survey(never);
      return [...plain, ...kept];
    },
    async controllers() {
      return (await survey(never)).controllers;
    },
    async list(signal) {
      const { arrays, errors } = await survey(signal);
      if (errors[0]) throw errors[0];
      return [...arrays, ...(await linux.survey(signal)).arrays];
    },
    async create(making, signal) {
      const driver = making.controller === undefined ? linux : await hardwareDriver(making.controller, signal);
      await driver.create(making, signal);
    },
    async remove(id, signal) {
      for (const driver of await drivers()) await driver.remove(id, signal);
    },
    async target(serialNumber, signal) {
      const disk = theDisk(await listDisks(sys), serialNumber);
      if (disk) return { ...disk, isLinuxArray: false };
      for (const driver of await drivers()) {
        const array = await driver.open(serialNumber, signal);
        if (array) return { ...array, isLinuxArray: driver === linux };
      }
      return { ...required(undefined, serialNumber), isLinuxArray: false };
    },
    async withDisk(serialNumber, work, signal) {
      const { plain, kept } = await survey(signal);
      const disk = theDisk(plain, serialNumber);
      if (disk) return work(disk);
      const behind = required(theDisk(kept, serialNumber), serialNumber);
      const driver = await hardwareDriver(behind.controller ?? '', signal);
      return throughArray(driver, behind, work, signal);
    },
  };

  async function hardwareDriver(controller: string, signal: AbortSignal): Promise<RaidDriver> {
    const { controllers } = driverOf.has(controller) ? { controllers: [] } : await survey(signal);
    const driver = driverOf.get(controller);
    if (driver) return driver;
    const problems = controllers.flatMap(({ name, problem }) => (problem ? [`; ${name}: ${problem}`] : []));
    const message = `the RAID controller ${controller} cannot be worked with${problems.join('')}`;
    throw new AgentError('ControllerNotDriven', message);
  }
}

/** What an interrupted one has left is known by its id, and is taken apart with all other arrays before a wipe. */
async function throughArray<T>(
  driver: RaidDriver,
  disk: DiskFacts,
  work: (disk: Disk) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { serialNumber, controller } = disk;
  const id = createHash('sha256').update(`alone ${serialNumber}`).digest('hex').slice(0, 12);
  const making = { id, name: 'alone', level: 'RAID0', disks: [serialNumber], boots: false, uncached: true } as const;
  await driver.create({ ...making, ...(controller !== undefined && { controller }) }, signal);
  try {
    const device = await driver.open(id, signal);
    if (!device)
      throw new AgentError(
        'ArrayRefused',
        `the array of disk ${serialNumber} alone is said to be made, and is not there`,
      );
    return await work({ ...disk, ...device });
  } finally {
    // Without the task's signal: what was made for the work must not stay.
    await driver.remove(id, never);
  }
}

async function probe(sys: string): Promise<{ driven: readonly Driven[]; undriven: readonly ControllerFacts[] }> {
  const byTool = new Map<ToolName, Set<string>>();
  const undriven: ControllerFacts[] = [];
  for (const controller of await probeControllers(sys)) {
    const tool = await firstInstalled(controller.tools);
    if (tool) byTool.set(tool, (byTool.get(tool) ?? new Set<string>()).add(controller.address));
    else undriven.push({ name: controller.address, model: controller.model, problem: whatLacks(controller) });
  }
  const driven = [...byTool].map(([tool, addresses]) => ({
    driver: logicalDrives(TOOLS[tool], { sys, addresses }),
    addresses,
  }));
  return { driven, undriven };
}

function whatLacks({ tools }: ProbedController): string {
  if (tools.length === 0) return 'no program is known that works it';
  return tools.length === 1 ? `the live OS lacks ${tools[0]}` : `the live OS has neither ${tools.join(' nor ')}`;
}

async function firstInstalled(tools: readonly ToolName[]): Promise<ToolName | undefined> {
  for (const tool of tools) {
    for (const folder of (process.env.PATH ?? '').split(':').filter(Boolean)) {
      if (await isProgram(join(folder, tool))) return tool;
    }
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    // Not there, no folder, or nothing that may be run.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
