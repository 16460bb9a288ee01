// What a collection found, written down: the inventory, and what is different from the one before.
import type { DeviceInventory } from '../../lib/api/generated.ts';
import { DEVICE_INVENTORIES } from '../../lib/api/resources.ts';
import { writeObject } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isAlreadyExists } from '../../lib/kube/errors.ts';
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
    const isWritten = old.spec.operationID === wanted.spec.operationID;
    const changes = isWritten ? (old.spec.changes ?? []) : inventoryChanges(old.spec, wanted.spec);
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
