import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedBmc } from '../../sim/bmc/bmc.ts';
import { type ChassisHardware, MemoryChassis } from '../../sim/bmc/chassis.ts';
import { LAB_ADMIN, LAB_FRU, LAB_GUID } from '../../sim/bmc/lab.ts';
import { machineProfile } from '../../sim/machine/profile.ts';
import { openDriver } from '../open.ts';
import { readHardware, type Service } from './hardware.ts';
import type { Json } from './json.ts';

const within = () => AbortSignal.timeout(60_000);

/** A service of which these resources are all. */
const service = (resources: Record<string, Json>): Service => ({
  find: async (path) => (path === undefined ? undefined : resources[path]),
});

test('the parts that a service lists, without those that are not there, while the machine is off', async () => {
  const { inventory } = machineProfile(1, 0);
  class Machine extends MemoryChassis {
    readonly hardware: ChassisHardware = inventory;
  }
  const chassis = new Machine();
  const users = [{ name: LAB_ADMIN.username, password: LAB_ADMIN.password, privilege: 'administrator' }] as const;
  const bmc = new SimulatedBmc({ chassis, users, guid: LAB_GUID, fru: LAB_FRU });
  const address = `redfish+http://127.0.0.1:${await bmc.listenRedfish()}`;
  const driver = openDriver({ address, credentials: LAB_ADMIN });
  try {
    const told = await driver.hardware(within());
    const { firmware, cpu, memory } = inventory;
    assert.equal([told.serialNumber, told.firmware, told.cpu], ['SN0007', firmware, cpu]);
    assert.equal(told.memory, { totalBytes: memory.totalBytes, modules: memory.modules });
    assert.equal(
      told.disks,
      inventory.disks.map(({ name, serialNumber, model, sizeBytes, rotational, transport }) => ({
        name,
        serialNumber,
        model,
        sizeBytes,
        rotational,
        transport,
      })),
    );
    assert.equal(
      told.nics.map(({ macAddress, linkUp }) => [macAddress, linkUp]),
      inventory.nics.map(({ macAddress, linkUp }) => [macAddress, linkUp]),
    );
    assert.is(chassis.power(), 'Off');
  } finally {
    await driver.close();
    await bmc.close();
  }
});

test('summaries stand in for lists, and what nobody tells is absent', async () => {
  const summaries = {
    SerialNumber: 'S1',
    ProcessorSummary: { Count: 2, Model: 'CPU', CoreCount: 64 },
    MemorySummary: { TotalSystemMemoryGiB: 512 },
  };
  assert.equal(await readHardware(service({}), summaries, within()), {
    serialNumber: 'S1',
    cpu: { sockets: 2, model: 'CPU', cores: 64 },
    memory: { totalBytes: 512 * 1024 ** 3, modules: [] },
    disks: [],
    nics: [],
  });
  assert.equal(await readHardware(service({}), {}, within()), { disks: [], nics: [] });
});

test('a list that leads nowhere, or holds what is no part, is not believed', async () => {
  const at = (path: string) => ({ '@odata.id': path });
  const resources = {
    '/redfish/v1/P': { Members: [at('/redfish/v1/P/1'), at('/redfish/v1/P/2'), at('/etc/passwd'), 7] },
    '/redfish/v1/P/1': { ProcessorType: 'GPU', Model: 'not a CPU', TotalCores: 9000 },
    '/redfish/v1/E': { Members: [at('/redfish/v1/E/1')] },
    '/redfish/v1/E/1': { Name: 'no address', SpeedMbps: 'fast' },
  };
  const system = { Processors: at('/redfish/v1/P'), EthernetInterfaces: at('/redfish/v1/E') };
  assert.equal(await readHardware(service(resources), system, within()), { disks: [], nics: [] });
});

test.run();
