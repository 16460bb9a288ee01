// What hardware this machine is made of, as the kernel tells of it.
import { arch } from 'node:os';
import type { Inventory, MachineIdentity, NicFacts } from '../../provision/protocol.ts';
import { AgentError } from '../errors.ts';
import { runIfInstalled } from './command.ts';
import type { Arrays } from './raid/arrays.ts';
import { memoryModules } from './smbios.ts';
import { exists, list, readBytes, readNumber, readText } from './sysfs.ts';

const DMI = '/sys/class/dmi/id';
const ETHERNET = 1;

/** @throws AgentError when the firmware tells no serial number: such a machine cannot be told from another. */
export async function readIdentity(): Promise<MachineIdentity> {
  const serialNumber = await readText(`${DMI}/product_serial`);
  if (serialNumber === undefined) {
    throw new AgentError('AgentFailed', 'the firmware tells no serial number', { class: 'permanent' });
  }
  const names = await physicalInterfaces();
  const addresses = await Promise.all(names.map((name) => readText(`/sys/class/net/${name}/address`)));
  return { serialNumber, macAddresses: addresses.filter((address) => address !== undefined) };
}

export async function collectInventory(arrays: Arrays, signal: AbortSignal): Promise<Inventory> {
  const modules = memoryModules((await readBytes('/sys/firmware/dmi/tables/DMI')) ?? Buffer.alloc(0));
  const bmc = await bmcFacts(signal);
  const controllers = await arrays.controllers();
  return {
    ...(await readIdentity()),
    manufacturer: (await readText(`${DMI}/sys_vendor`)) ?? 'unknown',
    model: (await readText(`${DMI}/product_name`)) ?? 'unknown',
    firmware: (await readText(`${DMI}/bios_version`)) ?? 'unknown',
    architecture: arch() === 'arm64' ? 'aarch64' : 'x86_64',
    bootMode: (await exists('/sys/firmware/efi')) ? 'UEFI' : 'BIOS',
    cpu: cpuFacts((await readText('/proc/cpuinfo')) ?? ''),
    memory: {
      totalBytes: modules.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) || (await usableMemory()),
      modules,
    },
    disks: await arrays.disks(),
    ...(controllers.length > 0 && { controllers }),
    nics: await nicFacts(signal),
    gpus: await gpuFacts(),
    ...(bmc && { bmc }),
  };
}

/** Sockets and cores from /proc/cpuinfo; where it tells none (virtual machines, ARM), each thread counts as a core. */
export function cpuFacts(cpuinfo: string): Inventory['cpu'] {
  const processors = cpuinfo.split('\n\n').filter((text) => /^processor\s*:/m.test(text));
  const field = (text: string, name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim();
  const sockets = new Set(processors.map((text) => field(text, 'physical id') ?? '0'));
  const cores = new Set(
    processors.map((text, index) => `${field(text, 'physical id') ?? '0'}/${field(text, 'core id') ?? `t${index}`}`),
  );
  return {
    model: field(processors[0] ?? '', 'model name') ?? 'unknown',
    sockets: Math.max(1, sockets.size),
    cores: cores.size,
    threads: processors.length,
  };
}

async function usableMemory(): Promise<number> {
  const kib = /^MemTotal:\s+(\d+) kB/m.exec((await readText('/proc/meminfo')) ?? '')?.[1];
  return Number(kib ?? 0) * 1024;
}

/** Ethernet ports of the machine itself: what has a device behind it. */
async function physicalInterfaces(): Promise<string[]> {
  const names = await list('/sys/class/net');
  const physical = await Promise.all(
    names.map(async (name) => {
      const port = `/sys/class/net/${name}`;
      return (await exists(`${port}/device`)) && (await readNumber(`${port}/type`)) === ETHERNET;
    }),
  );
  return names.filter((_name, index) => physical[index]);
}

async function nicFacts(signal: AbortSignal): Promise<NicFacts[]> {
  const neighbours = await lldpNeighbours(signal);
  const names = await physicalInterfaces();
  const facts = await Promise.all(
    names.map(async (name): Promise<NicFacts | undefined> => {
      const port = `/sys/class/net/${name}`;
      const macAddress = await readText(`${port}/address`);
      if (macAddress === undefined) return undefined;
      const lldp = neighbours.get(name);
      return {
        name,
        macAddress,
        // A link that is down, or a virtual one, tells -1 or nothing.
        speedMbps: Math.max(0, (await readNumber(`${port}/speed`)) ?? 0),
        linkUp: (await readNumber(`${port}/carrier`)) === 1,
        ...(lldp && { lldp }),
      };
    }),
  );
  return facts.filter((nic) => nic !== undefined);
}

/** From lldpd, where the live OS runs it. */
async function lldpNeighbours(signal: AbortSignal): Promise<Map<string, NonNullable<NicFacts['lldp']>>> {
  const output = await runIfInstalled('lldpcli', ['-f', 'keyvalue', 'show', 'neighbors'], { signal });
  return parseLldp(output ?? '');
}

/** lldpcli's key-value form: lldp.eno1.chassis.name=sw1, lldp.eno1.port.ifname=Ethernet1/7 (or port.descr, port.local). */
export function parseLldp(text: string): Map<string, NonNullable<NicFacts['lldp']>> {
  const values = new Map(text.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  const interfaces = new Set([...values.keys()].flatMap((key) => /^lldp\.([^.]+)\.chassis\./.exec(key)?.[1] ?? []));
  return new Map(
    [...interfaces].map((name) => {
      const value = (...keys: string[]) =>
        keys.map((key) => values.get(`lldp.${name}.${key}`)).find(Boolean) ?? 'unknown';
      const port = value('port.ifname', 'port.descr', 'port.local', 'port.mac');
      return [name, { switchName: value('chassis.name', 'chassis.mac'), port }];
    }),
  );
}

/** PCI class 0x0302, 3D controller, and 0x1200, accelerator; a display of a BMC is 0x0300. Memory: the largest BAR. */
async function gpuFacts(): Promise<Inventory['gpus']> {
  const devices = await list('/sys/bus/pci/devices');
  const found = await Promise.all(
    devices.map(async (address) => {
      const device = `/sys/bus/pci/devices/${address}`;
      const kind = await readText(`${device}/class`);
      if (!kind?.startsWith('0x0302') && !kind?.startsWith('0x1200')) return undefined;
      const regions = ((await readText(`${device}/resource`)) ?? '').split('\n').map((line) => {
        const [start = 0, end = 0] = line.split(' ').map(Number);
        return end > start ? end - start + 1 : 0;
      });
      const model = `${await readText(`${device}/vendor`)}:${await readText(`${device}/device`)}`.replaceAll('0x', '');
      return { model, memoryBytes: Math.max(0, ...regions) };
    }),
  );
  return found.filter((gpu) => gpu !== undefined);
}

/** Over the system interface, where the live OS brings ipmitool and the machine has a BMC. */
async function bmcFacts(signal: AbortSignal): Promise<Inventory['bmc']> {
  if (!(await exists('/dev/ipmi0'))) return undefined;
  const output = await runIfInstalled('ipmitool', ['lan', 'print'], { signal });
  const value = (name: string) => new RegExp(`^${name}\\s+: (.*)$`, 'm').exec(output ?? '')?.[1]?.trim();
  const [address, macAddress] = [value('IP Address'), value('MAC Address')];
  return address !== undefined && macAddress !== undefined ? { address, macAddress } : undefined;
}
