// Sensors, event log, inventory and passwords, read from the simulated BMC.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LAB_ADMIN, LAB_VIEWER, withSimulatedBmc } from '../../sim/bmc/lab.ts';
import { BmcError } from '../errors.ts';

const within = () => AbortSignal.timeout(60_000);

const FRU = {
  chassis: { type: 0x17, partNumber: '', serialNumber: 'CH0007' },
  board: { manufacturer: 'Acme', product: 'Board X', serialNumber: 'BD0007', partNumber: 'BX-1' },
  product: {
    manufacturer: 'Acme',
    name: 'Server X',
    partNumber: 'SX-1',
    version: '',
    serialNumber: 'SN0007',
    assetTag: '',
  },
};

for (const mostBytes of [255, 20, 9]) {
  test(`sensors with values, states and health; records ${mostBytes} bytes at a time`, async () => {
    await withSimulatedBmc(
      async ({ bmc, chassis, open }) => {
        chassis.control('on');
        bmc.setSensor(0x01, -7);
        bmc.setSensor(0x02, 96);
        bmc.setSensor(0x20, 11.1);
        bmc.setSensorStates(0x31, 0b1011);
        const sensors = new Map((await open().sensors(within())).map((sensor) => [sensor.name, sensor]));
        assert.is(sensors.size, 8);
        assert.equal(sensors.get('CPU1 Temp'), {
          id: '0x02',
          name: 'CPU1 Temp',
          type: 'Temperature',
          value: 96,
          unit: 'degrees C',
          health: 'critical',
          states: [],
          thresholds: { upperNonCritical: 85, upperCritical: 95, upperNonRecoverable: 100 },
        });
        assert.is(sensors.get('Inlet Temp')?.value, -7);
        assert.is(sensors.get('Inlet Temp')?.health, 'warning');
        assert.equal([sensors.get('12V')?.value, sensors.get('12V')?.health], [11.1, 'warning']);
        assert.is(sensors.get('FAN1')?.unit, 'RPM');
        assert.is(sensors.get('FAN1')?.health, 'ok');
        const supply = sensors.get('PSU1 Status');
        assert.equal(supply?.states, ['presence detected', 'failure detected', 'power supply input lost (AC/DC)']);
        assert.is(supply?.health, 'critical');
      },
      { mostBytes },
    );
  });
}

test('a sensor without power has no value and unknown health', async () => {
  await withSimulatedBmc(async ({ open }) => {
    const fan = (await open().sensors(within())).find(({ name }) => name === 'FAN1');
    assert.equal([fan?.value, fan?.unit, fan?.health], [undefined, '', 'unknown']);
  });
});

test('records are read once, readings each time', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const driver = open();
    await driver.sensors(within());
    const before = bmc.requests;
    bmc.setSensor(0x01, 30);
    const inlet = (await driver.sensors(within())).find(({ name }) => name === 'Inlet Temp');
    assert.is(inlet?.value, 30);
    assert.ok(bmc.requests - before < 8 + 4, `${bmc.requests - before} requests for eight sensors`);
  });
});

test('the event log in words, with sensors by name, and only what is new', async () => {
  let now = Date.UTC(2026, 0, 2, 3, 4, 5);
  await withSimulatedBmc(
    async ({ bmc, open }) => {
      const driver = open();
      assert.equal(await driver.eventLog(within()), []);
      bmc.logEvent({ sensorNumber: 0x02, asserted: true, data: [0x59, 97, 95] });
      now += 60_000;
      bmc.logEvent({ sensorNumber: 0x02, asserted: false, data: [0x59, 90, 95] });
      const log = await driver.eventLog(within());
      assert.equal(
        log.map((entry) => ({ ...entry, id: undefined })),
        [
          {
            id: undefined,
            time: '2026-01-02T03:04:05.000Z',
            sensor: 'CPU1 Temp',
            message: 'upper critical going high (reading 97 degrees C, threshold 95 degrees C)',
            severity: 'critical',
            asserted: true,
          },
          {
            id: undefined,
            time: '2026-01-02T03:05:05.000Z',
            sensor: 'CPU1 Temp',
            message: 'upper critical going high (reading 90 degrees C, threshold 95 degrees C)',
            severity: 'ok',
            asserted: false,
          },
        ],
      );
      const last = log.at(-1)?.id;
      assert.equal(await driver.eventLog(within(), last), []);
      bmc.logEvent({ sensorNumber: 0x31, asserted: true, data: [0x03, 0xff, 0xff] });
      const fresh = await driver.eventLog(within(), last);
      assert.equal(
        fresh.map(({ sensor, message, severity }) => [sensor, message, severity]),
        [['PSU1 Status', 'power supply input lost (AC/DC)', 'critical']],
      );
    },
    { now: () => now },
  );
});

test('an entry that is gone, or another under its number, means: everything again', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const driver = open();
    bmc.logEvent({ sensorNumber: 0x31, asserted: true, data: [0x00, 0xff, 0xff] });
    const [first] = await driver.eventLog(within());
    const other = `${first!.id.slice(0, -2)}00`;
    assert.is((await driver.eventLog(within(), other)).length, 1);
    assert.is((await driver.eventLog(within(), 'ffee-0011')).length, 1);
    assert.is((await driver.eventLog(within(), first!.id)).length, 0);
  });
});

test('a full log loses what comes', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const event = { sensorNumber: 0x31, asserted: true, data: [0x00, 0xff, 0xff] } as const;
    for (let i = 0; i < 512; i++) assert.ok(bmc.logEvent(event));
    assert.not(bmc.logEvent(event));
    assert.is((await open().eventLog(within())).length, 512);
  });
});

for (const mostBytes of [255, 12]) {
  test(`the inventory, ${mostBytes} bytes at a time, without fields that were left empty`, async () => {
    await withSimulatedBmc(
      async ({ open }) => {
        assert.equal(await open().inventory(within()), [
          { name: 'System', manufacturer: 'Acme', product: 'Server X', partNumber: 'SX-1', serialNumber: 'SN0007' },
          {
            name: 'System board',
            manufacturer: 'Acme',
            product: 'Board X',
            partNumber: 'BX-1',
            serialNumber: 'BD0007',
          },
          { name: 'System chassis', serialNumber: 'CH0007' },
        ]);
      },
      { fru: FRU, mostBytes },
    );
  });
}

test('a BMC without an inventory has an empty one', async () => {
  await withSimulatedBmc(async ({ open }) => assert.equal(await open().inventory(within()), []));
});

test('a password is changed: the session goes on, the old one is refused, the new one logs in', async () => {
  await withSimulatedBmc(async ({ open }) => {
    const driver = open();
    await driver.setPassword('admin', 'quite-another-secret', within());
    assert.is(await driver.power(within()), 'Off');
    await driver.close();
    const code = await open(LAB_ADMIN)
      .power(within())
      .catch((error: BmcError) => error.code);
    assert.is(code, 'credentials');
    assert.is(await open({ username: 'admin', password: 'quite-another-secret' }).power(within()), 'Off');
  });
});

test('a password that is too long, or for nobody, is refused and not repeated', async () => {
  await withSimulatedBmc(async ({ open }) => {
    const driver = open();
    const refusal = (work: Promise<void>) =>
      work.then(
        () => assert.unreachable(),
        (error: unknown) => error,
      );
    for (const [user, password] of [
      [LAB_VIEWER.username, 'p'.repeat(21)],
      ['nobody', 'fine-secret'],
    ] as const) {
      const error = await refusal(driver.setPassword(user, password, within()));
      assert.instance(error, BmcError);
      assert.is((error as BmcError).code, 'unsupported');
      assert.not.match((error as BmcError).stack ?? '', password);
    }
  });
});

test.run();
