// The hardware of machines that somebody else runs: what their BMC tells, once, and when asked for; they are not booted for it.
import type { Device, DeviceInventory } from '../../lib/api/generated.ts';
import type { BmcHardware } from '../../lib/bmc/driver.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { bmcInventory, changesText, withChangesTold, writeInventory } from './collection.ts';
import type { DeviceDependencies } from './context.ts';
import { answered, deviceRequest } from './plan.ts';
import type { Status } from './status.ts';

export function isToBeRead(device: Device, status: Status, inventory: DeviceInventory | undefined): boolean {
  if (status.phase !== 'Adopted' || status.error || device.spec.maintenance?.enabled) return false;
  return !inventory || deviceRequest(status, 'collect', device) !== undefined;
}

/** Writes down what the BMC told. Gives the status with the answer to whoever asked. */
export async function noteAdopted(
  { client, clock, events, stores }: Pick<DeviceDependencies, 'client' | 'clock' | 'events' | 'stores'>,
  device: Device,
  status: Status,
  hardware: BmcHardware,
  signal: AbortSignal,
): Promise<Status> {
  const asked = deviceRequest(status, 'collect', device);
  const now = clock.now();
  const wanted = bmcInventory(device, hardware, asked, timestamp(now));
  const changes = await writeInventory(client, stores.inventories.get(device.metadata.name), wanted, signal);
  if (changes && changes.length > 0) events.event(device, 'Warning', 'HardwareChanged', changesText(changes));
  if (!asked) return status;
  const running = answered(status, 'collect', asked, 'Running', now);
  return answered(withChangesTold(running, changes ?? []), 'collect', asked, 'Succeeded', now);
}
