// The driver against OpenIPMI's ipmi_sim, a BMC that others wrote.
// test-deadline: 300
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest, requirePeer } from '../../testing/peers.ts';
import { BmcError, type BmcErrorCode } from '../errors.ts';
import { openDriver } from '../open.ts';
import { Transport } from './transport.ts';
import { encodeFru } from './wire/fru.ts';
import { encodeFullRecord } from './wire/sdr.ts';
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

const FRU = {
  product: {
    manufacturer: 'Acme',
    name: 'Server X',
    partNumber: 'SX-1',
    version: '1.2',
    serialNumber: 'SN0007',
    assetTag: 'asset-7',
  },
};

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

const EMULATION = `mc_setbmc 0x20
mc_add 0x20 0x20 no-device-sdrs 0x01 2 0x33 0x9f 0x1291 0x0f02 persist_sdr
sel_enable 0x20 1000 0x0a
sel_add 0x20 0x02 ${bytes(OVERHEATED.subarray(3))}
main_sdr_add 0x20 ${bytes(SENSOR)}
sensor_add 0x20 0 0x30 1 1
sensor_set_threshold 0x20 0 0x30 settable 011000 0x5a 0x50 0 0 0 0
sensor_set_value 0x20 0 0x30 85 0
mc_add_fru_data 0x20 0 ${encodeFru(FRU).length} data ${bytes(encodeFru(FRU))}
mc_enable 0x20
`;

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

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
    const port = await freePort();
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

const run = promisify(execFile);
const within = () => AbortSignal.timeout(60_000);

const succeeded = () => assert.unreachable('it should have failed');

const fails = (work: Promise<unknown>, code: BmcErrorCode) =>
  work.then(succeeded, (error: unknown) => {
    assert.instance(error, BmcError, String(error));
    assert.is((error as BmcError).code, code, String(error));
  });

const withSimulator = peerTest('ipmi_sim', 'openipmi');

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
    const { name: product, ...fields } = FRU.product;
    assert.equal(await driver.inventory(within()), [{ ...fields, name: 'System', product }]);
  });
});

withSimulator('every linearisation gives what ipmitool makes of it', async () => {
  await withIpmiSim(async ({ port, open }) => {
    const ours = (await open().sensors(within())).filter(({ name }) => name.startsWith('Formula'));
    assert.is(ours.length, LINEARISATIONS.length);
    if (!requirePeer('ipmitool', 'ipmitool')) return;
    const login = ['-I', 'lanplus', '-C', '3', '-H', '127.0.0.1', '-p', String(port), '-U', 'admin', '-E'];
    const env = { PATH: process.env.PATH, IPMI_PASSWORD: 'secret' };
    const { stdout } = await run('ipmitool', [...login, 'sensor', 'list'], { env, timeout: 60_000 });
    const told = new Map(
      stdout.split('\n').map((line) => line.split('|').map((cell) => cell.trim()) as [string, string]),
    );
    for (const { name, value } of ours) {
      const theirs = Number(told.get(name));
      assert.ok(Math.abs(value! - theirs) <= 0.001 + Math.abs(theirs) * 1e-5, `${name}: ${value}, not ${theirs}`);
    }
  }, FORMULAS);
});

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
