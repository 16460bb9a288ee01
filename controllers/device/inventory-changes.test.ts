import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inventoryChanges, type Spec } from './inventory-changes.ts';

const before: Spec = {
  collectedAt: '2026-01-01T00:00:00Z',
  operationID: 'collect-1',
  serialNumber: '7C1QX3',
  model: 'SM-1240',
  firmware: '2.1.0',
  bootMode: 'UEFI',
  cpu: { model: 'Xeon', sockets: 2, cores: 64, threads: 128 },
  memory: {
    total: '64Gi',
    modules: [
      { slot: 'A1', size: '32Gi', type: 'DDR5', speedMTs: 4800 },
      { slot: 'A2', size: '32Gi', type: 'DDR5', speedMTs: 4800 },
    ],
  },
  disks: [
    { name: 'sda', serialNumber: 'A', hctl: '0:0:0:0', size: '480000000000', model: 'PM893' },
    { name: 'sdb', serialNumber: 'B', hctl: '0:0:1:0', size: '480000000000', model: 'PM893' },
    { name: 'nvme0n1', serialNumber: 'N', size: '1920000000000', model: 'PM9A3' },
  ],
  nics: [
    {
      name: 'eno1',
      macAddress: '52:54:00:00:00:01',
      linkUp: true,
      speedMbps: 10_000,
      lldp: { switchName: 'sw1', port: 'Ethernet1/1' },
    },
    { name: 'eno2', macAddress: '52:54:00:00:00:02', linkUp: true, speedMbps: 10_000 },
  ],
  gpus: [{ model: 'L4' }, { model: 'L4' }],
};
const [sda, sdb, nvme] = before.disks!;
const [eno1, eno2] = before.nics!;
const changes = (change: Partial<Spec>) => inventoryChanges(before, { ...before, ...change });

test('the same hardware has no changes, whenever it was collected and however its disks are called', () => {
  const later = { collectedAt: '2026-02-01T00:00:00Z', operationID: 'collect-2' };
  assert.equal(changes({ ...later, disks: [{ ...sdb!, name: 'sda' }, nvme!, { ...sda!, name: 'sdb' }] }), []);
});

test('a disk in the place of another is one change', () => {
  assert.equal(changes({ disks: [sda!, { ...sdb!, serialNumber: 'C' }, nvme!] }), ['disk sdb: serial B → C']);
  assert.equal(changes({ disks: [sda!, sdb!, { ...nvme!, serialNumber: 'M', size: '3840000000000' }] }), [
    'disk nvme0n1: serial N → M',
    'disk nvme0n1: size: 1920 GB → 3840 GB',
  ]);
});

test('disks that are gone, and new ones', () => {
  assert.equal(changes({ disks: [sda!, nvme!, { ...sdb!, name: 'sdc', hctl: '0:0:2:0', serialNumber: 'D' }] }), [
    'disk sdb: gone (serial B, 480 GB, PM893)',
    'disk sdc: new (serial D, 480 GB, PM893)',
  ]);
});

test('memory is told module by module', () => {
  const [a1] = before.memory!.modules!;
  assert.equal(changes({ memory: { total: '32Gi', modules: [a1!] } }), [
    'memory: 64Gi → 32Gi',
    'memory module A2: 32Gi DDR5 4800 MT/s → nothing',
  ]);
});

test('interfaces: another card, a link, a neighbour', () => {
  assert.equal(changes({ nics: [eno1!, { ...eno2!, macAddress: '52:54:00:00:00:09' }] }), [
    'interface eno2: MAC address 52:54:00:00:00:02 → 52:54:00:00:00:09',
  ]);
  assert.equal(changes({ nics: [{ ...eno1!, linkUp: false, speedMbps: 0 }, eno2!] }), [
    'interface eno1: link: up → down',
  ]);
  assert.equal(changes({ nics: [{ ...eno1!, lldp: { switchName: 'sw2', port: 'Ethernet1/1' } }, eno2!] }), [
    'interface eno1: neighbour: sw1 Ethernet1/1 → sw2 Ethernet1/1',
  ]);
});

test('a RAID controller, and a disk that it calls failed', () => {
  const controller = {
    name: '0000:03:00.0',
    model: 'MegaRAID',
    serialNumber: 'C1',
    firmware: '4.6',
    tool: 'storcli64',
  };
  const kept = { name: 'c0/e252/s0', serialNumber: 'K1', size: '4T', controller: 'C1' };
  const has: Spec = { ...before, controllers: [controller], disks: [kept] };
  const after = (more: Partial<Spec>) => inventoryChanges(has, { ...has, ...more });
  assert.equal(after({ controllers: [{ ...controller, serialNumber: 'C2', firmware: '4.7' }] }), [
    'RAID controller 0000:03:00.0: serial: C1 → C2',
    'RAID controller 0000:03:00.0: firmware: 4.6 → 4.7',
  ]);
  assert.equal(after({ controllers: [] }), ['RAID controller 0000:03:00.0: gone (MegaRAID)']);
  assert.equal(after({ controllers: [controller, { ...controller, name: '0000:04:00.0' }] }), [
    'RAID controller 0000:04:00.0: new (MegaRAID)',
  ]);
  assert.equal(after({ disks: [{ ...kept, failed: true }] }), ['disk c0/e252/s0: state: sound → failed']);
});

test('firmware, GPUs and the BMC', () => {
  assert.equal(
    changes({
      firmware: '2.2.0',
      gpus: [{ model: 'L4' }],
      bmc: { address: '192.0.2.9', macAddress: '52:54:00:00:00:08' },
    }),
    [
      'firmware: 2.1.0 → 2.2.0',
      'GPUs L4: 2 → 1',
      'BMC address: nothing → 192.0.2.9',
      'BMC MAC address: nothing → 52:54:00:00:00:08',
    ],
  );
});

test('a machine with hundreds of changes tells a bounded number of them', () => {
  const many = Array.from({ length: 300 }, (_, at) => ({ name: `sd${at}`, serialNumber: `X${at}`, size: '1G' }));
  const told = changes({ disks: [...before.disks!, ...many] });
  assert.is(told.length, 64);
  assert.is(told.at(-1), 'and 237 more');
});

test.run();
