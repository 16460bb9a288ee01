// test-deadline: 300
// From bare machines to a bound Placement and back, through every operation: what happened is read from the API, and from
// the machines' own record. On the embedded API server, or on the cluster that E2E_KUBECONFIG names.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ADDRESSES, DEVICE_INVENTORIES, DEVICES, INSTANCES, PLACEMENTS, SECRETS } from '../../lib/api/resources.ts';
import { conditionOf, instanceNamed, startPlatform } from './platform.ts';

test('import, collect, put away, create, place, stop, start, restart, reset password, reinstall, destroy', async () => {
  const platform = await startPlatform({ count: 4 });
  const { client, fleet } = platform;
  const written = (what: string, machine: string) =>
    fleet.record().filter((entry) => entry.what === what && entry.machine === machine);
  try {
    await platform.importFleet();
    await platform.until(
      'all devices to be offered',
      ({ devices }) => devices.length === 4 && devices.every(({ status }) => status?.phase === 'Available'),
    );
    for (const device of platform.view.all().devices) {
      assert.is(device.status?.power?.state, 'Off', `${device.metadata.name} is offered after it was seen off`);
      assert.is(conditionOf(device, 'Ready')?.status, 'True');
    }

    // Create and place.
    await client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'root', namespace: 'default' },
      data: { password: Buffer.from('correct horse').toString('base64') },
    });
    await platform.create(
      INSTANCES,
      instanceNamed('web-1', {
        rootPasswordRef: { name: 'root' },
        vmHost: { enabled: true, overcommit: { cpu: 2 }, drainSeconds: 0 },
        network: { version: 2, bonds: { bond0: { interfaces: ['eno1', 'eno2'], parameters: { mode: '802.3ad' } } } },
        networks: [
          { name: 'lan', interface: 'bond0' },
          { name: 'lan6', interface: 'bond0' },
          { name: 'storage', interface: 'bond0' },
        ],
      }),
    );
    await platform.create(PLACEMENTS, {
      metadata: { name: 'vm-1', namespace: 'default' },
      spec: { resources: { cpu: '4', memory: '8Gi' } },
    });
    await platform.until('the instance to run', () => platform.instance('web-1')?.status?.phase === 'Running');
    await platform.until('the placement to be bound', () => platform.placement('vm-1')?.status?.phase === 'Bound');
    const web = platform.instance('web-1')!;
    const machine = web.status!.deviceName!;
    assert.is(conditionOf(web, 'Ready')?.status, 'True');
    assert.is(fleet.machine(machine).state(), 'system');
    assert.is(platform.placement('vm-1')?.status?.nodeName, 'web-1');
    assert.is(platform.placement('vm-1')?.status?.address, web.status?.addresses?.[0]);
    const addresses = (await client.list(ADDRESSES)).items;
    assert.equal(
      addresses.map(({ spec }) => [spec.network, spec.deviceName, spec.instanceRef.name]),
      ['lan', 'storage', 'lan6'].map((network) => [network, machine, 'web-1']),
    );
    const given = web.status!.networks!.map(({ address }) => address);
    assert.equal(given.toSorted(), addresses.map(({ spec }) => spec.address).toSorted());
    assert.equal(web.status?.addresses, given, 'the installed system has the addresses that were given');
    const images = written('write-image', machine).filter(({ detail }) => detail === 'complete');
    assert.is(images.length, 1, 'the image was written once');
    assert.is(images[0]?.disk, platform.device(machine)?.status?.installed?.diskSerialNumber);
    assert.equal(
      [
        ...new Set(
          fleet
            .record()
            .filter(({ what }) => what === 'write-image')
            .map((entry) => entry.machine),
        ),
      ],
      [machine],
    );
    await platform.until(
      'the ledger to be told',
      () => platform.instance('web-1')?.status?.allocated?.placements === 1,
    );

    // Stop, start, restart.
    const firstBoot = platform.device(machine)?.status?.system?.bootID;
    await platform.patch(INSTANCES, web, { power: 'Off' });
    await platform.until('the instance to stop', () => platform.instance('web-1')?.status?.phase === 'Stopped');
    assert.is(fleet.machine(machine).state(), 'off');
    await platform.patch(INSTANCES, web, { power: 'On' });
    await platform.until('the instance to run again', () => platform.instance('web-1')?.status?.phase === 'Running');
    const secondBoot = platform.device(machine)?.status?.system?.bootID;
    assert.is.not(secondBoot, firstBoot);
    await platform.patch(INSTANCES, web, { requests: { restart: 'once' } });
    await platform.until(
      'the restart to be done',
      () => platform.instance('web-1')?.status?.requests?.restart?.result === 'Succeeded',
    );
    await platform.until('it to run after the restart', () => platform.instance('web-1')?.status?.phase === 'Running');
    assert.is.not(platform.device(machine)?.status?.system?.bootID, secondBoot);

    // Reset password: the live OS sets it, then the system comes back.
    await platform.patch(INSTANCES, web, { requests: { restart: 'once', resetPassword: 'once' } });
    await platform.until(
      'the password to be set',
      () => platform.instance('web-1')?.status?.requests?.resetPassword?.result === 'Succeeded',
    );
    await platform.until('it to run with its password', () => platform.instance('web-1')?.status?.phase === 'Running');
    assert.is(written('set-password', machine).length, 1);

    // Another image is not installed before it is asked for.
    await platform.patch(INSTANCES, web, { image: 'debian-13' });
    await platform.until(
      'the change to be told',
      () => conditionOf(platform.instance('web-1'), 'ReinstallRequired')?.status === 'True',
    );
    assert.is(platform.instance('web-1')?.status?.image, 'debian-12');
    await platform.patch(INSTANCES, web, { requests: { restart: 'once', resetPassword: 'once', reinstall: 'once' } });
    await platform.until(
      'the reinstallation',
      () => platform.instance('web-1')?.status?.requests?.reinstall?.result === 'Succeeded',
    );
    await platform.until('it to run the other image', () => platform.instance('web-1')?.status?.phase === 'Running');
    assert.is(platform.instance('web-1')?.status?.image, 'debian-13');
    assert.is(written('write-image', machine).filter(({ detail }) => detail === 'complete').length, 2);
    assert.equal(platform.instance('web-1')?.status?.addresses, given, 'the addresses are the same afterwards');
    assert.is(platform.placement('vm-1')?.status?.phase, 'Bound', 'a placement stays where it is');

    // Destroy.
    await client.delete(PLACEMENTS, { name: 'vm-1', namespace: 'default' });
    await platform.until('the placement to go', () => platform.placement('vm-1') === undefined);
    await platform.until(
      'the ledger to be empty',
      () => (platform.instance('web-1')?.status?.allocated?.placements ?? 0) === 0,
    );
    await client.delete(INSTANCES, web.metadata);
    await platform.until('the instance to go', () => platform.instance('web-1') === undefined);
    await platform.until(
      'the device to be offered again',
      () => platform.device(machine)?.status?.phase === 'Available',
    );
    assert.is(fleet.machine(machine).state(), 'off');
    const disks = platform.device(machine)!;
    const wiped = new Set(written('wipe', machine).map(({ disk }) => disk));
    assert.ok(wiped.has(images[0]!.disk), 'the system disk was wiped');
    assert.is(disks.spec.claimRef, undefined);
    assert.is(disks.status?.installed, undefined);
    assert.equal((await client.list(ADDRESSES)).items, [], 'the addresses were given back');

    // Take down, and collect again.
    const { inventory } = fleet.machine(machine).profile;
    const others = inventory.disks.map((disk, at) => (at === 1 ? { ...disk, serialNumber: 'REPLACED' } : disk));
    fleet.machine(machine).fault({ kind: 'other-hardware', inventory: { disks: others, firmware: '9.9' } });
    await platform.patch(DEVICES, disks, { putAway: false, requests: { collect: 'again' } });
    await platform.until(
      'the device to be collected again',
      () => platform.device(machine)?.status?.requests?.collect?.result === 'Succeeded',
    );
    const told = platform.device(machine)?.status?.requests?.collect?.message ?? '';
    assert.match(told, /^firmware: .* → 9\.9; disk sdb: serial \S+ → REPLACED$/);
    assert.is((await client.get(DEVICE_INVENTORIES, { name: machine })).spec.changes?.join('; '), told);
    await platform.until('it to stay imported', () => platform.device(machine)?.status?.phase === 'Imported');
    await client.delete(SECRETS, { name: 'root', namespace: 'default' });
  } finally {
    await platform.close();
  }
});

test.run();
