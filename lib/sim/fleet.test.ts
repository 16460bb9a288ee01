// The fleet as its callers see it: over its BMCs, over its mirror, and after its process was killed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDriver } from '../bmc/open.ts';
import type { Log } from '../observe/log.ts';
import { ACCOUNT, type FleetOptions, INSTANT, type MachineState, type SimulatedFleet, startFleet } from './fleet.ts';
import type { SimulatedMachine } from './machine/machine.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const never = new AbortController().signal;

async function withFleet(options: Partial<FleetOptions>, run: (fleet: SimulatedFleet) => Promise<void>): Promise<void> {
  const fleet = await startFleet({
    count: 2,
    basePort: 0,
    bootUrl: () => undefined,
    timings: { ...INSTANT, networkBoot: 0 },
    log,
    ...options,
  });
  try {
    await run(fleet);
  } finally {
    await fleet.close();
  }
}

async function withFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'bmp-fleet-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

function reaches(machine: SimulatedMachine, wanted: MachineState): Promise<void> {
  return new Promise((resolve) => {
    const check = (state: MachineState) => {
      if (state !== wanted) return;
      stop();
      resolve();
    };
    const stop = machine.onChange(check);
    check(machine.state());
  });
}

test('the serial console shows how a machine starts', () =>
  withFleet({}, async (fleet) => {
    const driver = openDriver({ address: fleet.address('r1-01'), credentials: ACCOUNT });
    const console = await driver.console(never);
    try {
      await driver.setPower('on', never);
      let shown = '';
      for await (const piece of console) {
        shown += String(piece);
        if (shown.includes('No bootable device')) break; // leaving the loop closes the console
      }
      assert.match(shown, /Simulated firmware/);
    } finally {
      await driver.close();
    }
  }));

test('machines are driven over IPMI, and a one-time boot override is gone once it was read', () =>
  withFleet({}, async (fleet) => {
    const machine = fleet.machine('r1-01');
    const driver = openDriver({ address: fleet.address('r1-01'), credentials: ACCOUNT });
    try {
      assert.is((await driver.identify(never)).systemId, machine.profile.systemId);
      assert.is(await driver.power(never), 'Off');
      await driver.setBootDevice({ device: 'pxe', persistent: false, mode: 'UEFI' }, never);
      assert.is((await driver.bootDevice(never)).device, 'pxe');
      await driver.setPower('on', never);
      await reaches(machine, 'no-boot-device');
      assert.is(await driver.power(never), 'On');
      assert.is((await driver.bootDevice(never)).device, 'none');
      await driver.setPower('soft', never);
      assert.is(await driver.power(never), 'On', 'there is no system that would listen');
      await driver.setPower('off', never);
      assert.is(await driver.power(never), 'Off');
      assert.is(fleet.machine('r1-02').power(), 'Off');
      machine.fault({ kind: 'power-stuck' });
      await driver.setPower('on', never);
      assert.is(await driver.power(never), 'Off');
    } finally {
      await driver.close();
    }
  }));

test('a hanging firmware stays so until it is switched off and healed', () =>
  withFleet({}, async (fleet) => {
    const machine = fleet.machine('r1-01');
    machine.fault({ kind: 'boot-hangs' });
    machine.control('on');
    await reaches(machine, 'hung');
    machine.fault(undefined);
    machine.control('reset');
    await reaches(machine, 'no-boot-device');
  }));

test('the power takes its time, and the last command counts', () =>
  withFleet({ timings: { ...INSTANT, networkBoot: 0, power: 20 } }, async (fleet) => {
    const machine = fleet.machine('r1-01');
    machine.control('on');
    machine.control('off');
    assert.is(machine.power(), 'Off');
    await reaches(machine, 'no-boot-device');
    machine.control('cycle');
    assert.is(machine.power(), 'On');
    await reaches(machine, 'off');
    await reaches(machine, 'no-boot-device');
    const details = fleet.record().flatMap(({ what, detail }) => (what === 'power' ? [detail] : []));
    assert.equal(details, ['On', 'Off', 'On']);
  }));

test('the mirror serves whole images and parts of them', () =>
  withFleet({ count: 0 }, async (fleet) => {
    for (const { url, sha256, bytes } of fleet.images) {
      const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
      assert.equal([whole.length, createHash('sha256').update(whole).digest('hex')], [bytes, sha256]);
      const part = await fetch(url, { headers: { range: 'bytes=1000-' } });
      assert.equal([part.status, part.headers.get('content-range')], [206, `bytes 1000-${bytes - 1}/${bytes}`]);
      assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1000)));
      const beyond = await fetch(url, { headers: { range: `bytes=${bytes}-` } });
      assert.is(beyond.status, 416);
      await beyond.text();
    }
    assert.is((await fetch(fleet.imageUrl('debian-12').replace('debian-12', 'other'))).status, 404);
    assert.throws(() => fleet.imageUrl('other'), /no image other/);
  }));

test('its manifests import it', () =>
  withFleet({}, async (fleet) => {
    const kinds = fleet.manifests().map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const shared = kinds.filter((kind) => /^(Site|DeviceType|Image) /.test(kind));
    assert.equal(kinds.slice(shared.length), ['Secret r1-01-bmc', 'Device r1-01', 'Secret r1-02-bmc', 'Device r1-02']);
    const device = fleet.manifests().find(({ kind }) => kind === 'Device') as unknown as {
      spec: { bmc: { address: string }; serialNumber: string; rootDeviceHints: { wwn: string } };
    };
    const { profile } = fleet.machine('r1-01');
    assert.is(device.spec.bmc.address, fleet.address('r1-01'));
    assert.is(device.spec.serialNumber, profile.inventory.serialNumber);
    assert.is(device.spec.rootDeviceHints.wwn, profile.rootDisk.wwn);
  }));

test('a directory keeps one fleet, its ports included, and no other', () =>
  withFolder(async (dir) => {
    let before: (string | number)[] = [];
    const ports = (fleet: SimulatedFleet) => [fleet.address('r1-01'), fleet.address('r1-02'), fleet.imageUrl('tiny')];
    await withFleet({ dir }, async (fleet) => {
      before = ports(fleet);
    });
    await withFleet({ dir }, async (fleet) => assert.equal(ports(fleet), before));
    const error = await startFleet({ count: 1, dir, seed: 2, bootUrl: () => undefined, log }).catch(
      (failure: unknown) => failure,
    );
    assert.instance(error, RangeError);
  }));

test('what a killed process left is there again: power, boot override, disks, journal', () =>
  withFolder(async (dir) => {
    const source = `
      import { startFleet, INSTANT } from ${JSON.stringify(new URL('./fleet.ts', import.meta.url).href)};
      const silent = () => undefined;
      const log = { debug: silent, info: silent, warn: silent, error: silent };
      const fleet = await startFleet({ count: 2, basePort: 0, dir: ${JSON.stringify(dir)}, bootUrl: silent, timings: INSTANT, log });
      const [one, two] = fleet.machines;
      const image = Buffer.from(await (await fetch(fleet.imageUrl('tiny'))).arrayBuffer());
      await one.disks[0].write(0, (async function* () { yield image; })(), async () => undefined);
      two.boot = { device: 'pxe', persistent: true, efi: true, valid: true };
      two.control('on');
      console.log('ready');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [ready] = (await once(child.stdout, 'data')) as [Buffer];
    assert.is(ready.toString(), 'ready\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await withFleet({ dir }, async (fleet) => {
      assert.is(fleet.machine('r1-01').disks[0]!.installed()?.image, 'tiny');
      const two = fleet.machine('r1-02');
      assert.is(two.power(), 'On');
      assert.is(two.boot.device, 'pxe');
      await reaches(two, 'no-boot-device');
      const record = fleet.record().map(({ machine, what, detail }) => `${machine} ${what} ${detail}`);
      assert.equal(record.slice(0, 2), ['r1-02 power On', 'r1-02 power Restored']);
    });
  }));

test('a port that is taken is an error, and nothing is left open', () =>
  withFleet({ count: 1 }, async (fleet) => {
    const basePort = Number(new URL(fleet.address('r1-01')).port);
    const error = await startFleet({ count: 1, basePort, bootUrl: () => undefined, log }).catch(
      (failure: unknown) => failure,
    );
    assert.is((error as { code?: string }).code, 'EADDRINUSE');
  }));

test.run();
