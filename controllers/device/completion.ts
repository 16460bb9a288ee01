// What the end of a step leaves behind, beside the step itself: what the agent found or did is noted, addresses are given back.
import type { Device } from '../../lib/api/generated.ts';
import type { Inventory, TaskResults } from '../../lib/provision/protocol.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { addressesOf, giveBack } from './addresses.ts';
import { changesText, withChangesTold, writeInventory } from './collection.ts';
import type { DeviceDependencies, Surroundings } from './context.ts';
import { heard } from './desk.ts';
import { controllerProblems, inventoryObject } from './inventory.ts';
import { kindOf, type Operation, type Status, withInstalled } from './status.ts';
import { systemDisk, volumeMapping, withMade, withoutArrays, withVolumes } from './volumes.ts';
import { withWiped } from './wiped.ts';

export interface Completing {
  readonly deps: DeviceDependencies;
  readonly device: Device;
  readonly around: Surroundings;
  readonly status: Status;
  readonly signal: AbortSignal;
}

/** The status with what the operation's step, which is done, has left behind. @throws ApiError */
export async function withCompleted(completing: Completing, operation: Operation): Promise<Status> {
  const { deps, device, around, status, signal } = completing;
  const kind = kindOf(operation);
  if ((kind === 'Clean' || kind === 'Release') && operation.index === operation.total)
    await giveBack(deps.client, device, addressesOf(deps.stores.addresses, device), signal);
  switch (operation.step) {
    case 'collect':
      return withInventory(completing, operation);
    case 'wipe': {
      const { disks } = taskOf(completing, operation)!.result as TaskResults['wipe'];
      return withWiped(withoutArrays(status), disks, operation.id, deps.clock.now());
    }
    case 'configure-raid':
    case 'prepare-volumes': {
      // None was asked for where there was nothing to do.
      const task = taskOf(completing, operation);
      return task ? withMade(status, operation, task.result as Parameters<typeof withMade>[2]) : status;
    }
    case 'check-hardware':
      return withVolumes(status, volumeMapping(device, around.inventory!, around.type!));
    case 'write-seed':
      return withInstalled(status, operation, device.spec.claimRef, systemDisk(status, operation), deps.clock.now());
    default:
      return status;
  }
}

const taskOf = ({ deps, device }: Completing, operation: Operation) =>
  heard(device, operation, deps.desk.received(device)).task;

async function withInventory(completing: Completing, operation: Operation): Promise<Status> {
  const { deps, device, status, signal } = completing;
  const found = taskOf(completing, operation)!.result as Inventory;
  const wanted = inventoryObject(device, found, operation.id, timestamp(deps.clock.now()));
  const changes = await writeInventory(deps.client, deps.stores.inventories.get(device.metadata.name), wanted, signal);
  for (const problem of controllerProblems(wanted.spec))
    deps.events.event(device, 'Warning', 'ControllerNotDriven', problem);
  if (!changes) return status;
  if (changes.length > 0) deps.events.event(device, 'Warning', 'HardwareChanged', changesText(changes));
  return withChangesTold(status, changes);
}
