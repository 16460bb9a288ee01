// test-deadline: 240
// Disks put together: a machine whose type has volumes is put away with its disks chosen, installed on a mirror, keeps what is
// on its arrays over a reinstallation, and gives every disk back wiped and in no array.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Instance } from '../../lib/api/generated.ts';
import { DEVICE_TYPES, DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { conditionOf, type Platform, startPlatform } from './platform.ts';

/** The second machine of a fleet is of the type that has volumes. */
const MACHINE = 'r1-02';
/** The fourth has a RAID controller. */
const WITH_CONTROLLER = 'r1-04';

async function withPlatform(work: (platform: Platform) => Promise<void>): Promise<void> {
  const platform = await startPlatform({ count: 4 });
  try {
    await platform.importFleet();
    await platform.until('the devices to be offered', ({ devices }) =>
      devices.every(({ status }) => status?.phase === 'Available'),
    );
    await work(platform);
  } finally {
    await platform.close();
  }
}

const instanceWith = (volumes: NonNullable<Instance['spec']['volumes']>) => ({
  metadata: { name: 'db-1', namespace: 'default' },
  spec: { deviceName: MACHINE, image: 'debian-12', volumes },
});

const volumesOf = (platform: Platform) => platform.device(MACHINE)?.status?.volumes ?? [];

test('volumes: chosen when put away, made when installed, kept when reinstalled, gone when given back', () =>
  withPlatform(async (platform) => {
    const { client, fleet } = platform;
    const machine = fleet.machine(MACHINE);
    const serials = (transport: string) =>
      machine.profile.inventory.disks
        .filter((disk) => disk.transport === transport)
        .map(({ serialNumber }) => serialNumber)
        .toSorted((a, b) => (a < b ? -1 : 1));
    assert.equal(volumesOf(platform), [
      { name: 'root', disks: serials('sata') },
      { name: 'data', disks: serials('nvme') },
    ]);

    const partitions = [
      { fileSystem: 'swap' as const, size: '8Gi' },
      { fileSystem: 'xfs' as const, mountPoint: '/srv' },
    ];
    await platform.create(INSTANCES, instanceWith([{ name: 'data', raidLevel: 'RAID1', partitions }]));
    await platform.until('the instance to run', () => platform.instance('db-1')?.status?.phase === 'Running');
    const [root, second] = volumesOf(platform);
    assert.equal([root?.raidLevel, second?.raidLevel], ['RAID1', 'RAID1']);
    const mounts = () => machine.installed()?.mounts?.map(({ fileSystem, mountPoint }) => [fileSystem, mountPoint]);
    const mounted = [
      ['swap', undefined],
      ['xfs', '/srv'],
    ];
    assert.equal(mounts(), mounted);
    assert.is(platform.device(MACHINE)?.status?.installed?.diskSerialNumber, root?.arrayID);
    assert.ok(machine.disks.filter((disk) => disk.installed()).length === 2, 'the firmware may boot from either disk');

    await platform.patch(INSTANCES, platform.instance('db-1')!, { requests: { reinstall: 'once' } });
    await platform.until('the reinstallation to end', () => {
      const now = platform.instance('db-1')?.status;
      return now?.phase === 'Running' && now.requests?.reinstall?.result === 'Succeeded';
    });
    assert.equal(volumesOf(platform), [root, second]);
    assert.equal(mounts(), mounted);
    assert.is(fleet.record().filter(({ what }) => what === 'prepare-volumes').length, 1, 'what they hold is kept');
    const made = fleet.record().filter(({ what }) => what === 'configure-raid');
    assert.equal(
      made.map(({ disk, detail }) => [disk, detail]),
      [
        [root?.arrayID, 'RAID1'],
        [second?.arrayID, 'RAID1'],
      ],
    );

    await client.delete(INSTANCES, { name: 'db-1', namespace: 'default' });
    await platform.until('the device to be offered again', ({ instances }) => {
      return instances.length === 0 && platform.device(MACHINE)?.status?.phase === 'Available';
    });
    assert.ok(machine.disks.every((disk) => disk.isEmpty()));
    assert.ok(volumesOf(platform).every((volume) => volume.arrayID === undefined && volume.raidLevel === undefined));
  }));

test('volumes at a RAID controller are made by it, hold the system as well, and leave nothing behind', () =>
  withPlatform(async (platform) => {
    const { client, fleet } = platform;
    const machine = fleet.machine(WITH_CONTROLLER);
    const [controller] = machine.profile.inventory.controllers!;
    const { serialNumber } = controller!;
    const device = () => platform.device(WITH_CONTROLLER);
    // The system on the controller's disks, in a level that Linux could not boot from; a disk by itself; two of Linux's own.
    await platform.patch(DEVICES, device()!, { putAway: false });
    await platform.until('it to be taken down', () => device()?.status?.phase === 'Imported');
    await platform.patch(DEVICE_TYPES, await client.get(DEVICE_TYPES, { name: 'st.large' }), {
      volumes: [
        { name: 'root', disks: 3, media: 'HDD', raidLevel: 'RAID5' },
        { name: 'cold', disks: 1, media: 'HDD' },
        { name: 'fast', disks: 2, media: 'SSD', raidLevel: 'RAID0' },
      ],
    });
    await platform.patch(DEVICES, device()!, { putAway: true });
    await platform.until('it to be offered', () => device()?.status?.phase === 'Available');
    const shown = () =>
      device()?.status?.volumes?.map((volume) => [
        volume.name,
        volume.controller,
        volume.raidLevel,
        volume.arrayID?.length,
      ]);
    assert.equal(shown(), [
      ['root', serialNumber, undefined, undefined],
      ['cold', serialNumber, undefined, undefined],
      ['fast', undefined, undefined, undefined],
    ]);
    const volumes = [{ name: 'cold', partitions: [{ fileSystem: 'xfs' as const, mountPoint: '/srv' }] }];
    const wanted = instanceWith(volumes);
    await platform.create(INSTANCES, { ...wanted, spec: { ...wanted.spec, deviceName: WITH_CONTROLLER } });
    await platform.until('the instance to run', () => platform.instance('db-1')?.status?.phase === 'Running');
    assert.equal(shown(), [
      ['root', serialNumber, 'RAID5', 12],
      ['cold', serialNumber, 'RAID0', 12],
      ['fast', undefined, 'RAID0', 32],
    ]);
    const before = device()?.status?.volumes;
    assert.is(device()?.status?.installed?.diskSerialNumber, before?.[0]?.arrayID);
    await platform.patch(INSTANCES, platform.instance('db-1')!, { requests: { reinstall: 'once' } });
    await platform.until('the reinstallation to end', () => {
      const now = platform.instance('db-1')?.status;
      return now?.phase === 'Running' && now.requests?.reinstall?.result === 'Succeeded';
    });
    assert.equal(device()?.status?.volumes, before, 'what is there is found again');
    assert.is(conditionOf(platform.instance('db-1'), 'ReinstallRequired'), undefined);
    await client.delete(INSTANCES, { name: 'db-1', namespace: 'default' });
    await platform.until('the device to be offered again', ({ instances }) => {
      return instances.length === 0 && device()?.status?.phase === 'Available';
    });
    assert.ok(machine.disks.every((disk) => disk.isEmpty()));
    const wiped = device()?.status?.wiped?.filter(({ method }) => method === 'overwrite').length;
    assert.is(wiped, 12, 'a controller passes on no command by which a disk erases itself');
    assert.ok(shown()?.every(([, , level, id]) => level === undefined && id === undefined));
  }));

test('what cannot be made of the disks is told before anything is written', () =>
  withPlatform(async (platform) => {
    await platform.create(INSTANCES, instanceWith([{ name: 'data', raidLevel: 'RAID5' }]));
    await platform.until('the refusal', () => conditionOf(platform.instance('db-1'), 'Ready')?.reason === 'BadVolumes');
    assert.match(
      conditionOf(platform.instance('db-1'), 'Ready')!.message,
      'volume data: RAID5 takes 3 disks at least, there are 2',
    );
    assert.equal(
      platform.fleet.record().filter(({ taskId }) => taskId !== undefined),
      [],
    );
    await platform.patch(INSTANCES, platform.instance('db-1')!, { volumes: [{ name: 'data', raidLevel: 'RAID0' }] });
    await platform.until('the instance to run', () => platform.instance('db-1')?.status?.phase === 'Running');
    assert.is(volumesOf(platform)[1]?.raidLevel, 'RAID0');
  }));

test('a machine whose disks do not make the volumes of its type is not offered, and each volume that lacks some is told', () =>
  withPlatform(async (platform) => {
    const { client } = platform;
    await platform.patch(DEVICES, platform.device(MACHINE)!, { putAway: false });
    await platform.until('it to be taken down', () => platform.device(MACHINE)?.status?.phase === 'Imported');
    const type = await client.get(DEVICE_TYPES, { name: 'gp.medium' });
    const refused = async (wrong: object[], why: string) => {
      const answer = await platform.patch(DEVICE_TYPES, type, { volumes: wrong }).then(
        () => 'accepted',
        (error: unknown) => String(error),
      );
      assert.match(answer, why);
    };
    await refused([{ name: 'data' }], 'one of the volumes is called root');
    await refused([{ name: 'root', disks: 2 }], 'several disks take a raidLevel');
    await refused([{ name: 'root', disks: 2, raidLevel: 'RAID5' }], 'RAID5 takes 3 disks at least');
    await refused([{ name: 'root', disks: 5, raidLevel: 'RAID10' }], 'RAID10 takes an even number of disks');
    const volumes = [
      { name: 'root', disks: 4, raidLevel: 'RAID10', media: 'SSD', minSize: '900G' },
      { name: 'cold', disks: 1, media: 'HDD' },
    ];
    await platform.patch(DEVICE_TYPES, type, { volumes });
    await platform.patch(DEVICES, platform.device(MACHINE)!, { putAway: true });
    await platform.until(
      'the mismatch to be told',
      () => platform.device(MACHINE)?.status?.error?.code === 'HardwareMismatch',
    );
    const { message } = platform.device(MACHINE)!.status!.error!;
    assert.match(message, 'volume root takes 4 solid-state disks of 900 GB or more');
    assert.match(message, 'volume cold takes 1 rotating disks; of those that no other volume has, none fits');
    const parts = [{ name: 'data', partitions: [{ fileSystem: 'xfs' as const }, { fileSystem: 'ext4' as const }] }];
    const answer = await platform.create(INSTANCES, instanceWith(parts)).then(
      () => 'accepted',
      (error: unknown) => String(error),
    );
    assert.match(answer, 'only one partition takes the rest');
  }));

test.run();
