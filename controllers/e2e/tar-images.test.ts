// test-deadline: 240
// An image that is a tar: on a machine's only disk and on a mirror, reinstalled with one that is a disk and back; and templates
// that no system boots from are refused.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Image } from '../../lib/api/generated.ts';
import { IMAGES, INSTANCES } from '../../lib/api/resources.ts';
import { type Platform, startPlatform } from './platform.ts';

/** The second machine of a fleet is of the type that has volumes: its system is on a mirror. */
const MACHINES = ['r1-01', 'r1-02'];

async function runs({ fleet, ...platform }: Platform, machine: string, image: string): Promise<void> {
  const name = `on-${machine}`;
  await platform.until(`${name} to run ${image}`, () => {
    const { status } = platform.instance(name) ?? {};
    return status?.phase === 'Running' && status.image === image;
  });
  assert.is(fleet.machine(machine).installed()?.image, image);
}

test('a tar is installed, replaced by a disk image, and installed again', async () => {
  const platform = await startPlatform({ count: 2 });
  const all = (image: string) => Promise.all(MACHINES.map((machine) => runs(platform, machine, image)));
  try {
    await platform.importFleet();
    await platform.until('the devices to be offered', ({ devices }) =>
      devices.every(({ status }) => status?.phase === 'Available'),
    );
    for (const deviceName of MACHINES) {
      const metadata = { name: `on-${deviceName}`, namespace: 'default' };
      await platform.create(INSTANCES, { metadata, spec: { deviceName, image: 'tiny-tar' } });
    }
    await all('tiny-tar');
    for (const image of ['tiny', 'tiny-tar']) {
      for (const machine of MACHINES)
        await platform.patch(INSTANCES, platform.instance(`on-${machine}`)!, {
          image,
          requests: { reinstall: image },
        });
      await all(image);
    }
  } finally {
    await platform.close();
  }
});

test('what no system could boot from is refused, and says why', async () => {
  const platform = await startPlatform({ count: 0 });
  const answer = (name: string, more: Partial<Image['spec']>) => {
    const spec: Image['spec'] = {
      url: 'http://images.example/system.tar',
      sha256: 'a'.repeat(64),
      format: 'tar',
      architecture: 'x86_64',
      bootModes: ['BIOS', 'UEFI'],
      ...more,
    };
    return platform.create(IMAGES, { metadata: { name }, spec }).then(() => 'accepted', String);
  };
  const root = { fileSystem: 'ext4', mountPoint: '/' } as const;
  try {
    const boot = { fileSystem: 'ext4', size: '512Mi', mountPoint: '/boot' } as const;
    assert.is(await answer('plain', {}), 'accepted');
    assert.is(await answer('root', { partitions: [root], kernelArguments: 'quiet console=ttyS0,115200' }), 'accepted');
    assert.is(await answer('boot', { partitions: [boot, { ...root, fileSystem: 'xfs' }] }), 'accepted');
    const wrong: readonly [NonNullable<Image['spec']['partitions']>, string][] = [
      [[{ fileSystem: 'ext4', mountPoint: '/srv' }], 'one partition is mounted at /'],
      [[root, { ...root, size: '1Gi' }], 'nothing is mounted where something else is'],
      [[root, { fileSystem: 'swap' }], 'only one partition takes the rest'],
      [[{ ...root, fileSystem: 'xfs' }], 'the boot loader reads the kernel from ext4'],
      [[root, { ...boot, fileSystem: 'vfat' }], 'the boot loader reads the kernel from ext4'],
      [[root, { fileSystem: 'swap', size: '1Gi', mountPoint: '/swap' }], 'swap is not mounted'],
      [[root, { fileSystem: 'ext4', size: '1Gi', mountPoint: '/srv/../etc' }], 'mountPoint'],
      [[], 'partitions'],
    ];
    for (const [partitions, why] of wrong) assert.match(await answer('wrong', { partitions }), why);
    for (const kernelArguments of ['quiet\nboot', 'a;reboot', '$root', "'"])
      assert.match(await answer('wrong', { kernelArguments }), 'kernelArguments');
    const only = 'only a tar has partitions and kernel arguments that are not its own';
    assert.match(await answer('wrong', { format: 'raw', partitions: [root] }), only);
    assert.match(await answer('wrong', { format: 'qcow2', kernelArguments: 'quiet' }), only);
  } finally {
    await platform.close();
  }
});

test.run();
