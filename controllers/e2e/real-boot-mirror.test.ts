// test-deadline: 7200
// test-slow
// Systems that run from two disks as one, on machines that boot for real: a disk image with BIOS, a tar with UEFI. Firmware and boot
// loader know nothing of the mirror and read one of its disks; whatever else came to use one of them alone would make them differ.
// Needs root, for the machines' network.
import { open } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, DeviceType } from '../../lib/api/generated.ts';
import { INSTANCES } from '../../lib/api/resources.ts';
import { BUILD_PROGRAMS } from '../../lib/images/build.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import type { LabMachine } from '../../lib/lab/lab.ts';
import { labTest } from '../../lib/lab/lab-test.ts';
import { deviceTypeOf } from '../../lib/lab/manifests.ts';
import { leftOn, mirroredMachineSpec, onRealMachines, type RealPlatform } from './real-boot.ts';
import { IMAGE_NAMES } from './real-boot-artifacts.ts';

const MIB = 1024 * 1024;
/** Superblocks and their bitmaps stand behind what is mirrored, and differ. md(4) */
const OWN_BYTES = MIB;

/** A type whose root is a mirror; and no hints, as the type says which disks. */
function mirrored(object: KubeObject): KubeObject {
  if (object.kind === 'DeviceType') {
    const { spec } = object as DeviceType;
    const volumes = [{ name: 'root', disks: 2, raidLevel: 'RAID1' }];
    return {
      ...object,
      spec: { ...spec, hardware: { ...spec.hardware, disks: [{ count: 2 }] }, volumes },
    } as KubeObject;
  }
  if (object.kind !== 'Device') return object;
  const { rootDeviceHints: _, ...spec } = (object as Device).spec;
  return { ...object, spec } as KubeObject;
}

/** Where the two disks first differ; undefined where they do not. */
async function difference({ disks }: LabMachine): Promise<number | undefined> {
  const [one, other] = await Promise.all(disks.map(({ file }) => open(file)));
  await using stack = new AsyncDisposableStack();
  for (const file of [one!, other!]) stack.defer(() => file.close());
  const { size } = await one!.stat();
  const [mine, its] = [Buffer.alloc(MIB), Buffer.alloc(MIB)];
  for (let at = 0; at < size - OWN_BYTES; at += MIB) {
    await Promise.all([one!.read(mine, 0, MIB, at), other!.read(its, 0, MIB, at)]);
    if (!mine.equals(its)) return at + mine.findIndex((byte, index) => byte !== its[index]);
  }
  return undefined;
}

async function runFromMirror({ client, publicKey, ...platform }: RealPlatform, machine: LabMachine, image: string) {
  const { name, firmware } = machine;
  const instance = `mirror-${firmware}`;
  const step = (what: string, reached: () => boolean) => platform.step(`${firmware}: ${what}`, reached);
  const phase = () => platform.instance(instance)?.status?.phase;
  const isOffered = () => platform.device(name)?.status?.phase === 'Available';
  await step('offered', isOffered);
  await client.create(INSTANCES, {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Instance',
    metadata: { name: instance, namespace: 'default' },
    spec: { deviceType: deviceTypeOf(firmware), image, sshAuthorizedKeys: [publicKey] },
  });
  await step('running', () => phase() === 'Running');
  const root = await platform.ssh(instance, 'findmnt -no SOURCE /');
  assert.match(root, /^\/dev\/md/, 'its root is on the array');
  assert.match(await platform.ssh(instance, 'cat /proc/mdstat'), /raid1.*\[UU\]/s, 'both disks take part');
  await platform.ssh(instance, 'head -c 8M /dev/urandom >/var/tmp/mine && sync');

  await platform.patch(instance, { power: 'Off' });
  await step('stopped', () => phase() === 'Stopped');
  assert.is(await difference(machine), undefined, 'what is on one disk is on the other');
  await platform.patch(instance, { power: 'On' });
  await step('started', () => phase() === 'Running');
  assert.is(await platform.ssh(instance, 'findmnt -no SOURCE /; stat -c %s /var/tmp/mine'), `${root}\n${8 * MIB}`);

  await client.delete(INSTANCES, { name: instance, namespace: 'default' });
  await step('deleted', () => platform.instance(instance) === undefined);
  await step('wiped, offered again', isOffered);
  assert.is(await leftOn(machine), 0, 'nothing is left on either disk');
}

labTest([...BUILD_PROGRAMS, ['ssh', 'openssh-client']])('systems run from a mirror, whose disks stay the same', () =>
  onRealMachines(
    'mirror',
    [mirroredMachineSpec('bios'), mirroredMachineSpec('uefi')],
    async (platform) => {
      const machines = platform.lab.machines.map((machine, index) =>
        runFromMirror(platform, machine, IMAGE_NAMES[index]!),
      );
      await Promise.all(machines);
    },
    { change: mirrored },
  ),
);

test.run();
