// What a collection leaves behind: the inventory, and a word of what nobody could look at.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, DeviceInventory } from '../../lib/api/generated.ts';
import type { ControllerFacts, Inventory } from '../../lib/provision/protocol.ts';
import { machineProfile } from '../../lib/sim/machine/profile.ts';
import { type Completing, withCompleted } from './completion.ts';
import { sessionOf, taskId } from './desk.ts';
import type { Operation } from './status.ts';

const device: Device = {
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Device',
  metadata: { name: 'r1-04', uid: 'u' },
  spec: { bmc: { address: 'ipmi://127.0.0.1' }, bootMACAddress: '52:54:00:00:00:01', site: 's' },
};
const operation: Operation = {
  id: 'op-1',
  kind: 'Collect',
  step: 'collect',
  index: 4,
  total: 5,
  attempt: 1,
  startedAt: '2026-01-01T00:00:00Z',
  boot: { number: 1, nonceHash: 'h' },
};

/** The inventory that is written, and the events, when the agent has found this. */
async function collected(controllers: readonly ControllerFacts[]) {
  const written: DeviceInventory[] = [];
  const events: string[] = [];
  const result: Inventory = { ...machineProfile(1, 3).inventory, bootMode: 'UEFI', controllers };
  const task = { id: taskId(operation), kind: 'collect', state: 'succeeded', percent: 100, result } as const;
  const session = sessionOf(device, operation)!;
  const deps = {
    client: { create: async (_resource: unknown, object: DeviceInventory) => written.push(object) },
    stores: { inventories: new Map() },
    desk: { received: () => ({ report: { session, report: { task }, heardAt: 0 } }) },
    events: { event: (_device: unknown, ...told: readonly string[]) => events.push(told.join(' ')) },
    clock: { now: () => 0 },
  } as unknown as Completing['deps'];
  const completing = {
    deps,
    device,
    around: {} as Completing['around'],
    status: {},
    signal: new AbortController().signal,
  };
  await withCompleted(completing, operation);
  return { spec: written[0]!.spec, events };
}

test('a RAID controller is in the inventory with what drives it, and its disks with it', async () => {
  const { controllers } = machineProfile(1, 3).inventory;
  const { spec, events } = await collected(controllers!);
  assert.equal(spec.controllers, controllers);
  assert.is(spec.disks?.filter(({ controller }) => controller === controllers![0]!.serialNumber).length, 12);
  assert.equal(events, []);
});

test('one that the live OS does not drive is told as an event', async () => {
  const problem = 'the live OS has neither perccli64 nor storcli64';
  const { spec, events } = await collected([{ name: '0000:03:00.0', model: '1000:005d', problem }]);
  assert.equal(spec.controllers, [{ name: '0000:03:00.0', model: '1000:005d', problem }]);
  assert.equal(events, [
    `Warning ControllerNotDriven the RAID controller 0000:03:00.0 (1000:005d) keeps its disks: ${problem}`,
  ]);
});

test.run();
