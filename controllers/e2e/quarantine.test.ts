// test-deadline: 240
// A machine that cannot be installed on is put aside, its Instance runs on another one, and it comes back when a person
// says that it was mended, wiped first.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES } from '../../lib/api/resources.ts';
import { conditionOf, instanceNamed, startPlatform } from './platform.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;

test('a machine whose disk cannot be written to is put aside, and its instance goes to another', async () => {
  // Of four machines, the first and the third are of the type that is asked for.
  const platform = await startPlatform({ count: 3 });
  const { fleet } = platform;
  try {
    await platform.importFleet();
    await platform.until(
      'all to be offered',
      ({ devices }) => devices.length === 3 && devices.every(({ status }) => status?.phase === 'Available'),
    );
    for (const machine of fleet.machines.filter(({ profile }) => profile.deviceType === 'gp.large'))
      machine.fault({ kind: 'disk', serialNumber: machine.profile.rootDisk.serialNumber, does: 'read-only' });
    await platform.create(INSTANCES, instanceNamed('web-1'));
    await platform.until('a device to be put aside', ({ devices }) =>
      devices.some(({ status }) => status?.quarantine !== undefined),
    );
    const bad = platform.view.all().devices.find(({ status }) => status?.quarantine)!.metadata.name;
    for (const machine of fleet.machines) if (machine.name !== bad) machine.fault(undefined);

    await platform.until('the instance to run', () => platform.instance('web-1')?.status?.phase === 'Running');
    const used = platform.instance('web-1')!.status!.deviceName!;
    assert.is.not(used, bad);
    await platform.until('it to be out of use', () => platform.device(bad)?.status?.phase === 'Removed');
    const device = platform.device(bad)!;
    assert.is(device.spec.claimRef, undefined);
    assert.is(device.status?.quarantine?.code, 'DiskReadOnly');
    assert.is(device.status?.power?.state, 'Off', 'it was seen off before it was let go');
    assert.is(conditionOf(device, 'Quarantined')?.status, 'True');
    assert.is(conditionOf(device, 'Stalled')?.reason, 'Quarantined');
    assert.match(conditionOf(device, 'Ready')!.message, /cannot be written to/);

    fleet.machine(bad).fault(undefined);
    const lift = spawn(process.execPath, [MAIN, 'lift-quarantine', bad, '--wait'], {
      env: { ...process.env, KUBECONFIG: platform.kubeconfig },
    });
    const [out, [code]] = await Promise.all([text(lift.stdout), once(lift, 'exit')]);
    assert.is(code, 0, out);
    await platform.until('it to be offered again', () => platform.device(bad)?.status?.phase === 'Available');
    assert.is(conditionOf(platform.device(bad), 'Quarantined'), undefined);
    assert.ok(
      fleet.record().some(({ what, machine }) => what === 'wipe' && machine === bad),
      'wiped first',
    );
  } finally {
    await platform.close();
  }
});

test.run();
