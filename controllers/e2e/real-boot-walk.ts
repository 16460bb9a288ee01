// The walk of a machine that boots for real: from import to a login, through every operation, to an empty disk. How long each
// step took is printed.
import { createReadStream } from 'node:fs';
import * as assert from 'uvu/assert';
import { INSTANCES, SECRETS } from '../../lib/api/resources.ts';
import { BUILD_PROGRAMS } from '../../lib/images/build.ts';
import type { LabMachine } from '../../lib/lab/lab.ts';
import { labTest } from '../../lib/lab/lab-test.ts';
import type { Firmware } from '../../lib/lab/machine.ts';
import { deviceTypeOf } from '../../lib/lab/manifests.ts';
import { machineSpec, onRealMachines, type RealPlatform } from './real-boot.ts';
import { IMAGE_NAMES, tell } from './real-boot-artifacts.ts';
import { RECORD_PROGRAMS } from './real-boot-record.ts';

/** How many bytes of the disk are not zero. */
async function leftOn({ disk }: LabMachine): Promise<number> {
  let left = 0;
  for await (const chunk of createReadStream(disk, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    if (!chunk.equals(Buffer.alloc(chunk.length))) left += chunk.reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0);
  }
  return left;
}

async function walk({ client, lab, publicKey, ...platform }: RealPlatform): Promise<void> {
  const machine = lab.machines[0]!;
  const { name, firmware } = machine;
  const isRunning = () => platform.instance('web-1')?.status?.phase === 'Running';
  const bootID = () => platform.device(name)?.status?.system?.bootID;
  const shadow = () => platform.ssh(machine, 'sudo grep ^debian: /etc/shadow | cut -d: -f2');
  const imageOn = () => platform.ssh(machine, 'cat /etc/bmp-image');

  // With UEFI, where iPXE comes over TFTP too.
  const recording = firmware === 'uefi' ? await platform.record() : undefined;
  await platform.step('imported', () => platform.device(name)?.status?.phase === 'Collecting');
  await platform.step('collected, put away, offered', () => platform.device(name)?.status?.phase === 'Available');
  assert.not(machine.isOn(), 'it is offered after it was seen off');

  const password = (text: string) => ({ password: Buffer.from(text).toString('base64') });
  const secret = { name: 'root', namespace: 'default' };
  await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: secret, data: password('one') });
  await client.create(INSTANCES, {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Instance',
    metadata: { name: 'web-1', namespace: 'default' },
    spec: {
      deviceType: deviceTypeOf(firmware),
      image: IMAGE_NAMES[0],
      hostname: 'web-one',
      sshAuthorizedKeys: [publicKey],
      rootPasswordRef: { name: 'root' },
    },
  });
  await platform.step('image written', () => platform.device(name)?.status?.operation?.step === 'write-seed');
  await platform.step('created: running from its disk', isRunning);
  assert.is(await platform.ssh(machine, 'hostname; whoami'), 'web-one\ndebian');
  assert.is(await imageOn(), IMAGE_NAMES[0]);
  if (recording) {
    const { packets, malformed } = await recording.stop();
    for (const protocol of ['ipmi_session', 'dhcp', 'tftp', 'http', 'tls'])
      assert.ok((packets.get(protocol) ?? 0) > 0, `${protocol} was recorded`);
    assert.equal(malformed, [], 'tshark finds nothing malformed');
    tell(`          tshark: ${[...packets].map(([protocol, count]) => `${protocol} ${count}`).join(', ')}`);
  }
  assert.match(await platform.ssh(machine, 'sudo cloud-init schema --system'), /Valid/);
  const firmwareSeen = await platform.ssh(machine, 'test -d /sys/firmware/efi && echo uefi || echo bios');
  assert.is(firmwareSeen, firmware);
  assert.is(platform.instance('web-1')?.status?.addresses?.[0], machine.address);
  const firstHash = await shadow();
  const firstBoot = bootID();

  await platform.patch('web-1', { requests: { restart: 'once' } });
  const requested = (request: 'restart' | 'reinstall' | 'resetPassword') =>
    platform.instance('web-1')?.status?.requests?.[request]?.result === 'Succeeded';
  await platform.step('restarted', () => requested('restart') && isRunning());
  assert.is.not(bootID(), firstBoot);

  await platform.patch('web-1', { power: 'Off' });
  await platform.step('stopped', () => platform.instance('web-1')?.status?.phase === 'Stopped');
  assert.not(machine.isOn());
  await platform.patch('web-1', { power: 'On' });
  await platform.step('started', isRunning);

  await client.patch(SECRETS, secret, { type: 'merge', body: { data: password('two') } });
  await platform.patch('web-1', { requests: { resetPassword: 'once' } });
  await platform.step('password reset', () => requested('resetPassword') && isRunning());
  assert.is.not(await shadow(), firstHash);

  await platform.patch('web-1', { image: IMAGE_NAMES[1], requests: { reinstall: 'once' } });
  await platform.step('reinstalled with the other image', () => requested('reinstall') && isRunning());
  assert.is(await imageOn(), IMAGE_NAMES[1]);
  assert.is(await platform.ssh(machine, 'hostname'), 'web-one');

  await client.delete(INSTANCES, { name: 'web-1', namespace: 'default' });
  await platform.step('deleted', () => platform.instance('web-1') === undefined);
  await platform.step('wiped, offered again', () => platform.device(name)?.status?.phase === 'Available');
  assert.is(await leftOn(machine), 0, 'nothing is left on the disk');
  assert.not(machine.isOn());
}

/** Defines the test of a firmware. */
export function walkTest(firmware: Firmware): void {
  labTest([...BUILD_PROGRAMS, ...RECORD_PROGRAMS, ['ssh', 'openssh-client']])(
    `a machine with ${firmware.toUpperCase()}: from import to a login, through every operation, to an empty disk`,
    () => onRealMachines(`walk-${firmware}`, [machineSpec(firmware)], walk),
  );
}
