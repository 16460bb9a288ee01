import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICE_TYPES, machineProfile } from './profile.ts';

test('machines differ from each other and are the same in every run', () => {
  const fleet = Array.from({ length: 2000 }, (_, index) => machineProfile(1, index));
  assert.equal(machineProfile(1, 7), fleet[7]);
  const unique = (values: readonly string[]) => assert.is(new Set(values).size, values.length);
  unique(fleet.map(({ name }) => name));
  unique(fleet.map(({ systemId }) => systemId));
  unique(fleet.map(({ inventory }) => inventory.serialNumber));
  unique(fleet.flatMap(({ inventory }) => inventory.macAddresses));
  unique(fleet.flatMap(({ inventory }) => inventory.disks.map((disk) => disk.serialNumber)));
  assert.is.not(machineProfile(2, 0).inventory.serialNumber, fleet[0]!.inventory.serialNumber);
  assert.is(new Set(fleet.map(({ address }) => address)).size, fleet.length);
});

test('racks hold eight', () => {
  const names = [0, 1, 7, 8, 80].map((index) => machineProfile(1, index).name);
  assert.equal(names, ['r1-01', 'r1-02', 'r1-08', 'r2-01', 'r11-01']);
});

test('each has what its device type asks for', () => {
  const GIB = 1024 ** 3;
  for (let index = 0; index < 8; index++) {
    const { deviceType, inventory } = machineProfile(3, index);
    const type = DEVICE_TYPES.find(({ name }) => name === deviceType)!;
    assert.ok(inventory.cpu.cores >= type.minCores);
    assert.ok(inventory.memory.totalBytes >= Number.parseInt(type.minMemory, 10) * GIB);
    assert.is(
      inventory.memory.totalBytes,
      inventory.memory.modules.reduce((sum, module) => sum + module.sizeBytes, 0),
    );
    for (const { count, rotational } of type.disks) {
      assert.ok(inventory.disks.filter((disk) => disk.rotational === rotational).length >= count);
    }
  }
});

test.run();
