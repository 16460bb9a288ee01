// The collected hardware as a DeviceInventory, and back as what the checks compare.
import type { Device, DeviceInventory, DeviceType } from '../../lib/api/generated.ts';
import { bytes, formatBytes } from '../../lib/api/quantity.ts';
import { API_VERSION } from '../../lib/api/resources.ts';
import { controllerReference } from '../../lib/kube/resource.ts';
import {
  type CollectedHardware,
  type HardwareRequirement,
  hardwareMismatches,
} from '../../lib/provision/operations/hardware-check.ts';
import type { DiskFacts, Inventory } from '../../lib/provision/protocol.ts';
import { compact } from './status.ts';

type Spec = DeviceInventory['spec'];

export function inventoryObject(
  device: Device,
  inventory: Inventory,
  operationID: string,
  collectedAt: string,
): DeviceInventory {
  const { disks, memory, gpus, nics, macAddresses: _, ...plain } = inventory;
  const spec: Spec = {
    collectedAt,
    operationID,
    ...structuredClone(plain as Pick<Spec, 'serialNumber' | 'manufacturer' | 'model' | 'firmware' | 'cpu' | 'bmc'>),
    memory: {
      total: formatBytes(memory.totalBytes),
      modules: memory.modules.map(({ sizeBytes, ...module }) => ({ ...module, size: formatBytes(sizeBytes) })),
    },
    disks: disks.map(({ sizeBytes, ...disk }) => compact({ ...disk, size: String(sizeBytes) })),
    nics: structuredClone(nics) as NonNullable<Spec['nics']>,
    gpus: gpus.map(({ model, memoryBytes }) => ({ model, memory: formatBytes(memoryBytes) })),
  };
  return {
    apiVersion: API_VERSION,
    kind: 'DeviceInventory',
    metadata: { name: device.metadata.name, ownerReferences: [controllerReference(device)] },
    spec,
  };
}

/** Controllers that are not driven, and why. */
export const controllerProblems = ({ controllers = [] }: Pick<Spec, 'controllers'>): string[] =>
  controllers.flatMap(({ name, model, problem }) =>
    problem === undefined ? [] : [`the RAID controller ${name} (${model}) keeps its disks: ${problem}`],
  );

/** The collected disks that can be told from each other. */
export const collectedDisks = ({ spec }: DeviceInventory): DiskFacts[] =>
  spec.disks?.filter(({ serialNumber }) => serialNumber !== undefined).map(diskFacts) ?? [];

function diskFacts(disk: NonNullable<Spec['disks']>[number]): DiskFacts {
  const { name = '?', serialNumber = '', model = 'unknown', size = '0', rotational = false, transport, ...rest } = disk;
  return {
    ...rest,
    name,
    serialNumber,
    model,
    sizeBytes: bytes(size),
    rotational,
    transport: (transport ?? 'sas') as DiskFacts['transport'],
  };
}

function collected({ spec }: DeviceInventory): CollectedHardware {
  return {
    architecture: spec.architecture ?? 'unknown',
    bootMode: spec.bootMode ?? 'unknown',
    cores: spec.cpu?.cores ?? 0,
    memoryBytes: bytes(spec.memory?.total ?? 0),
    disks: spec.disks?.filter(({ failed }) => !failed).map(diskFacts) ?? [],
    nics: (spec.nics ?? []).map(({ name = '?', macAddress = '?', speedMbps = 0, linkUp = false }) => ({
      name,
      macAddress,
      speedMbps,
      linkUp,
    })),
    gpus: spec.gpus?.length ?? 0,
  };
}

function requirement(
  { spec: { bootMACAddress } }: Device,
  { spec: { hardware, bootMode = 'UEFI' } }: DeviceType,
): HardwareRequirement {
  const { architecture = 'x86_64', minCores, minMemory, disks = [], nics, gpus } = hardware;
  return compact<HardwareRequirement>({
    bootMACAddress,
    architecture,
    bootMode,
    minCores,
    minMemoryBytes: minMemory === undefined ? undefined : bytes(minMemory),
    disks: disks.map(({ count, minSize, rotational }) =>
      compact<HardwareRequirement['disks'][number]>({
        count,
        minSizeBytes: minSize === undefined ? undefined : bytes(minSize),
        rotational,
      }),
    ),
    nics,
    gpus,
  });
}

/** Every way in which the collected hardware falls short of what its type asks for. */
export function mismatches(device: Device, inventory: DeviceInventory, type: DeviceType): string[] {
  return hardwareMismatches(collected(inventory), requirement(device, type));
}
