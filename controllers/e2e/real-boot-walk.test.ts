// test-deadline: 7200
// test-slow
// Two machines that boot for real, one with BIOS and one with UEFI, side by side: from import to a login, through every
// operation, to an empty disk. How long each step took is printed. Needs root, for their network.
import { readdir } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES, SECRETS } from '../../lib/api/resources.ts';
import { BUILD_PROGRAMS } from '../../lib/images/build.ts';
import { LAB_NETWORK, type LabMachine } from '../../lib/lab/lab.ts';
import { labTest } from '../../lib/lab/lab-test.ts';
import { deviceTypeOf } from '../../lib/lab/manifests.ts';
import { leftOn, machineSpec, onRealMachines, type RealPlatform } from './real-boot.ts';
import { IMAGE_NAMES, tell } from './real-boot-artifacts.ts';
import { RECORD_PROGRAMS, type Recording } from './real-boot-record.ts';

const PROTOCOLS = ['rmcp', 'ipmi_session', 'dhcp', 'tftp', 'http', 'tls'];

/** What the walk of one machine works with. */
interface Walker {
  readonly machine: LabMachine;
  readonly instance: string;
  readonly secret: { readonly name: string; readonly namespace: string };
  readonly phaseOfDevice: () => string | undefined;
  readonly isRunning: () => boolean;
  readonly step: (what: string, reached: () => boolean) => Promise<void>;
}

function walkerOf(platform: RealPlatform, machine: LabMachine): Walker {
  const instance = `web-${machine.firmware}`;
  return {
    machine,
    instance,
    secret: { name: `${instance}-root`, namespace: 'default' },
    phaseOfDevice: () => platform.device(machine.name)?.status?.phase,
    isRunning: () => platform.instance(instance)?.status?.phase === 'Running',
    step: (what, reached) => platform.step(`${machine.firmware}: ${what}`, reached),
  };
}

const password = (text: string) => ({ password: Buffer.from(text).toString('base64') });

/** DHCP knows the machine no longer: it was there for the steps of the live OS. */
async function isUnserved({ lab }: Pick<RealPlatform, 'lab'>, { macAddress }: LabMachine): Promise<void> {
  const files = await readdir(join(lab.dir, 'dhcp', 'hosts'));
  assert.not(files.includes(macAddress.replaceAll(':', '-')));
}

function isInRange(address: string): boolean {
  const { start, end } = LAB_NETWORK.range;
  const inRange = new BlockList();
  inRange.addRange(start, end);
  return inRange.check(address);
}

/** From its import to a login on what was installed. */
async function install({ client, publicKey, ...platform }: RealPlatform, walker: Walker): Promise<void> {
  const { machine, instance, secret, step, phaseOfDevice, isRunning } = walker;
  const { name, firmware } = machine;
  await step('imported', () => phaseOfDevice() === 'Collecting');
  await step('collected, put away, offered', () => phaseOfDevice() === 'Available');
  assert.not(machine.isOn(), 'it is offered after it was seen off');
  await isUnserved(platform, machine);

  await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: secret, data: password('one') });
  await client.create(INSTANCES, {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Instance',
    metadata: { name: instance, namespace: 'default' },
    spec: {
      deviceType: deviceTypeOf(firmware),
      image: IMAGE_NAMES[0],
      hostname: `${firmware}-one`,
      sshAuthorizedKeys: [publicKey],
      rootPasswordRef: { name: secret.name },
      networks: [{ name: LAB_NETWORK.name }],
    },
  });
  await step('image written', () => platform.device(name)?.status?.operation?.step === 'write-seed');
  await step('created: running from its disk', isRunning);
  assert.is(
    await platform.ssh(instance, 'hostname; whoami; cat /etc/bmp-image'),
    `${firmware}-one\ndebian\n${IMAGE_NAMES[0]}`,
  );
  assert.match(await platform.ssh(instance, 'sudo cloud-init schema --system'), /Valid/);
  const seen = await platform.ssh(instance, 'test -d /sys/firmware/efi && echo uefi || echo bios');
  assert.is(seen, firmware);
  const [address] = platform.instance(instance)?.status?.addresses ?? [];
  assert.ok(isInRange(address!), `${address} is of the range of the Site`);
  await isUnserved(platform, machine);
}

/** Every operation on an installed machine, and its end. */
async function operate({ client, ...platform }: RealPlatform, walker: Walker): Promise<void> {
  const { machine, instance, secret, step, phaseOfDevice, isRunning } = walker;
  const bootID = () => platform.device(machine.name)?.status?.system?.bootID;
  const shadow = () => platform.ssh(instance, 'sudo grep ^debian: /etc/shadow | cut -d: -f2');
  const firstHash = await shadow();
  const firstBoot = bootID();

  await platform.patch(instance, { requests: { restart: 'once' } });
  const requested = (request: 'restart' | 'reinstall' | 'resetPassword') =>
    platform.instance(instance)?.status?.requests?.[request]?.result === 'Succeeded';
  await step('restarted', () => requested('restart') && isRunning());
  assert.is.not(bootID(), firstBoot);

  await platform.patch(instance, { power: 'Off' });
  await step('stopped', () => platform.instance(instance)?.status?.phase === 'Stopped');
  assert.not(machine.isOn());
  await platform.patch(instance, { power: 'On' });
  await step('started', isRunning);

  await client.patch(SECRETS, secret, { type: 'merge', body: { data: password('two') } });
  await platform.patch(instance, { requests: { resetPassword: 'once' } });
  await step('password reset', () => requested('resetPassword') && isRunning());
  assert.is.not(await shadow(), firstHash);

  await platform.patch(instance, { image: IMAGE_NAMES[1], requests: { reinstall: 'once' } });
  await step('reinstalled with the other image', () => requested('reinstall') && isRunning());
  const installed = `${machine.firmware}-one\n${IMAGE_NAMES[1]}`;
  assert.is(await platform.ssh(instance, 'hostname; cat /etc/bmp-image'), installed);

  await client.delete(INSTANCES, { name: instance, namespace: 'default' });
  await step('deleted', () => platform.instance(instance) === undefined);
  await step('wiped, offered again', () => phaseOfDevice() === 'Available');
  assert.is(await leftOn(machine), 0, 'nothing is left on the disk');
  assert.not(machine.isOn());
}

/** What tshark says of all that was recorded until the machines were installed. */
async function checkWire(recording: Recording): Promise<void> {
  const { packets, complaints } = await recording.stop();
  tell(`          tshark: ${[...packets].map(([protocol, count]) => `${protocol} ${count}`).join(', ')}`);
  for (const protocol of PROTOCOLS) assert.ok((packets.get(protocol) ?? 0) > 0, `${protocol} was recorded`);
  assert.equal(complaints, [], 'tshark finds nothing malformed');
}

async function walk(platform: RealPlatform): Promise<void> {
  await using recording = await platform.record();
  const walkers = platform.lab.machines.map((machine) => walkerOf(platform, machine));
  const installations = walkers.map((walker) => install(platform, walker));
  await Promise.all([
    Promise.all(installations).then(() => checkWire(recording)),
    ...walkers.map((walker, index) => installations[index]!.then(() => operate(platform, walker))),
  ]);
}

labTest([...BUILD_PROGRAMS, ...RECORD_PROGRAMS, ['ssh', 'openssh-client']])(
  'machines with BIOS and with UEFI: from import to a login, through every operation, to an empty disk',
  () => onRealMachines('walk', [machineSpec('bios'), machineSpec('uefi')], walk, { dhcp: 'operator' }),
);

test.run();
