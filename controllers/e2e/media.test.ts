// test-deadline: 300
// Machines that boot from a disc that their BMC lends them, over Redfish: from import to a running system and back, with nobody's
// network boot; and the discs are for nobody else.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { MEDIA_FILE, mediaConfiguration } from '../../lib/boot/media.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { instanceNamed, startPlatform } from './platform.ts';

const NAME = 'r1-01';

test('a machine boots its live OS from a disc, which is there for that one boot', async () => {
  await using dir = await tempDir();
  // As the live OS's disc is for a simulated machine, which looks for nothing but the boot loader's configuration.
  writeFileSync(join(dir.path, MEDIA_FILE), `CD001\n${mediaConfiguration()}`);
  const platform = await startPlatform({ count: 1, bootFiles: dir.path });
  try {
    const { fleet } = platform;
    const bmc = fleet.bmc(NAME);
    const redfish = await bmc.listenRedfish();
    const seen = new Set<string>();
    fleet.machine(NAME).onChange(() => bmc.media !== undefined && seen.add(bmc.media));
    await platform.importFleet((object: KubeObject) => {
      if (object.kind !== DEVICES.kind) return object;
      const { spec, ...rest } = object as Device;
      const boot = { method: 'VirtualMedia', address: '10.64.0.9/16', gateway: '10.64.0.1' };
      return { ...rest, spec: { ...spec, boot, bmc: { ...spec.bmc, address: `redfish+http://127.0.0.1:${redfish}` } } };
    });
    await platform.until('the device to be offered', ({ devices }) => devices[0]?.status?.phase === 'Available');
    assert.ok(platform.device(NAME)?.status?.bmc?.virtualMedia);
    assert.is(bmc.media, undefined, 'taken out again');

    const instance = await platform.create(INSTANCES, instanceNamed('web-1'));
    await platform.until('the instance to run', ({ instances }) => instances[0]?.status?.phase === 'Running');
    await platform.client.delete(INSTANCES, instance.metadata);
    await platform.until('the device to be clean', ({ devices, instances }) => {
      return instances.length === 0 && devices[0]?.status?.phase === 'Available';
    });
    const boots = fleet.record().filter(({ what }) => what === 'boot');
    assert.equal(
      boots.map(({ detail }) => detail),
      ['media', 'media', 'disk', 'media'],
    );
    assert.is(bmc.media, undefined);
    assert.is(seen.size, 3, 'each boot has a disc of its own');
    for (const url of seen) {
      assert.match(url, /\/media\/v1\/[0-9a-f-]{17}\/[0-9a-f]{32}\.iso$/);
      assert.is((await fetch(url)).status, 404, 'gone with its boot');
    }
  } finally {
    await platform.close();
  }
});

test.run();
