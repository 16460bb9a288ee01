// What hardware a simulated machine has: plausible, different from machine to machine, and the same for the same seed and
// index in every run.
import { createHash } from 'node:crypto';
import type { ControllerFacts, DiskFacts, Inventory, NicFacts } from '../../provision/protocol.ts';
import type { RaidLevel } from '../../provision/volumes/raid.ts';
import { seededRandom } from '../bmc/faults.ts';

export interface MachineProfile {
  /** r1-01 … r1-08, r2-01 … */
  readonly name: string;
  readonly rack: string;
  readonly unit: number;
  /** Name of the DeviceType whose minimum the machine meets. */
  readonly deviceType: string;
  /** UUID, which its BMC tells. */
  readonly systemId: string;
  readonly bootMACAddress: string;
  /** Serial number of the disk that the system belongs on. */
  readonly rootDisk: DiskFacts;
  /** Of the installed system. */
  readonly address: string;
  /** As the agent finds it, but for the boot mode, which is the last boot's. */
  readonly inventory: Omit<Inventory, 'bootMode'>;
}

const PER_RACK = 8;
const GIB = 1024 ** 3;
const GB = 1000 ** 3;

interface Shape {
  readonly deviceType: string;
  readonly model: string;
  readonly cpu: { readonly model: string; readonly cores: number };
  readonly sockets: number;
  readonly modules: number;
  readonly moduleBytes: number;
  /** Rotating disks hang on a RAID controller. */
  readonly data: { readonly count: number; readonly sizeBytes: number; readonly kind: 'hdd' | 'nvme' } | undefined;
  readonly gpus: number;
}

const SHAPES: readonly Shape[] = [
  {
    deviceType: 'gp.large',
    model: 'SM-1240',
    cpu: { model: 'Simulated Xeon Gold 6338 @ 2.00GHz', cores: 32 },
    sockets: 2,
    modules: 16,
    moduleBytes: 32 * GIB,
    data: undefined,
    gpus: 0,
  },
  {
    deviceType: 'gp.medium',
    model: 'SM-1120',
    cpu: { model: 'Simulated EPYC 9124 16-Core Processor', cores: 16 },
    sockets: 1,
    modules: 8,
    moduleBytes: 16 * GIB,
    data: { count: 2, sizeBytes: 1920 * GB, kind: 'nvme' },
    gpus: 0,
  },
  {
    deviceType: 'gp.large',
    model: 'SM-1240',
    cpu: { model: 'Simulated Xeon Gold 6438N @ 2.00GHz', cores: 32 },
    sockets: 2,
    modules: 16,
    moduleBytes: 32 * GIB,
    data: { count: 4, sizeBytes: 3840 * GB, kind: 'nvme' },
    gpus: 0,
  },
  {
    deviceType: 'st.large',
    model: 'SM-4860',
    cpu: { model: 'Simulated EPYC 9224 24-Core Processor', cores: 24 },
    sockets: 1,
    modules: 12,
    moduleBytes: 32 * GIB,
    data: { count: 12, sizeBytes: 18_000 * GB, kind: 'hdd' },
    gpus: 0,
  },
];

interface SimulatedType {
  readonly name: string;
  readonly minCores: number;
  readonly minMemory: string;
  readonly disks: readonly { readonly count: number; readonly minSize: string; readonly rotational: boolean }[];
  /** As in DeviceType.spec.volumes. */
  readonly volumes?: readonly {
    readonly name: string;
    readonly disks: number;
    readonly minSize: string;
    readonly media: 'HDD' | 'SSD' | 'NVMe';
    readonly raidLevel: RaidLevel;
  }[];
}

/** The minimum of each device type, as its DeviceType object says it. */
export const DEVICE_TYPES: readonly SimulatedType[] = [
  { name: 'gp.large', minCores: 64, minMemory: '480Gi', disks: [{ count: 2, minSize: '400G', rotational: false }] },
  {
    name: 'gp.medium',
    minCores: 16,
    minMemory: '120Gi',
    disks: [{ count: 2, minSize: '400G', rotational: false }],
    volumes: [
      { name: 'root', disks: 2, minSize: '400G', media: 'SSD', raidLevel: 'RAID1' },
      { name: 'data', disks: 2, minSize: '1T', media: 'NVMe', raidLevel: 'RAID0' },
    ],
  },
  {
    name: 'st.large',
    minCores: 24,
    minMemory: '360Gi',
    disks: [{ count: 12, minSize: '16T', rotational: true }],
    volumes: [
      { name: 'root', disks: 2, minSize: '400G', media: 'SSD', raidLevel: 'RAID1' },
      { name: 'data', disks: 12, minSize: '16T', media: 'HDD', raidLevel: 'RAID6' },
    ],
  },
];

/** @param index from 0 */
export function machineProfile(seed: number, index: number): MachineProfile {
  const shape = SHAPES[index % SHAPES.length]!;
  const rackNumber = Math.floor(index / PER_RACK) + 1;
  const unit = (index % PER_RACK) + 1;
  const rack = `r${rackNumber}`;
  const random = seededRandom(seed * 1_000_003 + index + 1);
  const serialNumber = `SIM${code(seed, index, 'machine', 6)}`;
  const nics = nicFacts(seed, index, rack, unit, shape.data?.kind === 'hdd' ? 25_000 : 10_000);
  const controllers = controllerFacts(seed, index, shape);
  const disks = diskFacts(seed, index, shape, controllers[0]?.serialNumber, random);
  return {
    name: `${rack}-${String(unit).padStart(2, '0')}`,
    rack,
    unit: unit * 2,
    deviceType: shape.deviceType,
    systemId: uuid(seed, index),
    bootMACAddress: nics[0]!.macAddress,
    rootDisk: disks[0]!,
    address: `10.${(rackNumber >> 8) & 255}.${rackNumber & 255}.${unit + 10}`,
    inventory: {
      serialNumber,
      macAddresses: nics.map((nic) => nic.macAddress),
      manufacturer: 'Simulated Machines',
      model: shape.model,
      firmware: `2.${1 + Math.floor(random() * 4)}.${Math.floor(random() * 10)}`,
      architecture: 'x86_64',
      cpu: {
        model: shape.cpu.model,
        sockets: shape.sockets,
        cores: shape.cpu.cores * shape.sockets,
        threads: shape.cpu.cores * shape.sockets * 2,
      },
      memory: {
        totalBytes: shape.modules * shape.moduleBytes,
        modules: Array.from({ length: shape.modules }, (_, at) => ({
          slot: `DIMM_${String.fromCharCode(65 + (at % 8))}${1 + Math.floor(at / 8)}`,
          sizeBytes: shape.moduleBytes,
          type: 'DDR5',
          speedMTs: 4800,
        })),
      },
      disks,
      ...(controllers.length > 0 && { controllers }),
      nics,
      gpus: Array.from({ length: shape.gpus }, () => ({ model: 'Simulated L4', memoryBytes: 24 * GIB })),
    },
  };
}

function nicFacts(seed: number, index: number, rack: string, unit: number, speedMbps: number): NicFacts[] {
  return Array.from({ length: 2 }, (_, port) => ({
    name: `eno${port + 1}`,
    macAddress: macAddress(seed, index * 4 + port),
    speedMbps,
    linkUp: true,
    lldp: { switchName: `${rack}-sw${port + 1}`, port: `Ethernet1/${unit}` },
  }));
}

function controllerFacts(seed: number, index: number, { data }: Shape): ControllerFacts[] {
  if (data?.kind !== 'hdd') return [];
  const serialNumber = `SIMC${code(seed, index, 'controller', 8)}`;
  return [
    { name: '0000:03:00.0', model: 'Simulated MegaRAID 9361', serialNumber, firmware: '4.680', tool: 'simulated' },
  ];
}

function diskFacts(
  seed: number,
  index: number,
  shape: Shape,
  controller: string | undefined,
  random: () => number,
): DiskFacts[] {
  const system = Array.from({ length: 2 }, (_, at) => ({ at, sizeBytes: 480 * GB, kind: 'ssd' as const }));
  const data = Array.from({ length: shape.data?.count ?? 0 }, (_, at) => ({ at: at + 2, ...shape.data! }));
  const vendor = random() < 0.5 ? 'Samsung' : 'Micron';
  return [...system, ...data].map(({ at, sizeBytes, kind }): DiskFacts => {
    const serialNumber = `S${code(seed, index, `disk ${at}`, 11)}`;
    const wwn = `0x5002538${createHash('sha256').update(serialNumber).digest('hex').slice(0, 9)}`;
    if (kind === 'nvme') {
      const name = `nvme${at - 2}n1`;
      return {
        name,
        serialNumber,
        wwn,
        model: 'Simulated NVMe PM9A3',
        sizeBytes,
        rotational: false,
        transport: 'nvme',
      };
    }
    if (kind === 'hdd')
      return {
        name: `c0/e252/s${at - 2}`,
        serialNumber,
        wwn,
        model: 'Simulated Exos X18',
        sizeBytes,
        rotational: true,
        transport: 'sas',
        ...(controller !== undefined && { controller }),
      };
    return {
      name: `sd${String.fromCharCode(97 + at)}`,
      serialNumber,
      wwn,
      model: `Simulated ${vendor} PM893`,
      hctl: `0:0:${at}:0`,
      sizeBytes,
      rotational: false,
      transport: 'sata',
    };
  });
}

/** Locally administered, unique within a fleet of up to four million machines. */
function macAddress(seed: number, number: number): string {
  const octets = [0x52, 0x54, seed & 0xff, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/** Letters and digits that nobody mistakes for each other. */
function code(seed: number, index: number, what: string, length: number): string {
  const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
  const digest = createHash('sha256').update(`${seed}/${index}/${what}`).digest();
  return Array.from({ length }, (_, at) => alphabet[digest[at]! % alphabet.length]).join('');
}

/** RFC 9562, version 8: of our own making. */
function uuid(seed: number, index: number): string {
  const hex = createHash('sha256').update(`${seed}/${index}/system`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
