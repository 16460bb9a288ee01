// What a person is told of one object.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, DeviceInventory } from '../api/generated.ts';
import { describeDevice } from './describe.ts';

test('volumes are told with their disks, by the names that these were collected with', () => {
  const device: Device = {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Device',
    metadata: { name: 'r1-02' },
    spec: { bmc: { address: 'ipmi://127.0.0.1' }, bootMACAddress: '52:54:00:00:00:01', site: 's' },
    status: {
      volumes: [
        { name: 'root', disks: ['S1', 'S2'], raidLevel: 'RAID1', arrayID: 'a', sizeBytes: 480e9 },
        { name: 'data', disks: ['S3', 'S4'] },
        { name: 'cold', disks: ['S6'], raidLevel: 'RAID0', arrayID: 'b', controller: 'C1', sizeBytes: 18e12 },
        { name: 'log', disks: ['S5'], partitions: [{ id: 'p', fileSystem: 'xfs', mountPoint: '/var/log' }] },
      ],
    },
  };
  const inventory: DeviceInventory = {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'DeviceInventory',
    metadata: { name: 'r1-02' },
    spec: {
      collectedAt: '2026-01-01T00:00:00Z',
      operationID: 'o',
      serialNumber: 'M',
      disks: [
        { name: 'sda', serialNumber: 'S1' },
        { name: 'sdb', serialNumber: 'S2' },
      ],
    },
  };
  const lines = describeDevice(device, { now: 0, events: [], inventory });
  const from = lines.indexOf('Volumes:');
  assert.equal(lines.slice(from + 1, from + 5), [
    '  root  RAID1                      480 GB    sda (S1), sdb (S2)',
    '  data  not put together                     S3, S4',
    '  cold  one disk by controller C1  18000 GB  S6',
    '  log   one disk                             S5                  xfs /var/log',
  ]);
});

test('RAID controllers are told with what drives them, or why nothing does', () => {
  const spec = { collectedAt: '2026-01-01T00:00:00Z', operationID: 'o', serialNumber: 'M' };
  const device = { metadata: { name: 'd' }, spec: { bmc: { address: 'ipmi://127.0.0.1' } } } as unknown as Device;
  const told = (controllers: NonNullable<DeviceInventory['spec']['controllers']>) =>
    describeDevice(device, {
      now: 0,
      events: [],
      inventory: {
        apiVersion: 'bmp.dev/v1alpha1',
        kind: 'DeviceInventory',
        metadata: { name: 'd' },
        spec: { ...spec, controllers },
      },
    }).find((line) => line.includes('RAID'));
  assert.match(
    told([
      { name: '0000:03:00.0', model: 'MegaRAID', tool: 'storcli64' },
      { name: '0000:04:00.0', model: '9005:028f', problem: 'the live OS lacks ssacli' },
    ])!,
    '0000:03:00.0 MegaRAID: by storcli64; 0000:04:00.0 9005:028f: the live OS lacks ssacli',
  );
  assert.is(told([]), undefined);
});

test.run();
