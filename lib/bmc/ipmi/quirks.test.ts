// BMCs that depart from the specification in ways that are known, each served all the same.
// test-deadline: 300
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_FAULTS } from '../../sim/bmc/faults.ts';
import { LAB_ADMIN, PATIENT, withSimulatedBmc } from '../../sim/bmc/lab.ts';
import { NO_QUIRKS, type SimulatedQuirks } from '../../sim/bmc/quirks.ts';
import type { Driver } from '../driver.ts';
import { quirksOf } from './quirks.ts';
import { decodeDeviceId, encodeDeviceId } from './wire/device.ts';

const within = () => AbortSignal.timeout(60_000);

async function serves(driver: Driver): Promise<void> {
  await driver.identify(within());
  await driver.setPower('on', within());
  assert.is(await driver.power(within()), 'On');
  const sensors = await driver.sensors(within());
  assert.is(sensors.find(({ name }) => name === '12V')?.unit, 'Volts');
}

const KNOWN: Readonly<Record<string, Partial<SimulatedQuirks>>> = {
  'padding that is not what the specification says': { zeroPadding: true },
  'cipher suites advertised that are not there, those that are not told': { advertisedSuites: [0, 1, 2] },
  'cipher suite 17 advertised and refused': { advertisedSuites: [3, 17] },
  'RAKP 4 without an authentication code': { emptyRakp4Code: true },
  'sensor records that take their time': { recordMs: 150 },
};

for (const [name, quirks] of Object.entries(KNOWN)) {
  test(name, async () => {
    const options = { quirks: { ...NO_QUIRKS, ...quirks }, cipherSuites: [3] as const };
    // Asked again while a slow record is on its way: it is sent once more, and taken once.
    await withSimulatedBmc(({ open }) => serves(open(LAB_ADMIN, PATIENT)), options);
  });
}

test('every reply twice', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    bmc.faults = { ...NO_FAULTS, duplication: 1 };
    await serves(open());
    assert.is(bmc.sessions, 1);
  });
});

test('without a code in RAKP 4 the key is proved by what follows: a wrong one opens nothing', async () => {
  const quirks = { ...NO_QUIRKS, emptyRakp4Code: true };
  await withSimulatedBmc(
    async ({ open }) => {
      const hasty = { schedule: [50, 50], closeSchedule: [10], suitesSchedule: [50, 50] };
      const error = await open({ ...LAB_ADMIN, bmcKey: 'another-key' }, hasty)
        .power(within())
        .then(() => undefined, String);
      assert.match(error ?? 'succeeded', /does not answer/);
    },
    { quirks, bmcKey: Buffer.from('the-key') },
  );
});

test('a BMC that can only be told by who it is', () => {
  const device = decodeDeviceId(Buffer.from('208102110 29f911200020f00000000'.replaceAll(' ', ''), 'hex'));
  assert.is(quirksOf(device).bootFlagsWithoutValidBit, true);
  const another = decodeDeviceId(encodeDeviceId({ ...device, productId: 1 }));
  assert.is(quirksOf(another).bootFlagsWithoutValidBit, false);
});

test.run();
