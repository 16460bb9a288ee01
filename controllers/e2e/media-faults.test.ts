// test-deadline: 300
// Machines that boot from a lent disc, on bad days: the power goes, the BMC falls silent, refuses the disc, or says that it has
// taken it and has not; and a Device that is deleted meanwhile leaves no disc behind.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { DEVICES } from '../../lib/api/resources.ts';
import { MEDIA_FILE, mediaConfiguration } from '../../lib/boot/media.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { type Faults, NO_FAULTS } from '../../lib/sim/bmc/faults.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { startPlatform } from './platform.ts';

const [DARK, SILENT, REFUSING, LYING, LEAVING] = ['r1-01', 'r1-02', 'r1-03', 'r1-04', 'r1-05'] as const;

test('a boot from a disc survives what befalls machine and BMC, and leaves no disc behind', async () => {
  await using dir = await tempDir();
  writeFileSync(join(dir.path, MEDIA_FILE), `CD001\n${mediaConfiguration()}`);
  const platform = await startPlatform({ count: 5, bootFiles: dir.path });
  try {
    const { fleet } = platform;
    const put = (name: string, faults: Partial<Faults>) => (fleet.bmc(name).faults = { ...NO_FAULTS, ...faults });
    const ports = new Map<string, number>();
    for (const { name } of fleet.machines) ports.set(name, await fleet.bmc(name).listenRedfish());
    for (const name of [DARK, SILENT, LEAVING]) fleet.machine(name).fault({ kind: 'agent-silent' });
    put(REFUSING, { mediaRefused: true });
    put(LYING, { mediaStuck: true });
    await platform.importFleet((object: KubeObject) => {
      if (object.kind !== DEVICES.kind) return object;
      const { spec, ...rest } = object as Device;
      const boot = { method: 'VirtualMedia', address: '10.64.0.9/16', gateway: '10.64.0.1' };
      const address = `redfish+http://127.0.0.1:${ports.get(rest.metadata.name)}`;
      return { ...rest, spec: { ...spec, boot, bmc: { ...spec.bmc, address } } };
    });
    const operation = (name: string) => platform.device(name)?.status?.operation;
    const discs = [DARK, SILENT, LEAVING].map((name) => fleet.bmc(name));
    await platform.until('live OSes to come up, whose agents do not speak', () =>
      [DARK, SILENT, LEAVING].every((name) => operation(name)?.step === 'await-agent'),
    );
    assert.ok(discs.every(({ media }) => media !== undefined));
    const first = fleet.bmc(DARK).media;

    fleet.machine(DARK).fault(undefined);
    fleet.machine(DARK).control('off');
    put(SILENT, { silent: true });
    fleet.machine(SILENT).fault(undefined);
    await platform.client.delete(DEVICES, { name: LEAVING });
    await platform.until('the deleted one to be gone', () => platform.device(LEAVING) === undefined);
    assert.equal([fleet.machine(LEAVING).power(), fleet.bmc(LEAVING).media], ['Off', undefined]);

    await platform.until(
      'the machine that went dark to boot once more',
      () => platform.device(DARK)?.status?.phase === 'Available',
    );
    const boots = fleet.record().filter(({ machine, what }) => machine === DARK && what === 'boot');
    assert.ok(boots.length >= 2);
    assert.ok(first !== undefined && (await fetch(first)).status === 404, 'its first disc is nobody’s any more');

    await platform.until('the refusal to be told', () => platform.device(REFUSING)?.status?.error !== undefined);
    const turnedOn = new Set(fleet.record().flatMap(({ machine, what }) => (what === 'boot' ? [machine] : [])));
    for (const name of [REFUSING, LYING]) assert.not(turnedOn.has(name), `${name} has no disc to boot from`);
    // Nobody else would end a boot whose agent does not speak, before its deadline.
    fleet.machine(SILENT).control('off');
    for (const name of [SILENT, REFUSING, LYING]) put(name, {});
    await platform.until('all to be offered', ({ devices }) =>
      devices.every(({ status }) => status?.phase === 'Available'),
    );
    for (const { name } of fleet.machines) assert.is(fleet.bmc(name).media, undefined, name);
  } finally {
    await platform.close();
  }
});

test.run();
