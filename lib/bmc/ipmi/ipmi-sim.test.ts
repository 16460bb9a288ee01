// The driver against OpenIPMI's ipmi_sim, a BMC that others wrote.
// test-deadline: 300
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cellsOf, ipmitool, sdrLine, sensorLine } from '../../sim/bmc/ipmitool.ts';
import { LAB_FRU } from '../../sim/bmc/lab.ts';
import { rawThresholds } from '../../sim/bmc/sensors.ts';
import { freeUdpPort } from '../../testing/free-port.ts';
import { peerTest, withPeers } from '../../testing/peers.ts';
import { BmcError, type BmcErrorCode } from '../errors.ts';
import { openDriver } from '../open.ts';
import { Transport } from './transport.ts';
import { encodeFru } from './wire/fru.ts';
import { unconvert } from './wire/reading.ts';
import { type Conversion, encodeFullRecord, THRESHOLDS } from './wire/sdr.ts';
import { encodeSelRecord } from './wire/sel.ts';

const GUID = '4c4142000000000000000000000000ab';

/** Its chassis: a program that keeps power and boot device in files. */
const CHASSIS = `#!/bin/sh
folder=$1 verb=$2; shift 2
case $verb in
get) for what; do
  case $what in
  power) value=0; [ -r $folder/power ] && read value < $folder/power; echo power:$value ;;
  boot) value=none; [ -r $folder/boot ] && read value < $folder/boot; echo boot:$value ;;
  *) exit 1 ;;
  esac
done ;;
set) while [ $# -gt 0 ]; do
  case $1 in power|boot) echo $2 > $folder/$1 ;; *) echo $1 $2 >> $folder/other ;; esac
  shift 2
done ;;
esac
`;

const lanConfig = (folder: string, port: number, serialPort: number) => `name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid ${GUID}
  endlan
  chassis_control "${folder}/chassis ${folder}"
  sol "tcp:127.0.0.1:${serialPort}" 115200
  startnow false
  user 1 true "" "anon" user 10 none md2 md5 straight
  user 2 true "admin" "secret" admin 10 none md2 md5 straight
  user 3 true "viewer" "viewerpw" user 10 none md2 md5 straight
`;

/** One temperature sensor, in whole degrees. */
const SENSOR = encodeFullRecord({
  id: 1,
  number: 0x30,
  entity: 3,
  entityInstance: 1,
  sensorType: 1,
  eventType: 1,
  unit: 1,
  conversion: { format: 'unsigned', linearization: 0, m: 1, b: 0, bExponent: 0, resultExponent: 0 },
  thresholds: { upperNonCritical: 80, upperCritical: 90 },
  name: 'CPU Temp',
});

const OVERHEATED = encodeSelRecord(1, 0x655bcd15, {
  generator: 0x20,
  lun: 0,
  sensorType: 1,
  sensorNumber: 0x30,
  eventType: 1,
  asserted: true,
  data: [0x59, 95, 90],
});

const PARTS = encodeFru({ product: LAB_FRU.product });

const bytes = (data: Buffer) => Array.from(data, (byte) => `0x${byte.toString(16)}`).join(' ');

/** A sensor for each linearisation of table 43-1, from sensor number 40h on; all of them read 28h. */
const LINEARISATIONS = Array.from({ length: 12 }, (_, linearization) => linearization);
const FORMULAS = LINEARISATIONS.map((linearization) => {
  const number = 0x40 + linearization;
  const conversion = { format: 'unsigned', linearization, m: 2, b: 1, bExponent: 0, resultExponent: -1 } as const;
  const part = { id: number, number, entity: 3, entityInstance: 1, sensorType: 1, eventType: 1, unit: 1 };
  const record = encodeFullRecord({ ...part, conversion, thresholds: {}, name: `Formula ${linearization}` });
  return [
    `main_sdr_add 0x20 ${bytes(record)}`,
    `sensor_add 0x20 0 ${number} 1 1`,
    `sensor_set_value 0x20 0 ${number} 0x28 0`,
  ].join('\n');
}).join('\n');

/**
 * Sensors with thresholds at 10, 20, 30, 60, 70 and 80 in their own unit, in each format, from number 60h on: one for a reading in
 * each place between them. Bytes of the signed ones are all negative: ipmi_sim compares them as if they had no sign.
 */
const FORMATS: readonly Conversion[] = [
  { format: 'unsigned', linearization: 0, m: 1, b: 0, bExponent: 0, resultExponent: 0 },
  { format: 'twos-complement', linearization: 0, m: 1, b: 100, bExponent: 0, resultExponent: 0 },
  { format: 'ones-complement', linearization: 0, m: 10, b: 1, bExponent: 3, resultExponent: -1 },
];
const PLACES = [5, 15, 25, 45, 65, 75, 85];
const LIMITED = FORMATS.flatMap((conversion, format) =>
  PLACES.map((value, place) => ({
    conversion,
    value,
    name: `Limits ${format} ${place}`,
    id: 0x60 + format * 8 + place,
  })),
);
const LIMITS = LIMITED.map(({ conversion, value, name, id }) => {
  const limits = { lowerNonRecoverable: 10, lowerCritical: 20, lowerNonCritical: 30 };
  const thresholds = rawThresholds(
    { ...limits, upperNonCritical: 60, upperCritical: 70, upperNonRecoverable: 80 },
    conversion,
  );
  const part = { id, number: id, entity: 3, entityInstance: 1, sensorType: 1, eventType: 1, unit: 1 };
  const record = encodeFullRecord({ ...part, conversion, thresholds, name });
  const values = THRESHOLDS.map((limit) => thresholds[limit]!).reverse();
  return [
    `main_sdr_add 0x20 ${bytes(record)}`,
    `sensor_add 0x20 0 ${id} 1 1`,
    `sensor_set_threshold 0x20 0 ${id} settable 111111 ${values.join(' ')}`,
    `sensor_set_value 0x20 0 ${id} ${unconvert(value, conversion)} 0`,
  ].join('\n');
}).join('\n');

const EMULATION = `mc_setbmc 0x20
mc_add 0x20 0x20 no-device-sdrs 0x01 2 0x33 0x9f 0x1291 0x0f02 persist_sdr
sel_enable 0x20 1000 0x0a
sel_add 0x20 0x02 ${bytes(OVERHEATED.subarray(3))}
main_sdr_add 0x20 ${bytes(SENSOR)}
sensor_add 0x20 0 0x30 1 1
sensor_set_threshold 0x20 0 0x30 settable 011000 0x5a 0x50 0 0 0 0
sensor_set_value 0x20 0 0x30 85 0
mc_add_fru_data 0x20 0 ${PARTS.length} data ${bytes(PARTS)}
mc_enable 0x20
`;

interface Lab {
  readonly folder: string;
  readonly port: number;
  readonly open: (username?: string, password?: string) => ReturnType<typeof openDriver>;
}

async function withIpmiSim(body: (lab: Lab) => Promise<void>, more = ''): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ipmi-sim-'));
  const transport = new Transport();
  const drivers: ReturnType<typeof openDriver>[] = [];
  let simulator: ChildProcess | undefined;
  const serial = createServer((machine) => machine.pipe(machine)).listen(0, '127.0.0.1');
  try {
    await once(serial, 'listening');
    const { port: serialPort } = serial.address() as AddressInfo;
    const port = await freeUdpPort();
    await mkdir(join(folder, 'state/ipmi_sim/bmc'), { recursive: true });
    await writeFile(join(folder, 'chassis'), CHASSIS);
    await chmod(join(folder, 'chassis'), 0o755);
    await writeFile(join(folder, 'lan.conf'), lanConfig(folder, port, serialPort));
    await writeFile(join(folder, 'sim.emu'), EMULATION.replace(/^mc_enable/m, `${more}\nmc_enable`));
    simulator = spawn('ipmi_sim', ['-n', '-c', 'lan.conf', '-f', 'sim.emu', '-s', 'state'], {
      cwd: folder,
      stdio: 'ignore',
    });
    await once(simulator, 'spawn');
    const open = (username = 'admin', password = 'secret') => {
      const target = { address: `ipmi://127.0.0.1:${port}`, credentials: { username, password } };
      // It hears nothing while it starts, and while its chassis program runs: ask often.
      const ipmi = { schedule: Array.from({ length: 100 }, () => 300), suitesSchedule: [1000, 1000, 1000] };
      const driver = openDriver(target, { transport, ipmi });
      drivers.push(driver);
      return driver;
    };
    await body({ folder, port, open });
  } finally {
    await Promise.all(drivers.map((driver) => driver.close()));
    transport.close();
    if (simulator?.kill()) await once(simulator, 'exit');
    await new Promise((resolve) => serial.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
}

const within = () => AbortSignal.timeout(60_000);

const succeeded = () => assert.unreachable('it should have failed');

const fails = (work: Promise<unknown>, code: BmcErrorCode) =>
  work.then(succeeded, (error: unknown) => {
    assert.instance(error, BmcError, String(error));
    assert.is((error as BmcError).code, code, String(error));
  });

const withSimulator = peerTest('ipmi_sim', 'openipmi');
const withTool = withPeers([
  ['ipmi_sim', 'openipmi'],
  ['ipmitool', 'ipmitool'],
]);
const tool = (port: number, ...args: string[]) =>
  ipmitool({ port, suite: 3, credentials: { username: 'admin', password: 'secret' } }, ...args);

withSimulator('identity, power and boot device', async () => {
  await withIpmiSim(async ({ folder, open }) => {
    const driver = open();
    const identity = await driver.identify(within());
    assert.is(identity.protocol, 'IPMI 2.0');
    assert.is(identity.manufacturer, 'MontaVista');
    assert.is(identity.product, '0x0f02');
    assert.is(await driver.power(within()), 'Off');
    await driver.setPower('on', within());
    assert.is((await readFile(join(folder, 'power'), 'utf8')).trim(), '1');
    assert.is(await driver.power(within()), 'On');
    await driver.setBootDevice({ device: 'pxe', persistent: false, mode: 'BIOS' }, within());
    assert.is((await readFile(join(folder, 'boot'), 'utf8')).trim(), 'pxe');
    assert.is((await driver.bootDevice(within())).device, 'pxe', 'although it drops the valid bit');
    await driver.setPower('off', within());
    assert.is(await driver.power(within()), 'Off');
  });
});

withSimulator('sensors, event log and inventory', async () => {
  await withIpmiSim(async ({ open }) => {
    const driver = open();
    const [sensor, ...others] = await driver.sensors(within());
    assert.is(others.length, 0);
    assert.equal([sensor?.name, sensor?.value, sensor?.unit], ['CPU Temp', 85, 'degrees C']);
    const log = await driver.eventLog(within());
    assert.equal(
      log.map(({ sensor, message, severity }) => [sensor, message, severity]),
      [['CPU Temp', 'upper critical going high (reading 95 degrees C, threshold 90 degrees C)', 'critical']],
    );
    assert.equal(await driver.eventLog(within(), log[0]!.id), []);
    const { name: product, ...fields } = LAB_FRU.product;
    assert.equal(await driver.inventory(within()), [{ ...fields, name: 'System', product }]);
  });
});

withTool('every linearisation gives what ipmitool makes of it', async () => {
  await withIpmiSim(async ({ port, open }) => {
    const ours = (await open().sensors(within())).filter(({ name }) => name.startsWith('Formula'));
    assert.is(ours.length, LINEARISATIONS.length);
    const told = new Map(cellsOf(await tool(port, 'sensor', 'list')).map((line) => [line[0], line[1]]));
    for (const { name, value } of ours) {
      const theirs = Number(told.get(name));
      assert.ok(Math.abs(value! - theirs) <= 0.001 + Math.abs(theirs) * 1e-5, `${name}: ${value}, not ${theirs}`);
    }
  }, FORMULAS);
});

withTool(
  'thresholds and states are what ipmitool makes of them, in every column, also when it has set them',
  async () => {
    await withIpmiSim(async ({ port, open }) => {
      const assertAlike = async () => {
        const ours = (await open().sensors(within())).filter(({ name }) => name.startsWith('Limits'));
        const table = new Map(cellsOf(await tool(port, 'sensor', 'list')).map((line) => [line[0], line]));
        const list = new Map(cellsOf(await tool(port, 'sdr', 'elist', 'full')).map((line) => [line[0], line]));
        assert.is(ours.length, LIMITED.length);
        for (const reading of ours) {
          const theirs = table.get(reading.name)!;
          assert.equal(sensorLine(reading, theirs[2]!), theirs);
          assert.equal(sdrLine(reading), list.get(reading.name)!.toSpliced(3, 1));
        }
        return ours;
      };
      const states = new Set((await assertAlike()).map(({ health }) => health));
      assert.equal([...states].sort(), ['critical', 'ok', 'warning']);
      await tool(port, 'sensor', 'thresh', 'Limits 0 0', 'unc', '40');
      const [set] = (await assertAlike()).filter(({ name }) => name === 'Limits 0 0');
      assert.is(set?.thresholds.upperNonCritical, 40);
    }, LIMITS);
  },
);

withSimulator('the serial console', async () => {
  await withIpmiSim(async ({ open }) => {
    const console = await open().console(within());
    console.write('is anybody there?');
    let heard = '';
    for await (const piece of console) {
      heard += String(piece);
      if (heard.includes('is anybody there?')) break; // leaving the loop closes the console
    }
    assert.is(heard, 'is anybody there?');
  });
});

withSimulator('wrong password, unknown user and missing rights are told apart', async () => {
  await withIpmiSim(async ({ open }) => {
    await fails(open('admin', 'wrong').power(within()), 'credentials');
    await fails(open('nobody', 'secret').power(within()), 'credentials');
    await fails(open('viewer', 'viewerpw').identify(within()), 'privilege');
  });
});

withSimulator('sessions are given back: many more log-ins than it has slots', async () => {
  await withIpmiSim(async ({ open }) => {
    const driver = open();
    for (let i = 0; i < 70; i++) {
      assert.is(await driver.power(within()), 'Off');
      await driver.close();
    }
  });
});

test.run();
