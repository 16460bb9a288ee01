// The agent as the simulated machine boots it, against the real API over HTTPS.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seedFiles } from '../boot/seed.ts';
import type { Log } from '../observe/log.ts';
import type { Task, TaskState, WriteImageTask } from '../provision/protocol.ts';
import { type FleetOptions, INSTANT, type MachineState, type SimulatedFleet, startFleet } from '../sim/fleet.ts';
import type { SimulatedMachine } from '../sim/machine/machine.ts';
import { ScriptedController } from '../sim/scripted-controller.ts';
import { agentArguments } from './arguments.ts';
import { ApiClient } from './client.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

interface Bench {
  readonly fleet: SimulatedFleet;
  readonly machine: SimulatedMachine;
  readonly controller: ScriptedController;
}

async function bench(timings: FleetOptions['timings'], run: (bench: Bench) => Promise<void>): Promise<void> {
  const fleet: SimulatedFleet = await startFleet({
    count: 1,
    basePort: 0,
    bootUrl: () => controller.api?.bootUrl,
    timings: { ...INSTANT, retry: 5, ...timings },
    log,
  });
  const machine = fleet.machines[0]!;
  const { bootMACAddress, inventory } = machine.profile;
  const controller = new ScriptedController(
    { name: machine.name, serialNumber: inventory.serialNumber, bootMACAddress },
    log,
  );
  try {
    await controller.start();
    await run({ fleet, machine, controller });
  } finally {
    await fleet.close();
    await controller.stop();
  }
}

function reaches(machine: SimulatedMachine, wanted: MachineState): Promise<void> {
  return new Promise((resolve) => {
    const stop = machine.onChange((state) => check(state));
    const check = (state: MachineState) => {
      if (state !== wanted) return;
      stop();
      resolve();
    };
    check(machine.state());
  });
}

const rootDisk = (machine: SimulatedMachine) => machine.profile.rootDisk.serialNumber;

function imageTask(bench: Bench, id = 'op-1/image/1', name = 'debian-12'): WriteImageTask {
  const { url, sha256 } = bench.fleet.images.find((image) => image.name === name)!;
  const image = { url, sha256, format: 'raw', compression: 'none' } as const;
  return { id, kind: 'write-image', diskSerialNumber: rootDisk(bench.machine), image };
}

function seedTask({ machine, controller }: Bench, id = 'op-1/seed/1'): Task {
  const files = seedFiles({
    instanceUID: controller.instanceUID,
    hostname: 'web-1',
    sshAuthorizedKeys: ['ssh-ed25519 AAAA me'],
    defaultUser: 'debian',
    report: controller.seedReport(),
  });
  return { id, kind: 'write-seed', diskSerialNumber: rootDisk(machine), files };
}

function networkBoot({ machine, controller }: Bench, tasks: Task[], operationId = 'op-1'): void {
  controller.expectBoot(operationId, tasks);
  machine.boot = { device: 'pxe', persistent: false, efi: true, valid: true };
  if (machine.power() === 'On') machine.control('cycle');
  else machine.control('on');
}

const wipeTask = (machine: SimulatedMachine, id: string): Task => ({
  id,
  kind: 'wipe',
  diskSerialNumbers: machine.disks.map((disk) => disk.facts.serialNumber),
});
const outcome = ({ id, state, error }: TaskState) => [id, state, error?.code, error?.class];

test('a machine is collected, installed, boots its system, and reports each boot', () =>
  bench({}, async (bench) => {
    const { machine, controller, fleet } = bench;
    networkBoot(bench, [{ id: 'op-1/collect/1', kind: 'collect' }, imageTask(bench), seedTask(bench)]);
    await controller.until(({ ended }) => ended.length === 3);
    const [collected, written] = controller.status.ended;
    assert.equal(collected?.result, { ...machine.profile.inventory, bootMode: 'UEFI' });
    const { sha256, bytes } = fleet.images.find(({ name }) => name === 'debian-12')!;
    assert.equal(written?.result, { diskSerialNumber: rootDisk(machine), bytes, sha256 });
    assert.is(machine.boot.valid, false, 'the boot override was for once');

    machine.control('cycle');
    await controller.until(({ systems }) => systems.length === 1);
    assert.is(controller.status.systems[0]!.hostname, 'web-1');
    await reaches(machine, 'system');
    machine.control('soft');
    await reaches(machine, 'off');
    machine.control('on');
    await controller.until(({ systems }) => systems.length === 2);
    assert.is.not(controller.status.systems[0]!.bootID, controller.status.systems[1]!.bootID);

    const record = fleet.record().map(({ what, detail, taskId }) => [what, detail, taskId]);
    assert.equal(record, [
      ['power', 'On', undefined],
      ['boot', 'network', undefined],
      ['write-image', 'begun', 'op-1/image/1'],
      ['write-image', 'complete', 'op-1/image/1'],
      ['write-seed', undefined, 'op-1/seed/1'],
      ['power', 'Off', undefined],
      ['power', 'On', undefined],
      ['boot', 'disk', undefined],
      ['power', 'Off', undefined],
      ['power', 'On', undefined],
      ['boot', 'disk', undefined],
    ]);
  }));

test('an operator that restarts finds the task where it is, and nothing is written twice', () =>
  bench({ writePerMiB: 20 }, async (bench) => {
    const { machine, controller, fleet } = bench;
    networkBoot(bench, [imageTask(bench), seedTask(bench)]);
    await controller.until(() => (controller.mailbox.get(machine.name).report?.report.task?.percent ?? 0) > 10);
    await controller.stop();
    await controller.start();
    await controller.until(({ ended }) => ended.length === 2);
    assert.equal(controller.status.ended.map(outcome), [
      ['op-1/image/1', 'succeeded', undefined, undefined],
      ['op-1/seed/1', 'succeeded', undefined, undefined],
    ]);
    assert.is(fleet.record().filter(({ what }) => what === 'write-image').length, 2, 'begun once, complete once');
  }));

test('a task that is no longer wanted is stopped before the next one begins', () =>
  bench({ wipePerDisk: 60_000 }, async (bench) => {
    const { machine, controller, fleet } = bench;
    networkBoot(bench, [wipeTask(machine, 'op-1/wipe/1')]);
    await controller.until(() => controller.mailbox.get(machine.name).report?.report.task?.state === 'running');
    controller.status.tasks = [{ id: 'op-1/collect/1', kind: 'collect' }];
    controller.reconcile();
    await controller.until(({ ended }) => ended.length === 1);
    assert.is(controller.status.ended[0]!.id, 'op-1/collect/1');
    assert.equal(
      fleet.record().filter(({ what }) => what === 'wipe'),
      [],
    );
  }));

test('a boot token admits one agent: the same again when it asks again, and no other', () =>
  bench({}, async ({ machine, controller }) => {
    controller.expectBoot('op-1', []);
    const script = await (await fetch(`${controller.api!.bootUrl}/boot/v1/${machine.profile.bootMACAddress}`)).text();
    const { token } = agentArguments(script.split('\n').find((line) => line.startsWith('kernel '))!)!;
    const { serialNumber, macAddresses } = machine.profile.inventory;
    const client = new ApiClient(controller.api!);
    const ask = async (nonce: string) => {
      const identity = { serialNumber, macAddresses };
      const body = { token, nonce: nonce.repeat(32), agentVersion: '1', identity, disks: [] };
      return (await client.post('/agent/v1/session', body, new AbortController().signal)).status;
    };
    try {
      assert.equal([await ask('a'), await ask('b'), await ask('a')], [201, 401, 201]);
      assert.equal(controller.status.refused, ['the token was used']);
      controller.expectBoot('op-1', []);
      assert.is(await ask('a'), 401, 'the next boot has a token of its own');
    } finally {
      client.close();
    }
  }));

test('a machine that boots while the operator is away waits for it, and its agent too', () =>
  bench({}, async (bench) => {
    const { machine, controller } = bench;
    await controller.stop();
    networkBoot(bench, [{ id: 'op-1/collect/1', kind: 'collect' }]);
    await reaches(machine, 'network-boot');
    await controller.start();
    await controller.until(({ ended }) => ended.length === 1);
    await controller.stop();
    controller.status.tasks.push(wipeTask(machine, 'op-1/wipe/1'));
    await controller.start();
    await controller.until(({ ended }) => ended.length === 2);
    assert.is(machine.state(), 'live');
  }));

test('an agent whose operation is over ends, and touches nothing any more', () =>
  bench({ wipePerDisk: 60_000 }, async (bench) => {
    const { machine, controller, fleet } = bench;
    networkBoot(bench, [wipeTask(machine, 'op-1/wipe/1')]);
    await controller.until(() => controller.mailbox.get(machine.name).report?.report.task?.state === 'running');
    controller.mailbox.endSession(machine.name);
    await machine.idle();
    assert.equal(
      fleet.record().filter(({ what }) => what === 'wipe'),
      [],
    );
    assert.is(machine.state(), 'live', 'it waits for the power switch');
  }));

test('a machine that is not the device’s is refused and left alone', () =>
  bench({}, async (bench) => {
    const { machine, controller, fleet } = bench;
    machine.fault({ kind: 'other-serial', serialNumber: 'ANOTHER' });
    networkBoot(bench, [wipeTask(machine, 'op-1/wipe/1')]);
    await controller.until(({ refused }) => refused.length > 0);
    assert.equal(controller.status.refused, [`serial number ANOTHER, not ${machine.profile.inventory.serialNumber}`]);
    assert.equal(
      fleet.record().map(({ what }) => what),
      ['power', 'boot'],
    );
  }));

test('an image that breaks off is gone on with, not begun again', () =>
  bench({}, async (bench) => {
    const { controller, fleet } = bench;
    fleet.mirror.fault({ kind: 'breaks', afterBytes: 3_000_000, times: 1 });
    networkBoot(bench, [imageTask(bench)]);
    await controller.until(({ ended }) => ended.length === 1);
    assert.equal(controller.status.ended.map(outcome), [['op-1/image/1', 'succeeded', undefined, undefined]]);
  }));

test('a corrupt image is a permanent error, and leaves nothing that boots: not the image, not the system before', () =>
  bench({}, async (bench) => {
    const { machine, controller, fleet } = bench;
    networkBoot(bench, [imageTask(bench), seedTask(bench)]);
    await controller.until(({ ended }) => ended.length === 2);
    assert.ok(machine.installed());
    fleet.mirror.fault({ kind: 'corrupt' });
    networkBoot(bench, [imageTask(bench, 'op-2/image/1', 'debian-13')], 'op-2');
    await controller.until(({ ended, operationId }) => operationId === 'op-2' && ended.length === 1);
    assert.equal(controller.status.ended.map(outcome), [
      ['op-2/image/1', 'failed', 'ImageDigestMismatch', 'permanent'],
    ]);
    assert.is(machine.installed(), undefined);
    machine.control('cycle');
    await reaches(machine, 'no-boot-device');
  }));

test('an image that is not there is a permanent error, a mirror that is not there a passing one', () =>
  bench({}, async (bench) => {
    const { machine, controller, fleet } = bench;
    fleet.mirror.fault({ kind: 'status', status: 404 });
    networkBoot(bench, [imageTask(bench)]);
    await controller.until(({ ended }) => ended.length === 1);
    assert.equal(controller.status.ended.map(outcome), [['op-1/image/1', 'failed', 'ImageUnavailable', 'permanent']]);
    assert.is(machine.state(), 'live', 'the agent waits for what comes next');
    assert.is(controller.logs.length, 1, 'a failure sends its log along');
    assert.match(controller.logs[0]!, /HTTP 404/);
    assert.not.match(controller.logs[0]!, /Bearer|bmp\.token/);
  }));

test('a power cut during the write leaves a disk that does not boot', () =>
  bench({ writePerMiB: 20 }, async (bench) => {
    const { machine, controller } = bench;
    networkBoot(bench, [imageTask(bench)]);
    await controller.until(() => (controller.mailbox.get(machine.name).report?.report.task?.percent ?? 0) > 10);
    machine.control('off');
    controller.status.waitsForBoot = false;
    machine.control('on');
    await reaches(machine, 'no-boot-device');
    assert.is(machine.installed(), undefined);
  }));

test('every disk is wiped, and then nothing boots', () =>
  bench({}, async (bench) => {
    const { machine, controller } = bench;
    networkBoot(bench, [imageTask(bench), seedTask(bench)]);
    await controller.until(({ ended }) => ended.length === 2);
    networkBoot(bench, [wipeTask(machine, 'op-2/wipe/1')], 'op-2');
    await controller.until(({ ended, operationId }) => operationId === 'op-2' && ended.length === 1);
    assert.equal(controller.status.ended.map(outcome), [['op-2/wipe/1', 'succeeded', undefined, undefined]]);
    assert.ok(machine.disks.every((disk) => disk.isEmpty()));
    assert.is(machine.installed(), undefined);
  }));

test('a password is set in the system that is there, and refused where there is none', () =>
  bench({}, async (bench) => {
    const { machine, controller } = bench;
    const password = (id: string): Task => ({
      id,
      kind: 'set-password',
      diskSerialNumber: rootDisk(machine),
      user: 'debian',
      passwordHash: '$6$salt$hash',
    });
    networkBoot(bench, [password('op-1/password/1'), imageTask(bench), seedTask(bench), password('op-1/password/2')]);
    await controller.until(({ ended }) => ended.length === 4);
    assert.equal(controller.status.ended.map(outcome), [
      ['op-1/password/1', 'failed', 'NoSystem', 'permanent'],
      ['op-1/image/1', 'succeeded', undefined, undefined],
      ['op-1/seed/1', 'succeeded', undefined, undefined],
      ['op-1/password/2', 'succeeded', undefined, undefined],
    ]);
    assert.equal(machine.installed()?.passwords, { debian: '$6$salt$hash' });
  }));

test.run();
