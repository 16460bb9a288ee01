// The machine's parts as a simulated Redfish service lists them.
import type { ChassisHardware } from '../chassis.ts';
import type { BmcState } from '../state.ts';
import type { Body } from './messages.ts';
import { PARTS, resource, SYSTEM } from './resources.ts';

const MIB = 1024 ** 2;
const ENABLED = { State: 'Enabled', Health: 'OK' };

type Kind = keyof typeof PARTS;

/** A socket's share of what all of them have. */
const share = (all: number, sockets: number) => Math.floor(all / sockets);

const BODIES: { [K in Kind]: (hardware: ChassisHardware, path: string) => Body[] } = {
  Processors: ({ cpu: { model, sockets, cores, threads } }, path) =>
    Array.from({ length: sockets }, (_, index) =>
      resource(`${path}/CPU${index + 1}`, PARTS.Processors, `CPU ${index + 1}`, {
        ProcessorType: 'CPU',
        Model: model,
        TotalCores: share(cores, sockets),
        TotalThreads: share(threads, sockets),
        Status: ENABLED,
      }),
    ),
  Memory: ({ memory }, path) => [
    ...memory.modules.map(({ slot, sizeBytes, type, speedMTs }, index) =>
      resource(`${path}/${index + 1}`, PARTS.Memory, slot, {
        DeviceLocator: slot,
        CapacityMiB: sizeBytes / MIB,
        MemoryDeviceType: type ?? null,
        OperatingSpeedMhz: speedMTs ?? null,
        Status: ENABLED,
      }),
    ),
    resource(`${path}/empty`, PARTS.Memory, 'Empty slot', { CapacityMiB: null, Status: { State: 'Absent' } }),
  ],
  Drives: ({ disks }, path) =>
    disks.map(({ name, serialNumber, model, sizeBytes, rotational, transport }, index) =>
      resource(`${path}/${index}`, PARTS.Drives, name, {
        SerialNumber: serialNumber,
        Model: model,
        CapacityBytes: sizeBytes,
        MediaType: rotational ? 'HDD' : 'SSD',
        Protocol: transport === 'nvme' ? 'NVMe' : transport.toUpperCase(),
        Status: ENABLED,
      }),
    ),
  EthernetInterfaces: ({ nics }, path) =>
    nics.map(({ name, macAddress, speedMbps, linkUp }, index) =>
      resource(`${path}/${index + 1}`, PARTS.EthernetInterfaces, name, {
        MACAddress: macAddress,
        SpeedMbps: speedMbps ?? null,
        LinkStatus: linkUp ? 'LinkUp' : 'LinkDown',
        Status: ENABLED,
      }),
    ),
};

/** Where the parts of a kind are listed. */
export const partsPath = (kind: Kind): string =>
  kind === 'Drives' ? `${SYSTEM}/Storage/1/Drives` : `${SYSTEM}/${kind}`;

/** Empty where the machine tells nothing of its parts. */
export function parts({ chassis: { hardware } }: BmcState, kind: Kind): Body[] {
  return hardware ? BODIES[kind](hardware, partsPath(kind)) : [];
}

export const storage = (state: BmcState): Body =>
  resource(`${SYSTEM}/Storage/1`, 'Storage.v1_10_0.Storage', 'Storage', {
    Drives: parts(state, 'Drives').map((drive) => ({ '@odata.id': drive['@odata.id'] })),
    Status: ENABLED,
  });
