// The hardware that was collected against what a type asks for: every mismatch, in words an operator can act on.
import type { DiskFacts, NicFacts } from '../protocol.ts';

export interface HardwareRequirement {
  /** The interface that boots from the network: nothing is installed without it. */
  readonly bootMACAddress: string;
  readonly architecture: string;
  readonly bootMode: string;
  readonly minCores?: number;
  readonly minMemoryBytes?: number;
  readonly disks: readonly { readonly count: number; readonly minSizeBytes?: number; readonly rotational?: boolean }[];
  readonly nics?: { readonly count?: number; readonly minSpeedMbps?: number };
  readonly gpus?: number;
}

export interface CollectedHardware {
  readonly architecture: string;
  readonly bootMode: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly disks: readonly Pick<DiskFacts, 'name' | 'sizeBytes' | 'rotational'>[];
  readonly nics: readonly Pick<NicFacts, 'name' | 'macAddress' | 'speedMbps' | 'linkUp'>[];
  readonly gpus: number;
}

const gigabytes = (bytes: number) => `${Math.round(bytes / 1e9)} GB`;
const gibibytes = (bytes: number) => `${Math.round(bytes / 2 ** 30)} GiB`;
const names = (items: readonly { readonly name: string }[]) => items.map((item) => item.name).join(', ');

function diskMismatch(
  have: CollectedHardware['disks'],
  want: HardwareRequirement['disks'][number],
): string | undefined {
  const { count, minSizeBytes = 0, rotational } = want;
  const kind = rotational === undefined ? 'disks' : rotational ? 'rotating disks' : 'solid-state disks';
  const right = have.filter((disk) => rotational === undefined || disk.rotational === rotational);
  const small = right.filter((disk) => disk.sizeBytes < minSizeBytes);
  if (right.length - small.length >= count) return undefined;
  if (right.length >= count)
    return `${small.length} of ${right.length} ${kind} under ${gigabytes(minSizeBytes)}: ${names(small)}`;
  return `${right.length} ${kind} instead of ${count}${right.length > 0 ? `: ${names(right)}` : ''}`;
}

function nicMismatch(
  have: CollectedHardware['nics'],
  want: NonNullable<HardwareRequirement['nics']>,
): string | undefined {
  const { count = 1, minSpeedMbps = 0 } = want;
  const linked = have.filter((nic) => nic.linkUp);
  const slow = linked.filter((nic) => nic.speedMbps < minSpeedMbps);
  if (linked.length - slow.length >= count) return undefined;
  if (linked.length >= count)
    return `${slow.length} of ${linked.length} interfaces under ${minSpeedMbps} Mb/s: ${names(slow)}`;
  return `${linked.length} interfaces with a link instead of ${count}`;
}

function bootInterfaceMismatch(have: CollectedHardware['nics'], bootMACAddress: string): string | undefined {
  const nic = have.find(({ macAddress }) => macAddress === bootMACAddress);
  if (nic) return nic.linkUp ? undefined : `the interface that boots, ${nic.name} ${bootMACAddress}, has no link`;
  const there = have.map(({ name, macAddress }) => `${name} ${macAddress}`).join(', ') || 'none';
  return `no interface with the MAC address ${bootMACAddress} that boots; there are: ${there}`;
}

/** One sentence per mismatch; none: the hardware is as asked for. */
export function hardwareMismatches(have: CollectedHardware, want: HardwareRequirement): string[] {
  const found: (string | undefined)[] = [
    have.architecture === want.architecture
      ? undefined
      : `architecture ${have.architecture} instead of ${want.architecture}`,
    have.bootMode === want.bootMode ? undefined : `boots in ${have.bootMode} mode instead of ${want.bootMode}`,
    have.cores < (want.minCores ?? 0) ? `${have.cores} cores instead of ${want.minCores}` : undefined,
    have.memoryBytes < (want.minMemoryBytes ?? 0)
      ? `${gibibytes(have.memoryBytes)} memory instead of ${gibibytes(want.minMemoryBytes!)}`
      : undefined,
    ...want.disks.map((kind) => diskMismatch(have.disks, kind)),
    bootInterfaceMismatch(have.nics, want.bootMACAddress),
    want.nics ? nicMismatch(have.nics, want.nics) : undefined,
    have.gpus < (want.gpus ?? 0) ? `${have.gpus} GPUs instead of ${want.gpus}` : undefined,
  ];
  return found.filter((mismatch) => mismatch !== undefined);
}
