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
  assert.equal(lines.slice(from + 1, from + 4), [
    '  root  RAID1             480 GB  sda (S1), sdb (S2)',
    '  data  not put together          S3, S4',
    '  log   one disk                  S5                  xfs /var/log',
  ]);
});

test.run();
