// test-deadline: 300
// Somebody presses a button: by default the power is set right, and where it is only to be reported it is left so until asked.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { conditionOf, instanceNamed, startPlatform } from './platform.ts';

test('a machine that somebody turns off is turned on again, or reported and left off until a restart is asked for', async () => {
  const platform = await startPlatform({ count: 2 });
  try {
    const { fleet } = platform;
    // Their BMCs tell of changes as they happen.
    const ports = new Map<string, number>();
    for (const { name } of fleet.machines) ports.set(name, await fleet.bmc(name).listenRedfish());
    await platform.importFleet((object: KubeObject) => {
      if (object.kind !== DEVICES.kind) return object;
      const { spec, ...rest } = object as Device;
      const address = `redfish+http://127.0.0.1:${ports.get(rest.metadata.name)}`;
      return { ...rest, spec: { ...spec, bmc: { ...spec.bmc, address } } };
    });
    const [kept, left] = [instanceNamed('kept'), instanceNamed('left')];
    await platform.create(INSTANCES, kept);
    await platform.create(INSTANCES, {
      ...left,
      spec: { ...left.spec, deviceType: 'gp.medium', powerDrift: 'Report' },
    });
    const phase = (name: string) => platform.instance(name)?.status?.phase;
    const machineOf = (name: string) => fleet.machine(platform.instance(name)!.status!.deviceName!);
    const deviceOf = (name: string) => platform.device(platform.instance(name)!.status!.deviceName!)!;
    await platform.until('both to run', () => phase('kept') === 'Running' && phase('left') === 'Running');
    await platform.until('it to be noted', () => deviceOf('left').status?.handled?.power === 'On');

    for (const name of ['kept', 'left']) machineOf(name).control('off');
    await platform.until(
      'the drift to be told',
      () => conditionOf(platform.instance('left'), 'Ready')?.reason === 'PowerDrifted',
    );
    await platform.until(
      'the other to run again',
      () => phase('kept') === 'Running' && deviceOf('kept').status!.history!.at(-1)!.kind === 'Start',
    );
    assert.equal([phase('left'), machineOf('left').power()], ['Stopped', 'Off']);

    await platform.patch(INSTANCES, platform.instance('left')!, { requests: { restart: 'v1' } });
    await platform.until('it to run', () => phase('left') === 'Running');
    assert.is(deviceOf('left').status!.handled!.restart, 'v1');
  } finally {
    await platform.close();
  }
});

test.run();
