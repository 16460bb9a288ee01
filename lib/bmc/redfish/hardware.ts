// What a Redfish service knows of the machine's hardware (schemas ComputerSystem, Processor, Memory, Storage, Drive,
// EthernetInterface). A collection that a service lacks is left out; its summaries stand in where there are some.
import type { BmcDisk, BmcHardware, BmcMemoryModule, BmcNic } from '../driver.ts';
import type { RedfishClient } from './client.ts';
import { child, type Json, link, memberPaths, number, text } from './json.ts';

/** Of one kind in one machine: what a service lists beyond that is not read. */
const MOST_PARTS = 128;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** As much of a client as is needed. */
export type Service = Pick<RedfishClient, 'find'>;

const without = <T extends object>(parts: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as T;

export async function readHardware(client: Service, system: Json, signal: AbortSignal): Promise<BmcHardware> {
  const members = (of: Json, key: string) => readMembers(client, of, key, signal);
  const storages = await members(system, 'Storage');
  const drives: Json[] = [];
  for (const storage of storages)
    for (const path of memberPaths(storage, 'Drives').slice(0, MOST_PARTS - drives.length)) {
      const drive = await client.find(path, signal);
      if (drive && isThere(drive)) drives.push(drive);
    }
  return without<BmcHardware>({
    serialNumber: text(system, 'SerialNumber'),
    manufacturer: text(system, 'Manufacturer'),
    model: text(system, 'Model'),
    firmware: text(system, 'BiosVersion'),
    cpu: processors(child(system, 'ProcessorSummary'), await members(system, 'Processors')),
    memory: memory(child(system, 'MemorySummary'), await members(system, 'Memory')),
    disks: drives.map(disk),
    nics: (await members(system, 'EthernetInterfaces')).flatMap(nic),
  });
}

async function readMembers(client: Service, of: Json, key: string, signal: AbortSignal): Promise<Json[]> {
  const collection = await client.find(link(of, key), signal);
  const found: Json[] = [];
  for (const path of collection ? memberPaths(collection).slice(0, MOST_PARTS) : []) {
    const member = await client.find(path, signal);
    if (member && isThere(member)) found.push(member);
  }
  return found;
}

/** Empty sockets and bays are listed too. */
const isThere = (part: Json): boolean => text(child(part, 'Status'), 'State') !== 'Absent';

const sum = (parts: readonly Json[], key: string): number | undefined => {
  const values = parts.map((part) => number(part, key)).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
};

function processors(summary: Json, listed: readonly Json[]): BmcHardware['cpu'] {
  const cpus = listed.filter((part) => (text(part, 'ProcessorType') ?? 'CPU') === 'CPU');
  const [first] = cpus;
  const cpu = without<NonNullable<BmcHardware['cpu']>>({
    model: (first && text(first, 'Model')) ?? text(summary, 'Model'),
    sockets: cpus.length > 0 ? cpus.length : number(summary, 'Count'),
    cores: sum(cpus, 'TotalCores') ?? number(summary, 'CoreCount'),
    threads: sum(cpus, 'TotalThreads') ?? number(summary, 'LogicalProcessorCount'),
  });
  return Object.keys(cpu).length > 0 ? cpu : undefined;
}

function memory(summary: Json, listed: readonly Json[]): BmcHardware['memory'] {
  const modules = listed.map((part) => {
    const mebibytes = number(part, 'CapacityMiB');
    return without<BmcMemoryModule>({
      slot: text(part, 'DeviceLocator') ?? text(part, 'Name'),
      sizeBytes: mebibytes && mebibytes * MIB,
      type: text(part, 'MemoryDeviceType'),
      speedMTs: number(part, 'OperatingSpeedMhz'),
    });
  });
  const gibibytes = number(summary, 'TotalSystemMemoryGiB');
  const counted = modules.reduce((total, { sizeBytes = 0 }) => total + sizeBytes, 0);
  const totalBytes = counted > 0 ? counted : gibibytes && Math.round(gibibytes * GIB);
  return totalBytes ? { totalBytes, modules } : undefined;
}

const disk = (drive: Json): BmcDisk =>
  without<BmcDisk>({
    name: text(drive, 'Name') ?? text(drive, 'Id') ?? 'disk',
    serialNumber: text(drive, 'SerialNumber'),
    model: text(drive, 'Model'),
    sizeBytes: number(drive, 'CapacityBytes'),
    rotational: { HDD: true, SSD: false }[text(drive, 'MediaType') ?? ''],
    transport: text(drive, 'Protocol')?.toLowerCase(),
  });

function nic(port: Json): BmcNic[] {
  const macAddress = (text(port, 'PermanentMACAddress') ?? text(port, 'MACAddress'))?.toLowerCase();
  if (macAddress === undefined) return [];
  const status = text(port, 'LinkStatus');
  return [
    without<BmcNic>({
      name: text(port, 'Name') ?? text(port, 'Id') ?? macAddress,
      macAddress,
      speedMbps: number(port, 'SpeedMbps'),
      linkUp: status === undefined ? undefined : status === 'LinkUp',
    }),
  ];
}
