// test-deadline: 7200
// test-slow
// Bad days of a real machine: it is another one than its Device says, finds no DHCP, loses its network and its power while it is
// written to, the images' server is away at first and goes away half-way, and the operator is killed in every phase and step.
// Needs root, for the machine's network.
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { agentLogName, OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { CONFIG_MAPS, DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { BUILD_PROGRAMS } from '../../lib/images/build.ts';
import { labTest } from '../../lib/lab/lab-test.ts';
import { deviceTypeOf } from '../../lib/lab/manifests.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { leftOn, machineSpec, onRealMachines, type RealPlatform } from './real-boot.ts';
import { IMAGE_NAMES } from './real-boot-artifacts.ts';

const onMachines = labTest([...BUILD_PROGRAMS, ['ssh', 'openssh-client']]);
const OUTAGE_MS = 60_000;
const BREAK_MS = 2000;
/** Shorter than a machine may be silent. */
const UNPLUGGED_MS = 45_000;
const MIB = 1024 * 1024;
const WRITING = { deadlineMs: 40 * 60_000, everyMs: 500 };

async function badDays({ client, lab, publicKey, ...platform }: RealPlatform): Promise<void> {
  const machine = lab.machines[0]!;
  const { name, firmware, serialNumber } = machine;
  const device = () => platform.device(name);
  const operation = () => device()?.status?.operation;
  const killed: string[] = [];
  const killAt = async (what: string, reached: () => boolean) => {
    await platform.step(what, reached);
    platform.operator.kill();
    killed.push(what);
  };
  const killIn = (step: string) => killAt(`${step} reached`, () => operation()?.step === step);

  // The Device says another serial number.
  await platform.step('a stranger refused', () => device()?.status?.error?.code === 'IdentityMismatch');
  assert.match(device()!.status!.error!.message, serialNumber);
  assert.is(await leftOn(machine), 0, 'no disk of a stranger is touched');
  const { spec } = device()!;
  await client.delete(DEVICES, { name });
  await platform.step('its Device removed', () => device() === undefined);

  // Nobody answers its firmware for a minute.
  await lab.serveDhcp(false);
  await client.create(DEVICES, {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Device',
    metadata: { name },
    spec: { ...spec, serialNumber },
  } as Device);
  await killAt('being registered', () => device()?.status?.phase !== undefined);
  await killAt('waiting for the live OS', () => operation()?.step === 'await-agent');
  await delay(OUTAGE_MS);
  assert.is(operation()?.step, 'await-agent');
  await lab.serveDhcp(true);
  // Short phases, which the next one may have followed by now.
  const collected = ['Imported', 'PuttingAway', 'Available'];
  await killAt('collected after all', () => collected.includes(device()?.status?.phase ?? ''));
  await platform.step('put away and offered', () => device()?.status?.phase === 'Available');
  assert.is(await leftOn(machine), 0, 'nothing is written before an instance wants it');

  // Everything else while a system is installed. The images' server is away at first.
  await platform.images.off();
  await client.create(INSTANCES, {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Instance',
    metadata: { name: 'web-1', namespace: 'default' },
    spec: { deviceType: deviceTypeOf(firmware), image: IMAGE_NAMES[0], sshAuthorizedKeys: [publicKey] },
  });
  for (const step of ['network-boot', 'await-agent']) await killIn(step);
  await platform.step('the image missed', () => device()?.status?.error?.code === 'ImageUnavailable');
  const log = await client.get(CONFIG_MAPS, { name: agentLogName(name), namespace: OPERATOR_NAMESPACE });
  assert.match(log.data?.log ?? '', /write-image/, 'the agent said how it came to that');
  assert.is(await leftOn(machine), 0, 'nothing was written of an image that was not there');
  await platform.images.on();
  await killIn('write-image');
  // Seen from outside: how much of the disk is there.
  const writtenMiB = async () => ((await stat(machine.disks[0].file)).blocks * 512) / MIB;
  const written = (atLeast: number) => eventually(async () => (await writtenMiB()) >= atLeast, WRITING);
  await written(50);
  // Shorter than the agent is patient: it goes on where it was.
  const boot = operation()?.boot?.number;
  await platform.images.off();
  await delay(BREAK_MS);
  await platform.images.on();
  await written(110);
  machine.plugIn(false);
  await delay(UNPLUGGED_MS);
  machine.plugIn(true);
  await written(150);
  assert.is(operation()?.boot?.number, boot, 'a download that broke off is no reason for another boot');
  await machine.powerOff();
  await platform.step('the lost machine noticed', () => operation()?.step !== 'write-image');
  await platform.step('written to again', () => operation()?.step === 'write-image');
  for (const step of ['write-seed', 'disk-boot', 'await-system']) await killIn(step);
  await platform.step('running', () => platform.instance('web-1')?.status?.phase === 'Running');
  assert.is(await platform.ssh('web-1', 'hostname; cat /etc/bmp-image'), `web-1\n${IMAGE_NAMES[0]}`);

  await client.delete(INSTANCES, { name: 'web-1', namespace: 'default' });
  await killIn('wipe');
  await platform.step('deleted', () => platform.instance('web-1') === undefined);
  await platform.step('wiped and offered again', () => device()?.status?.phase === 'Available');
  assert.is(await leftOn(machine), 0, 'nothing is left on the disk');
  assert.is(killed.length, 10);
}

onMachines('a machine is installed in the end, whatever happens meanwhile, and nothing is written to a stranger', () =>
  onRealMachines('faults', [machineSpec('bios')], badDays, {
    change: (object) =>
      object.kind === 'Device'
        ? ({ ...object, spec: { ...(object as Device).spec, serialNumber: 'SOMEBODY-ELSE' } } as Device)
        : object,
  }),
);

test.run();
