// What a collection found, written down: the inventory, and what is different from the one before.
import type { Device, DeviceInventory } from '../../lib/api/generated.ts';
import { formatBytes } from '../../lib/api/quantity.ts';
import { API_VERSION, DEVICE_INVENTORIES } from '../../lib/api/resources.ts';
import type { BmcHardware } from '../../lib/bmc/driver.ts';
import { writeObject } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isAlreadyExists } from '../../lib/kube/errors.ts';
import { controllerReference } from '../../lib/kube/resource.ts';
import { inventoryChanges } from './inventory-changes.ts';
import type { Status } from './status.ts';

const LONGEST_MESSAGE = 1024;

/**
 * Writes the inventory, once for each operation.
 * @param old the one before, as the cache has it
 * @returns what is different from it; undefined when this one is the first
 */
export async function writeInventory(
  client: KubeClient,
  old: DeviceInventory | undefined,
  wanted: DeviceInventory,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  if (old) {
    // A BMC calls parts by other names than the live OS does.
    const isComparable = (old.spec.source ?? 'Agent') === (wanted.spec.source ?? 'Agent');
    const isWritten = old.spec.operationID === wanted.spec.operationID;
    const changes = isWritten ? (old.spec.changes ?? []) : isComparable ? inventoryChanges(old.spec, wanted.spec) : [];
    const spec = changes.length > 0 ? { ...wanted.spec, changes } : wanted.spec;
    if (!isWritten) await writeObject(client, DEVICE_INVENTORIES, old, { ...old, spec }, { signal });
    return changes;
  }
  try {
    await client.create(DEVICE_INVENTORIES, wanted, { signal });
  } catch (error) {
    // Written by an earlier try whose answer was lost; the cache has not seen it yet.
    if (!isAlreadyExists(error)) throw error;
  }
  return undefined;
}

/** What an adopted machine's BMC tells of it, for a request of this value; for none, the first time. */
export function bmcInventory(
  device: Device,
  { serialNumber, cpu, memory, disks, nics, ...plain }: BmcHardware,
  request: string | undefined,
  collectedAt: string,
): DeviceInventory {
  return {
    apiVersion: API_VERSION,
    kind: 'DeviceInventory',
    metadata: { name: device.metadata.name, ownerReferences: [controllerReference(device)] },
    spec: {
      ...plain,
      source: 'BMC',
      collectedAt,
      operationID: `bmc-${request ?? 'adoption'}`,
      serialNumber: serialNumber ?? device.spec.serialNumber ?? 'unknown',
      ...(cpu && { cpu }),
      ...(memory && {
        memory: {
          total: formatBytes(memory.totalBytes),
          modules: memory.modules.map(({ sizeBytes, ...module }) => ({
            ...module,
            ...(sizeBytes !== undefined && { size: formatBytes(sizeBytes) }),
          })),
        },
      }),
      disks: disks.map(({ sizeBytes, ...disk }) => ({
        ...disk,
        ...(sizeBytes !== undefined && { size: String(sizeBytes) }),
      })),
      nics: [...nics],
    },
  };
}

/** Changes as people read them. */
export function changesText(changes: readonly string[]): string {
  return changes.length === 0 ? 'nothing has changed' : changes.join('; ');
}

/** The answer to whoever asked for the collection. */
export function withChangesTold(status: Status, changes: readonly string[]): Status {
  const asked = status.requests?.collect;
  if (asked?.result !== 'Running') return status;
  const text = changesText(changes);
  const message = text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE - 1)}…` : text;
  return { ...status, requests: { ...status.requests, collect: { ...asked, message } } };
}
