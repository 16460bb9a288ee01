// Devices as the scheduler sees them: one node each, taken whole; a claim is the reservation on it.
import type { Device, DeviceInventory, DeviceType, Site } from '../../api/generated.ts';
import { bytes, QuantityError } from '../../api/quantity.ts';
import { NodeTable } from '../table.ts';
import type { Node } from '../types.ts';
import { STATE, TYPE } from './device-profile.ts';

/** What is known of one device: all that its node is made of. */
export interface DeviceFacts {
  readonly device: Device;
  readonly inventory?: DeviceInventory | undefined;
  readonly type?: DeviceType | undefined;
  readonly site?: Site | undefined;
}

/** The node table of all devices, kept from round to round: only devices of which something changed are looked at again. */
export class Fleet {
  readonly table = new NodeTable();
  readonly #known = new Map<string, DeviceFacts>();

  /** Makes the table say what `devices`, all there are, say. */
  update(devices: Iterable<DeviceFacts>): void {
    const gone = new Set(this.#known.keys());
    for (const facts of devices) {
      const { name } = facts.device.metadata;
      gone.delete(name);
      const known = this.#known.get(name);
      if (!known || !sameFacts(known, facts)) this.table.upsert(deviceNode(facts));
      this.#known.set(name, facts);
      // Each time, as a claim that could not be written leaves the table ahead of the device.
      const { claimRef } = facts.device.spec;
      if (claimRef) this.claim(name, claimRef.namespace);
      else this.table.release(name);
    }
    for (const name of gone) {
      this.#known.delete(name);
      this.table.release(name);
      this.table.remove(name);
    }
  }

  /** The Device as the table has it. */
  device(name: string): Device | undefined {
    return this.#known.get(name)?.device;
  }

  /** The Devices that somebody has. */
  claimed(): Device[] {
    return [...this.#known.values()].map(({ device }) => device).filter((device) => device.spec.claimRef);
  }

  /** Records that a namespace has the device. A device is its own reservation's id: it has one at most. */
  claim(name: string, namespace: string): void {
    if (!this.table.has(name)) this.table.reserve(name, { id: name, tenant: namespace, resources: {}, priority: 0 });
  }
}

/** Objects in caches never change: a change is another object. */
const sameFacts = (a: DeviceFacts, b: DeviceFacts): boolean =>
  a.device === b.device && a.inventory === b.inventory && a.type === b.type && a.site === b.site;

/** The device's node. Its id is the device's name, so ties go to the lowest name. */
export function deviceNode({ device, inventory, type, site }: DeviceFacts): Node {
  const { name, labels = {} } = device.metadata;
  const { spec } = device;
  const state = stateOf(device);
  return {
    id: name,
    name,
    labels: {
      ...labels,
      ...(spec.deviceType !== undefined && { [TYPE]: spec.deviceType }),
      ...(state !== undefined && { [STATE]: state }),
    },
    pool: spec.pool ?? 'default',
    site: spec.site,
    region: site?.spec.region ?? '',
    zone: site?.spec.zone ?? spec.site,
    rack: spec.location?.rack ?? '',
    dedicated: false,
    taints: spec.taints ?? [],
    capacity: sizeOf(inventory, type),
    reserved: {},
    overcommit: {},
    maxPlacements: 1,
    schedulable: true,
  };
}

/**
 * Why the device is not on offer, whoever has it or not. Undefined for one that Instances can have or do have: claims are
 * the scheduler's reservations.
 */
export function stateOf(device: Device): string | undefined {
  const { phase, conditions } = device.status ?? {};
  const isReady = conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (device.metadata.deletionTimestamp !== undefined) return 'being deleted';
  if (device.spec.maintenance?.enabled || phase === 'Maintenance') return 'in maintenance';
  if (phase === 'Cleaning') return 'being cleaned';
  if (phase === 'InUse') return undefined;
  if (phase !== 'Available') return 'not available';
  return isReady ? undefined : 'not ready';
}

/** How large the machine is: what was collected on it, or else what its type promises. Only for the choice of the smallest. */
function sizeOf(inventory: DeviceInventory | undefined, type: DeviceType | undefined): Record<string, number> {
  const { cpu, memory, disks = [], gpus = [] } = inventory?.spec ?? {};
  const promised = type?.spec.hardware;
  return {
    cpu: amount(cpu?.cores ?? promised?.minCores ?? 0),
    memory: bytesOf(memory?.total ?? promised?.minMemory),
    storage: amount(disks.reduce((sum, disk) => sum + bytesOf(disk.size), 0)),
    gpu: inventory ? gpus.length : amount(promised?.gpus ?? 0),
  };
}

/** What a machine reports of itself may be anything; a size that makes no sense counts as none. */
const amount = (value: number): number => (Number.isSafeInteger(value) && value >= 0 ? value : 0);

function bytesOf(quantity: number | string | undefined): number {
  if (quantity === undefined) return 0;
  try {
    return bytes(quantity);
  } catch (error) {
    if (error instanceof QuantityError) return 0;
    throw error;
  }
}
