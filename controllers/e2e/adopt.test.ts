// test-deadline: 240
// Machines that are nobody's: they appear when they boot from the network, become Devices with one command, and those that
// run already are left as they are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytes } from '../../lib/api/quantity.ts';
import { DEVICE_INVENTORIES, DEVICES, DISCOVERIES, SECRETS } from '../../lib/api/resources.ts';
import { createMissing } from '../../lib/cli/manifests.ts';
import { found } from '../../lib/kube/errors.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { ACCOUNT } from '../../lib/sim/fleet.ts';
import { networkBoot } from '../../lib/sim/machine/network-boot.ts';
import type { MachineProfile } from '../../lib/sim/machine/profile.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { conditionOf, type Platform, startPlatform } from './platform.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;

async function bmp(args: readonly string[], kubeconfig: string, input = '') {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, out, err };
}

/** What the machine's firmware does; what it boots then. */
const boots = (platform: Platform, { bootMACAddress, inventory }: MachineProfile) =>
  networkBoot(bootMACAddress, {
    bootUrl: () => platform.bootUrl(),
    signal: AbortSignal.timeout(60_000),
    clock: systemClock,
    retryMs: 100,
    giveUpMs: 60_000,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    whoami: { serial: inventory.serialNumber, manufacturer: inventory.manufacturer, product: inventory.model },
  });

test('a machine that boots and is nobody’s is discovered, adopted with one command, and offered', async () => {
  const platform = await startPlatform({ count: 1 });
  const { client, fleet, kubeconfig } = platform;
  try {
    const shared = (fleet.manifests() as unknown as KubeObject[]).filter(({ kind }) => !/^(Device|Secret)$/.test(kind));
    platform.adopt(shared);
    await createMissing(client, shared);
    const { name, profile } = fleet.machines[0]!;
    const discovery = `mac-${profile.bootMACAddress.replaceAll(':', '-')}`;

    assert.is(await boots(platform, profile), undefined, 'it boots from its disk');
    const seen = await eventually(() => found(client.get(DISCOVERIES, { name: discovery })));
    const { serialNumber, manufacturer, model } = profile.inventory;
    assert.equal(seen.spec, {
      bootMACAddress: profile.bootMACAddress,
      address: '127.0.0.1',
      serialNumber,
      manufacturer,
      product: model,
    });
    await boots(platform, profile);
    assert.is((await client.list(DISCOVERIES)).items.length, 1, 'however often it boots');

    const address = fleet.address(name);
    const adopt = ['adopt', discovery, '--name', name, '--bmc', address, '--username', ACCOUNT.username];
    const wrong = await bmp([...adopt, '--bmc', 'telnet://x'], kubeconfig, ACCOUNT.password);
    assert.is(wrong.code, 1, wrong.out);
    assert.equal((await client.list(DEVICES)).items, []);
    const done = await bmp([...adopt, '--type', profile.deviceType], kubeconfig, `${ACCOUNT.password}\n`);
    assert.is(done.code, 0, done.err);
    assert.not.ok((done.out + done.err).includes(ACCOUNT.password));
    await platform.until('it to be offered', () => platform.device(name)?.status?.phase === 'Available');
    assert.is(platform.device(name)?.spec.serialNumber, serialNumber);
    await eventually(async () => (await client.list(DISCOVERIES)).items.length === 0);
  } finally {
    await client.delete(SECRETS, { name: `${fleet.machines[0]!.name}-bmc`, namespace: 'bmp-system' });
    await platform.close();
  }
});

test('a machine that runs already is adopted, watched and let go without having been touched', async () => {
  const platform = await startPlatform({ count: 1 });
  const { client, fleet } = platform;
  try {
    await platform.importFleet((object) => {
      if (object.kind !== 'Device') return object;
      const { putAway: _, ...spec } = (object as KubeObject & { spec: Record<string, unknown> }).spec;
      return { ...object, spec: { ...spec, adopted: true } } as KubeObject;
    });
    const { name } = fleet.machines[0]!;
    await platform.until('it to be adopted', () => platform.device(name)?.status?.phase === 'Adopted');
    assert.is(platform.device(name)?.status?.power?.state, 'Off');
    const first = await eventually(() => found(client.get(DEVICE_INVENTORIES, { name })));
    const { inventory } = fleet.machines[0]!.profile;
    assert.equal([first.spec.source, first.spec.serialNumber], ['BMC', inventory.serialNumber]);
    if (platform.device(name)!.spec.bmc.address.startsWith('redfish')) {
      const { cpu, memory, disks = [], nics = [] } = first.spec;
      assert.equal(cpu, inventory.cpu);
      assert.is(bytes(memory!.total!), inventory.memory.totalBytes);
      assert.is(memory!.modules!.length, inventory.memory.modules.length, 'without the empty slot');
      assert.equal(
        disks.map(({ serialNumber, size, rotational }) => [serialNumber, Number(size), rotational]),
        inventory.disks.map(({ serialNumber, sizeBytes, rotational }) => [serialNumber, sizeBytes, rotational]),
      );
      assert.equal(
        nics.map(({ macAddress, linkUp }) => [macAddress, linkUp]),
        inventory.nics.map(({ macAddress, linkUp }) => [macAddress, linkUp]),
      );
    }
    await platform.patch(DEVICES, platform.device(name)!, { requests: { collect: 'now' } });
    await platform.until('it to be read again', () => {
      const { value, result, message } = platform.device(name)?.status?.requests?.collect ?? {};
      return value === 'now' && result === 'Succeeded' && message === 'nothing has changed';
    });
    assert.is(conditionOf(platform.device(name), 'Collected')?.status, 'True');
    const refused = await client.patch(DEVICES, { name }, { type: 'merge', body: { spec: { putAway: true } } }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    assert.match(refused ?? '', /what is adopted is not offered/);

    await platform.patch(DEVICES, platform.device(name)!, { adopted: false });
    await platform.until('it to be the operator’s', () => platform.device(name)?.status?.phase === 'Removed');
    assert.is(platform.device(name)?.status?.dirty, true, 'whatever is on its disks is wiped before it is offered');
    await client.delete(DEVICES, { name });
    await platform.until('it to go', () => platform.device(name) === undefined);
    assert.equal(fleet.record(), [], 'nothing ever happened to the machine');
  } finally {
    await platform.close();
  }
});

test.run();
