// test-deadline: 240
// VMs leave a host before it is wiped, installed anew or worked on: within what their groups can miss, told of, and not waited
// for by whoever says so.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { conditionOf, instanceNamed, type Platform, startPlatform } from './platform.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;
const NAMES = ['vm-1', 'vm-2', 'vm-3'];

async function startHost(platform: Platform, name: string): Promise<string> {
  await platform.create(INSTANCES, instanceNamed(name, { vmHost: { enabled: true } }));
  await platform.until(`${name} to run`, () => platform.instance(name)?.status?.phase === 'Running');
  return platform.instance(name)!.status!.deviceName!;
}

const areAllOn = (platform: Platform, host: string) =>
  NAMES.every((name) => {
    const { phase, nodeName } = platform.placement(name)?.status ?? {};
    return phase === 'Bound' && nodeName === host;
  });

test('a host is emptied before its machine is wiped, installed anew or worked on', async () => {
  const platform = await startPlatform({ count: 3 });
  const { fleet, client } = platform;
  const wiped = (machine: string) => fleet.record().some((entry) => entry.what === 'wipe' && entry.machine === machine);
  let fewest = NAMES.length;
  platform.view.placements.subscribe(() => {
    const there = NAMES.filter((name) => platform.placement(name)?.status?.phase === 'Bound').length;
    fewest = Math.min(fewest, there);
  });
  try {
    await platform.importFleet();
    const first = await startHost(platform, 'host-1');
    const group = { name: 'db', size: 3, maxUnavailable: 1 };
    for (const name of NAMES)
      await platform.create(PLACEMENTS, {
        metadata: { name, namespace: 'default' },
        spec: { resources: { cpu: '1', memory: '1Gi' }, group },
      });
    await platform.until('all VMs to be on it', () => areAllOn(platform, 'host-1'));
    fewest = NAMES.length;

    // There is nowhere to go: it stays as it is, and says so.
    await client.delete(INSTANCES, { name: 'host-1', namespace: 'default' });
    await platform.until(
      'it to be drained',
      () => conditionOf(platform.instance('host-1'), 'Drained')?.status === 'False',
    );
    assert.match(
      conditionOf(platform.instance('host-1'), 'Ready')!.message,
      /3 of 3 Placements are left: vm-1, vm-2, vm-3/,
    );
    assert.is(platform.device(first)?.status?.operation, undefined);
    assert.is(wiped(first), false);

    const second = await startHost(platform, 'host-2');
    await platform.until('all VMs to move', () => areAllOn(platform, 'host-2'));
    assert.is(fewest, 2, 'one at a time');
    await platform.until('it to be given back', () => platform.instance('host-1') === undefined);
    assert.is(wiped(first), true);

    // Maintenance: hands off at once, and a person is told when nobody is on the machine any more.
    const third = await startHost(platform, 'host-3');
    const on = spawn(process.execPath, [MAIN, 'maintenance', 'on', second, '--wait'], {
      env: { ...process.env, KUBECONFIG: platform.kubeconfig },
    });
    const [out, [code]] = await Promise.all([text(on.stdout), once(on, 'exit')]);
    assert.is(code, 0, out);
    assert.match(out, /Maintenance: instance default\/host-2: no Placement is left/);
    assert.ok(areAllOn(platform, 'host-3'));

    // Installed anew without waiting for them.
    const host = platform.instance('host-3')!;
    await platform.patch(INSTANCES, host, { requests: { reinstall: 'now' } });
    await platform.until(
      'it to be drained',
      () => conditionOf(platform.instance('host-3'), 'Drained')?.status === 'False',
    );
    assert.is(platform.device(third)?.status?.operation, undefined);
    await platform.patch(INSTANCES, host, { vmHost: { drainSeconds: 0 } });
    await platform.until(
      'it to be installed anew',
      () => platform.instance('host-3')?.status?.requests?.reinstall?.result === 'Succeeded',
    );
  } finally {
    await platform.close();
  }
});

test.run();
