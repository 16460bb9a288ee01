// What the driver says of every sensor, column by column what ipmitool says: values, units, states and thresholds, as each of
// them is crossed and each state holds.
// test-deadline: 300
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SENSOR_SPECIFIC, statesIn } from '../../bmc/ipmi/wire/events.ts';
import { SENSOR_TYPE } from '../../bmc/ipmi/wire/units.ts';
import { peerTest } from '../../testing/peers.ts';
import { cellsOf, ipmitool, sdrLine, sensorLine } from './ipmitool.ts';
import { LAB_ADMIN, type Lab, withSimulatedBmc } from './lab.ts';
import { type AnalogSensor, SENSORS } from './sensors.ts';

const within = () => AbortSignal.timeout(60_000);
const withTool = peerTest('ipmitool', 'ipmitool');
const analogs = SENSORS.filter((sensor): sensor is AnalogSensor => sensor.kind === 'analog');
const discrete = SENSORS.filter((sensor) => sensor.kind === 'states');

const tool = ({ port }: Lab, ...args: string[]) => ipmitool({ port, suite: 17, credentials: LAB_ADMIN }, ...args);

/** Both tables of ipmitool against those made of what the driver reads. */
async function assertAlike(lab: Lab): Promise<void> {
  const driver = lab.open();
  const sensors = await driver.sensors(within());
  await driver.close();
  const table = new Map(cellsOf(await tool(lab, 'sensor', 'list')).map((line) => [line[0]!, line]));
  const list = new Map(cellsOf(await tool(lab, 'sdr', 'elist', 'full')).map((line) => [line[0]!, line]));
  assert.equal(
    [...table.keys()],
    sensors.map(({ name }) => name),
  );
  for (const reading of sensors) {
    const [theirs, brief] = [table.get(reading.name)!, list.get(reading.name)!];
    const known = discrete.find(({ name }) => name === reading.name);
    if (known) {
      // "0x0b80": states 0 to 7, then 8 to 14 below a bit that is always set.
      const [low, high] = [theirs[3]!.slice(2, 4), theirs[3]!.slice(4, 6)].map((byte) => Number.parseInt(byte, 16));
      const states = statesIn(low! | ((high! & 0x7f) << 8), SENSOR_SPECIFIC, known.type).map(({ text }) => text);
      assert.equal(reading.states, states, reading.name);
      assert.is(brief[4]!.split(/, (?=[A-Z\d])/).filter((text) => text !== '').length, states.length, brief[4]);
      assert.equal(
        theirs.slice(4),
        Array.from({ length: 6 }, () => 'na'),
      );
    } else {
      assert.equal(sensorLine(reading, theirs[2]!), theirs);
      assert.equal(sdrLine(reading), brief.toSpliced(3, 1));
    }
  }
}

/** Sensors move: for a comparison of two readings they stand still. */
const STILL = { now: () => Date.UTC(2026, 0, 2) };

withTool('with the machine off, and on', async () => {
  await withSimulatedBmc(async (lab) => {
    await assertAlike(lab);
    lab.chassis.control('on');
    await assertAlike(lab);
  }, STILL);
});

/** Values on, just below and just above each threshold, for all sensors at once. */
const depth = Math.max(...analogs.map(({ thresholds }) => Object.keys(thresholds).length));
for (let nth = 0; nth < depth; nth++) {
  for (const step of [-1, 0, 1]) {
    const side = step === 0 ? 'on' : step < 0 ? 'below' : 'above';
    withTool(`each sensor ${side} its threshold number ${nth + 1}`, async () => {
      await withSimulatedBmc(async (lab) => {
        lab.chassis.control('on');
        for (const { number, thresholds, conversion } of analogs) {
          const threshold = Object.values(thresholds)[nth];
          const unit = conversion.m * 10 ** conversion.resultExponent;
          if (threshold !== undefined) lab.bmc.setSensor(number, threshold + step * unit);
        }
        await assertAlike(lab);
      }, STILL);
    });
  }
}

/** States that the specification has for these types (table 42-3). */
const DEFINED: Readonly<Record<number, number>> = { [SENSOR_TYPE.processor]: 0x1fff, [SENSOR_TYPE.powerSupply]: 0xff };

withTool('each state of each sensor that has states, and all at once', async () => {
  await withSimulatedBmc(async (lab) => {
    for (const states of [...Array.from({ length: 13 }, (_, bit) => 1 << bit), 0x1fff, 0]) {
      for (const { number, type } of discrete) lab.bmc.setSensorStates(number, states & DEFINED[type]!);
      await assertAlike(lab);
    }
  }, STILL);
});

withTool('thresholds that ipmitool sets are those that the driver reads, and that count', async () => {
  await withSimulatedBmc(async (lab) => {
    lab.chassis.control('on');
    lab.bmc.setSensor(0x02, 60);
    await tool(lab, 'sensor', 'thresh', 'CPU1 Temp', 'upper', '50', '55', '90');
    await assertAlike(lab);
    const cpu = (await lab.open().sensors(within())).find(({ name }) => name === 'CPU1 Temp');
    assert.equal(cpu?.thresholds, { upperNonCritical: 50, upperCritical: 55, upperNonRecoverable: 90 });
    assert.is(cpu?.health, 'critical');
    const hot = (await lab.openRedfish().sensors(within())).find(({ name }) => name === 'CPU1 Temp');
    assert.equal(hot?.thresholds, cpu?.thresholds);
    assert.is(hot?.health, 'critical');
  }, STILL);
});

test.run();
