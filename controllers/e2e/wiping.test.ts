// test-deadline: 300
// Devices are given back with disks that lie, that keep what they have, and that cannot be written to: none is offered
// before its disks were seen empty, and a person is told which disk it is.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentLogName, OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { CONFIG_MAPS, DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { found } from '../../lib/kube/errors.ts';
import type { DiskFault } from '../../lib/sim/machine/types.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { conditionOf, instanceNamed, type Platform, startPlatform } from './platform.ts';

/** An Instance runs, is deleted, and meanwhile a disk of its Device gets a fault of its own. */
async function givenBack(platform: Platform, does: DiskFault): Promise<{ device: string; disk: string }> {
  await platform.create(INSTANCES, instanceNamed('web-1'));
  await platform.until('the instance to run', () => platform.instance('web-1')?.status?.phase === 'Running');
  const device = platform.instance('web-1')!.status!.deviceName!;
  const disk = platform.device(device)!.status!.installed!.diskSerialNumber!;
  platform.fleet.machine(device).fault({ kind: 'disk', serialNumber: disk, does });
  await platform.client.delete(INSTANCES, { name: 'web-1', namespace: 'default' });
  return { device, disk };
}

const empty = (platform: Platform, device: string) =>
  platform.fleet.machine(device).disks.every((disk) => disk.isEmpty());
const isOffered = (platform: Platform, device: string) => platform.device(device)?.status?.phase === 'Available';

test('a disk that lies about having erased itself is overwritten, and the record says so', async () => {
  const platform = await startPlatform({ count: 1 });
  try {
    await platform.importFleet();
    const { device, disk } = await givenBack(platform, 'erase-lies');
    await platform.until('the device to be offered again', () => isOffered(platform, device));
    assert.ok(empty(platform, device));
    const { wiped, history } = platform.device(device)!.status!;
    const clean = history!.findLast(({ kind }) => kind === 'Clean')!;
    const [lying, honest] = [
      wiped!.find(({ serialNumber }) => serialNumber === disk)!,
      wiped!.find(({ serialNumber }) => serialNumber !== disk)!,
    ];
    assert.equal([lying.method, lying.unverified, lying.operationID], ['overwrite', ['ata-secure-erase'], clean.id]);
    assert.equal([honest.method, honest.unverified], ['ata-secure-erase', undefined]);
    assert.ok(wiped!.every(({ samplesVerified }) => samplesVerified >= 256));
    assert.is(wiped!.length, platform.fleet.machine(device).disks.length);
  } finally {
    await platform.close();
  }
});

test('a disk that cannot be written to keeps its device from being offered, once and for all until it was seen to', async () => {
  const platform = await startPlatform({ count: 1 });
  try {
    await platform.importFleet();
    const { device, disk } = await givenBack(platform, 'read-only');
    await platform.until(
      'a person to be asked',
      () => conditionOf(platform.device(device), 'Stalled')?.reason === 'DiskReadOnly',
    );
    assert.match(conditionOf(platform.device(device), 'Ready')!.message, new RegExp(`${disk} cannot be written to`));
    const log = { namespace: OPERATOR_NAMESPACE, name: agentLogName(device) };
    const { data } = (await eventually(() => found(platform.client.get(CONFIG_MAPS, log))))!;
    assert.match(data!['log']!, /task failed .*DiskReadOnly/);
    assert.is(data!['operation'], platform.device(device)?.status?.operation?.id);
    assert.is(platform.device(device)?.status?.phase, 'Cleaning');
    assert.is(platform.device(device)?.status?.error?.count, 1);
    assert.not.ok(empty(platform, device));

    platform.fleet.machine(device).fault(undefined);
    await platform.patch(DEVICES, platform.device(device)!, { requests: { resetStatus: 'mended' } });
    await platform.until('the device to be offered again', () => isOffered(platform, device));
    assert.ok(empty(platform, device));
  } finally {
    await platform.close();
  }
});

test('a disk that keeps its data is tried again, later each time, and its device is not offered meanwhile', async () => {
  const platform = await startPlatform({ count: 1 });
  try {
    await platform.importFleet();
    const { device, disk } = await givenBack(platform, 'keeps-data');
    await platform.until('two tries to have failed', () => (platform.device(device)?.status?.error?.count ?? 0) >= 2);
    const { phase, error, operation } = platform.device(device)!.status!;
    assert.equal([phase, error?.code], ['Cleaning', 'WipeNotVerified']);
    assert.match(error!.message, new RegExp(`${disk} still holds data after ata-secure-erase, overwrite`));
    assert.ok((operation?.round ?? 0) >= 2, 'rounds are counted, and end');
    platform.fleet.machine(device).fault(undefined);
    await platform.until('the device to be offered again', () => isOffered(platform, device));
    assert.ok(empty(platform, device));
  } finally {
    await platform.close();
  }
});

test.run();
