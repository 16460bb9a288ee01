// test-deadline: 900
// test-slow
// Two instances for one free device, applied at once, a hundred times over: one gets it, the other says why not, and gets
// it when the first is deleted, after the wipe.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Instance } from '../../lib/api/generated.ts';
import { INSTANCES } from '../../lib/api/resources.ts';
import { conditionOf, instanceNamed, type Platform, startPlatform } from './platform.ts';

const LANES = 8;
const TIMES = Number(process.env.CONTENTION_TIMES ?? 100);

async function contend(platform: Platform, deviceName: string, time: number): Promise<void> {
  const names = ['a', 'b'].map((side) => `${deviceName}-${time}-${side}`);
  const told = `${deviceName}, time ${time}`;
  const both = () => names.map((name) => platform.instance(name));
  const created = await Promise.all(
    names.map((name) => {
      const { metadata, spec } = instanceNamed(name);
      const { deviceType: _, ...rest } = spec;
      return platform.create(INSTANCES, { metadata, spec: { ...rest, deviceName } });
    }),
  );
  const isRunning = (instance: Instance | undefined) => instance?.status?.phase === 'Running';
  await platform.until(`${told}: one to run and the other to say why not`, () => {
    const [a, b] = both();
    const refused = (instance: Instance | undefined) => conditionOf(instance, 'Scheduled')?.reason === 'Unschedulable';
    return (isRunning(a) && refused(b)) || (isRunning(b) && refused(a));
  });
  const winner = both().find(isRunning)!;
  const loser = both().find((instance) => !isRunning(instance))!;
  assert.match(conditionOf(loser, 'Scheduled')?.message ?? '', /^0\/\d+ /, told);
  assert.is(loser.status?.deviceName, undefined, told);
  await platform.client.delete(INSTANCES, winner.metadata);
  await platform.until(`${told}: the other to get it`, () => isRunning(platform.instance(loser.metadata.name)));
  const history = platform.fleet
    .record()
    .filter(
      ({ machine, what, detail }) =>
        machine === deviceName && (what === 'wipe' || (what === 'write-image' && detail === 'complete')),
    );
  const last = history
    .map(({ what }) => what)
    .filter((what, index, all) => what !== all[index - 1])
    .slice(-3);
  assert.equal(last, ['write-image', 'wipe', 'write-image'], `${told}: wiped in between`);
  await platform.client.delete(INSTANCES, loser.metadata);
  await platform.until(`${told}: both to go`, () =>
    created.every(({ metadata }) => platform.instance(metadata.name) === undefined),
  );
}

test(`two instances for one free device, ${TIMES} times`, async () => {
  const platform = await startPlatform({ count: LANES });
  try {
    await platform.importFleet();
    await platform.until(
      'the devices to be offered',
      ({ devices }) => devices.length === LANES && devices.every(({ status }) => status?.phase === 'Available'),
    );
    let time = 0;
    const lane = async (deviceName: string) => {
      while (time < TIMES) await contend(platform, deviceName, ++time);
    };
    await Promise.all(platform.fleet.machines.map(({ name }) => lane(name)));
    assert.ok(time >= TIMES);
  } finally {
    await platform.close();
  }
});

test.run();
