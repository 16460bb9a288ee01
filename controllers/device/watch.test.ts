// The watch over simulated BMCs, on the wire: what wakes a Device, what is told, and what is left alone.
// test-deadline: 300
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { DEVICES, SECRETS, type Secret, SITES } from '../../lib/api/resources.ts';
import { openDriver } from '../../lib/bmc/open.ts';
import { BmcPool } from '../../lib/bmc/pool.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { createStore } from '../../lib/kube/store.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { NO_FAULTS } from '../../lib/sim/bmc/faults.ts';
import { LAB_ADMIN, type Lab, PATIENT, withSimulatedBmc } from '../../lib/sim/bmc/lab.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { loginDigests } from './bmc-access.ts';
import { HealthBoard, healthText, withHealth } from './health.ts';
import { createWatchController } from './watch.ts';

const loginDigest = loginDigests(new Uint8Array(32));
const NAMESPACE = 'bmp-system';
const OVERHEATED = { sensorNumber: 0x02, asserted: true, data: [0x59, 97, 95] } as const;

const secretOf = (resourceVersion: string, password = LAB_ADMIN.password): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a-bmc', namespace: NAMESPACE, uid: 'secret', resourceVersion },
  data: {
    username: Buffer.from(LAB_ADMIN.username).toString('base64'),
    password: Buffer.from(password).toString('base64'),
  },
});

const deviceAt = (address: string, secret: Secret, more: Partial<Device['spec']> = {}): Device =>
  ({
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Device',
    metadata: { name: 'a', uid: 'a', resourceVersion: secret.metadata.resourceVersion },
    spec: {
      bmc: { address, credentialsRef: { name: 'a-bmc' } },
      bootMACAddress: '52:54:00:00:00:01',
      site: 'lab',
      ...more,
    },
    status: {
      phase: 'Available',
      power: { state: 'Off' },
      credentials: { good: { name: 'a-bmc', digest: loginDigest(address, secret) } },
    },
  }) as Device;

interface World {
  readonly woken: string[];
  readonly told: string[];
  readonly health: HealthBoard;
  readonly bmcs: BmcPool;
  readonly writeDevice: (device: Device | undefined) => void;
  readonly writeSecret: (secret: Secret) => void;
}

async function watching(
  { port, transport }: Lab,
  body: (world: World, address: string) => Promise<void>,
  ipmi = PATIENT,
): Promise<void> {
  const address = `ipmi://127.0.0.1:${port}`;
  const [devices, sites, secrets] = [createStore(DEVICES), createStore(SITES), createStore(SECRETS)];
  const bmcs = new BmcPool((target) => openDriver(target, { transport, ipmi }));
  const world: World = {
    woken: [],
    told: [],
    health: new HealthBoard(),
    bmcs,
    writeDevice: (device) => devices.writer.replace(new Map(device ? [['a', device]] : [])),
    writeSecret: (secret) => secrets.writer.replace(new Map([[`${NAMESPACE}/a-bmc`, secret]])),
  };
  world.writeSecret(secretOf('1'));
  const events: EventRecorder = {
    event: (_object, _type, reason, note) => world.told.push(`${reason} ${note}`),
    flush: () => Promise.resolve(),
  };
  const controller = createWatchController({
    stores: { devices: devices.store, sites: sites.store, secrets: secrets.store },
    events,
    bmcs,
    health: world.health,
    clock: systemClock,
    namespace: NAMESPACE,
    loginDigest,
    periods: { power: 50, sensors: 80, eventLog: 80 },
    wake: (device) => world.woken.push(device),
  });
  const stop = new AbortController();
  const environment = { clock: systemClock, random: () => 0, log: createLogRecorder() };
  const ended = controller.run(environment, stop.signal);
  try {
    await body(world, address);
  } finally {
    stop.abort();
    await ended;
    await bmcs.close();
  }
}

test('a change of power, bad sensors and new entries of the event log are told; one session serves all', async () => {
  await withSimulatedBmc(async (lab) => {
    lab.bmc.logEvent(OVERHEATED);
    await watching(lab, async ({ woken, told, health, writeDevice }, address) => {
      writeDevice(deviceAt(address, secretOf('1')));
      await eventually(() => health.of('a') && lab.bmc.requests > 50);
      assert.is(told.length, 1, 'what has just happened is told, although the log was never read before');
      woken.length = 0;
      lab.chassis.control('on');
      await eventually(() => woken.length > 0);
      lab.bmc.setSensor(0x02, 97);
      await eventually(() => health.of('a')!.problems.length > 0);
      assert.is(healthText(health.of('a')!.problems), 'CPU1 Temp critical');
      lab.bmc.logEvent({ ...OVERHEATED, sensorNumber: 0x01 });
      await eventually(() => told.length > 1);
      assert.match(told[1]!, /^HardwareEvent Inlet Temp: upper critical going high/);
      assert.is(lab.bmc.sessions, 1);
    });
    assert.is(lab.bmc.sessions, 0, 'it is given back in the end');
  });
});

test('a BMC that falls silent wakes its Device once, and once more when it is back', async () => {
  await withSimulatedBmc(async (lab) => {
    const hasty = { ...PATIENT, schedule: [100, 100] };
    await watching(
      lab,
      async ({ woken, health, writeDevice }, address) => {
        writeDevice(deviceAt(address, secretOf('1')));
        // Its power and its sensors were told: from here on, only silence is news.
        await eventually(() => health.of('a') && lab.bmc.requests > 20);
        woken.length = 0;
        lab.bmc.faults = { ...NO_FAULTS, silent: true };
        await eventually(() => woken.length > 0);
        lab.bmc.faults = NO_FAULTS;
        await eventually(() => woken.length > 1);
        assert.equal(woken, ['a', 'a']);
      },
      hasty,
    );
  });
});

test('nothing is asked in maintenance, and no password that was not seen good', async () => {
  await withSimulatedBmc(async (lab) => {
    await watching(lab, async ({ writeDevice, writeSecret, bmcs }, address) => {
      writeDevice(deviceAt(address, secretOf('1'), { maintenance: { enabled: true } }));
      writeSecret(secretOf('2', 'not-this-one'));
      writeDevice(deviceAt(address, secretOf('1'))); // other credentials were good
      writeDevice(undefined);
      await eventually(() => bmcs.size === 0);
      assert.is(lab.bmc.requests, 0);
    });
  });
});

test('a Secret written anew with the same login keeps the session; one with the new password of the BMC opens another', async () => {
  await withSimulatedBmc(async (lab) => {
    await watching(lab, async ({ bmcs, woken, writeDevice, writeSecret }, address) => {
      const asked = (more: number) => {
        const before = lab.bmc.requests;
        return eventually(() => lab.bmc.requests > before + more);
      };
      const target = { address, credentials: LAB_ADMIN };
      writeDevice(deviceAt(address, secretOf('1')));
      await asked(30);
      const driver = bmcs.driver('a', target);
      writeSecret(secretOf('2'));
      await asked(30);
      assert.is(bmcs.driver('a', target), driver);
      await driver.setPassword(LAB_ADMIN.username, 'changed-by-hand', AbortSignal.timeout(60_000));
      const changed = secretOf('3', 'changed-by-hand');
      writeSecret(changed);
      writeDevice(deviceAt(address, changed));
      woken.length = 0;
      await asked(30);
      const credentials = { ...LAB_ADMIN, password: 'changed-by-hand' };
      assert.is.not(bmcs.driver('a', { address, credentials }), driver);
      assert.equal(woken, [], 'no failure, and nothing new');
      assert.is(lab.bmc.sessions, 1);
    });
  });
});

test('health changes when two readings agree, and its condition not at every reading', () => {
  const board = new HealthBoard();
  const hot = [{ name: 'CPU1 Temp', severity: 'critical' as const }];
  assert.is(board.of('a'), undefined);
  assert.is(board.saw('a', []), true, 'the first reading counts');
  assert.is(board.saw('a', hot), false, 'one bad reading may be a flicker');
  assert.is(board.saw('a', []), false);
  board.saw('a', hot);
  assert.is(board.saw('a', hot), true);
  const [now, later] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
  const bad = withHealth({}, board.of('a'), 1, now);
  assert.equal(
    bad.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [['Healthy', 'False', 'SensorsCritical', 'CPU1 Temp critical']],
  );
  assert.is(withHealth(bad, board.of('a'), 1, later), bad);
  assert.is(withHealth(bad, undefined, 1, later), bad, 'a process that has just started knows nothing yet');
});

test.run();
