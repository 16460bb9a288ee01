import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, DeviceInventory, DeviceType, Instance } from '../../lib/api/generated.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import type { Operation, Status } from './status.ts';
import {
  arrayOrders,
  misfits,
  requireControllers,
  rootDiskOf,
  sparedTasks,
  systemDisk,
  volumeOrders,
  volumesMisfit,
  withMade,
  withoutArrays,
} from './volumes.ts';

type Wishes = NonNullable<Instance['spec']['volumes']>;

const operation = (kind: string, id = 'op-1'): Operation => ({
  id,
  kind,
  step: 'configure-raid',
  index: 4,
  total: 10,
  attempt: 1,
  startedAt: '2026-01-01T00:00:00Z',
  boot: { number: 1, diskSerialNumber: 'A' },
});
const wanted = (volumes: Wishes = []) => ({
  type: {
    spec: {
      hardware: {},
      volumes: [
        { name: 'root', disks: 2, raidLevel: 'RAID1' },
        { name: 'data', disks: 2, raidLevel: 'RAID0' },
        { name: 'log', disks: 1 },
      ],
    },
  } as unknown as DeviceType,
  instance: { metadata: { name: 'i', namespace: 'n' }, spec: { image: 'x', volumes } } as unknown as Instance,
});
const fresh: Status = {
  volumes: [
    { name: 'root', disks: ['A', 'B'] },
    { name: 'data', disks: ['C', 'D'] },
    { name: 'log', disks: ['E'] },
  ],
};
const parts: Wishes = [
  { name: 'data', raidLevel: 'RAID1', partitions: [{ fileSystem: 'xfs', mountPoint: '/srv' }] },
  { name: 'log', partitions: [{ fileSystem: 'swap', size: '1Gi' }, { fileSystem: 'ext4' }] },
];

/** As after its creation. */
function made(volumes: Wishes): Status {
  const create = operation('Create');
  const arrays = arrayOrders(fresh, create, wanted(volumes)).map(({ id, level, disks }) => ({
    id,
    level,
    disks,
    sizeBytes: 100,
    state: 'whole' as const,
  }));
  const put = withMade(fresh, create, { arrays });
  const orders = volumeOrders(put, create, wanted(volumes));
  const formatted = orders.volumes.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(
      ({ id, fileSystem }) => orders.mounts.find((one) => one.id === id) ?? { id, fileSystem },
    ),
  }));
  return withMade(put, create, { volumes: formatted });
}

test('arrays are as the Instance says, else as the type says, and the same for every try', () => {
  const orders = arrayOrders(fresh, operation('Create'), wanted(parts));
  assert.equal(
    orders.map(({ name, level, disks, boots, keep }) => [name, level, disks.join(''), boots, keep]),
    [
      ['root', 'RAID1', 'AB', true, false],
      ['data', 'RAID1', 'CD', false, false],
    ],
  );
  assert.equal(arrayOrders(fresh, operation('Create'), wanted(parts)), orders);
  assert.is.not(arrayOrders(fresh, operation('Create', 'op-2'), wanted(parts))[0]!.id, orders[0]!.id);
  assert.match(orders[0]!.id, /^[0-9a-f]{32}$/);
});

test('what was made is kept as it is over a reinstallation, whatever is wanted by now', () => {
  const status = made(parts);
  const again = operation('Reinstall', 'op-2');
  const orders = arrayOrders(status, again, wanted([{ name: 'data', raidLevel: 'RAID0' }]));
  assert.equal(
    orders.map(({ name, level, keep }) => [name, level, keep]),
    [
      ['root', 'RAID1', true],
      ['data', 'RAID1', true],
    ],
  );
  const { volumes, mounts } = volumeOrders(status, again, wanted());
  assert.equal(volumes, []);
  assert.equal(
    mounts.map(({ fileSystem, mountPoint }) => [fileSystem, mountPoint]),
    [
      ['xfs', '/srv'],
      ['swap', undefined],
    ],
  );
  assert.equal(
    arrayOrders(withoutArrays(status), operation('ReinstallWiped', 'op-3'), wanted()).map(({ keep }) => keep),
    [false, false],
  );
});

test('the system goes to its array, or to its disk; data to theirs', () => {
  assert.is(systemDisk(fresh, operation('Create')), 'A');
  const status = made(parts);
  const [root, data] = status.volumes!;
  assert.is(systemDisk(status, operation('Create')), root!.arrayID);
  const { volumes } = volumeOrders(status, operation('Create'), wanted(parts));
  assert.equal(
    volumes.map(({ name, diskSerialNumber, partitions }) => [
      name,
      diskSerialNumber,
      partitions.map((one) => one.sizeBytes),
    ]),
    [
      ['data', data!.arrayID, [undefined]],
      ['log', 'E', [2 ** 30, undefined]],
    ],
  );
});

test('what hangs on a RAID controller is made by that, whatever it is, and is known by an id that its label has room for', () => {
  const kept: Status = {
    volumes: [
      { name: 'root', disks: ['A', 'B', 'F'], controller: 'RC-1' },
      { name: 'data', disks: ['C', 'D'] },
      { name: 'log', disks: ['E'], controller: 'RC-2' },
    ],
  };
  const { type, instance } = wanted([{ name: 'root', raidLevel: 'RAID5' }]);
  const wish = { type, instance };
  assert.is(volumesMisfit(kept, wish), undefined);
  const create = operation('Create');
  const orders = arrayOrders(kept, create, wish);
  assert.equal(
    orders.map(({ name, controller, level, id, boots }) => [name, controller, level, id.length, boots]),
    [
      ['root', 'RC-1', 'RAID5', 12, true],
      ['data', undefined, 'RAID0', 32, false],
      ['log', 'RC-2', 'RAID0', 12, false],
    ],
  );
  // A disk that only its controller reaches is none to write to.
  assert.is(rootDiskOf([{ name: 'root', disks: ['A'], controller: 'RC-1' }], new Set(['A'])), undefined);
  const made = withMade(kept, create, {
    arrays: orders.map(({ id, level, disks }) => ({ id, level, disks, sizeBytes: 9, state: 'whole' as const })),
  });
  assert.is(systemDisk(made, create), orders[0]!.id);
  assert.equal(
    arrayOrders(made, operation('Reinstall', 'op-2'), wish).map(({ id, keep }) => [id, keep]),
    orders.map(({ id }) => [id, true]),
  );
  const formatted = volumeOrders(made, create, wanted([{ name: 'log', partitions: [{ fileSystem: 'xfs' }] }]));
  assert.is(formatted.volumes[0]!.diskSerialNumber, orders[2]!.id);
  assert.equal(withoutArrays(made), kept);
});

test('disks that are lacking because a controller is not driven are told with that', () => {
  const device = { spec: { bootMACAddress: '52:54:00:00:00:01' } } as unknown as Device;
  const type = {
    spec: { hardware: {}, volumes: [{ name: 'root', disks: 2, raidLevel: 'RAID1' }] },
  } as unknown as DeviceType;
  const controllers = [{ name: '0000:03:00.0', model: '1000:005d', problem: 'the live OS lacks storcli64' }];
  const nics = [{ name: 'eno1', macAddress: '52:54:00:00:00:01', linkUp: true }];
  const plain = { architecture: 'x86_64', bootMode: 'UEFI', controllers, nics };
  const disk = (serialNumber: string) => ({ name: serialNumber, serialNumber, size: '480G' });
  const told = (disks: object[]) => misfits(device, { spec: { ...plain, disks } } as unknown as DeviceInventory, type);
  assert.equal(told([disk('A')]), [
    'volume root takes 2 disks; of those that no other volume has, 1 fit: A',
    'the RAID controller 0000:03:00.0 (1000:005d) keeps its disks: the live OS lacks storcli64',
  ]);
  assert.equal(told([disk('A'), disk('B')]), []);
});

test('a machine with nothing to put together or to format is spared the tasks', () => {
  const spared = (status: Status, volumes: Wishes = []) =>
    [...sparedTasks(status, operation('Create'), wanted(volumes))].toSorted((a, b) => (a < b ? -1 : 1));
  assert.equal(spared({}), ['configure-raid', 'prepare-volumes']);
  assert.equal(spared(fresh), ['prepare-volumes']);
  assert.equal(spared(fresh, parts), []);
});

test('a machine that lacks a disk of any volume is not written to', () => {
  const { volumes } = fresh;
  assert.is(rootDiskOf(volumes!, new Set(['A', 'B', 'C', 'D', 'E'])), undefined);
  assert.is(rootDiskOf([{ name: 'root', disks: ['A'] }], new Set(['A'])), 'A');
  assert.throws(
    () => rootDiskOf(volumes!, new Set(['A', 'B', 'C', 'E'])),
    (error: unknown) =>
      error instanceof Failure && error.code === 'DiskMissing' && /D of volume data/.test(error.message),
  );
});

test('a machine whose controller is not driven is neither installed nor called clean', () => {
  const volumes = [
    { name: 'root', disks: ['A', 'B'] },
    { name: 'data', disks: ['C', 'D'], controller: 'RC-1' },
  ];
  const refused = (present: string[]) => {
    try {
      requireControllers(volumes, new Set(present));
    } catch (error) {
      return error instanceof Failure ? error.code : String(error);
    }
    return undefined;
  };
  assert.is(refused(['A', 'B', 'C', 'D']), undefined);
  assert.is(refused(['C']), undefined, 'a disk that was taken out keeps no machine from being wiped');
  assert.is(refused(['A', 'B']), 'ControllerNotDriven');
  assert.throws(
    () => rootDiskOf(volumes, new Set(['A', 'B'])),
    (error: unknown) => error instanceof Failure && error.code === 'ControllerNotDriven',
  );
});

test('what cannot be made of the disks is told with what can', () => {
  const misfit = (volumes: Wishes, status = fresh) => volumesMisfit(status, wanted(volumes));
  assert.is(misfit(parts), undefined);
  assert.is(misfit([{ name: 'data', raidLevel: 'RAID6' }]), 'volume data: RAID6 takes 4 disks at least, there are 2');
  assert.is(misfit([{ name: 'data', raidLevel: 'None' }]), 'volume data: 2 disks take a RAID level');
  assert.match(misfit([{ name: 'root', raidLevel: 'RAID0' }])!, 'the firmware boots from no RAID0 of Linux');
  assert.match(misfit([{ name: 'root', partitions: [] }])!, 'its partitions are those of the Image');
  assert.match(misfit([{ name: 'logs' }])!, 'names the volume logs; its machine was put away with root, data, log');
  assert.match(misfit([], {})!, 'take it down, and put it away again');
  assert.match(volumesMisfit({}, { ...wanted([{ name: 'data' }]), type: undefined })!, 'put away with no volumes');
});

test.run();
