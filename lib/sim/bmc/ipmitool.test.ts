// The simulator against Debian's ipmitool, with both cipher suites.
// test-deadline: 300
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../../testing/peers.ts';
import { SimulatedBmc, type SimulatedBmcOptions } from './bmc.ts';
import { MemoryChassis } from './chassis.ts';
import { LAB_FRU } from './lab.ts';

const GUID = '9b4d7b4e-3d5c-4f0a-8c1e-1f2e3d4c5b6a';
const USERS = [
  { name: 'admin', password: 'Secret-of-twenty-byt', privilege: 'administrator' },
  { name: 'oper', password: 'operpw', privilege: 'operator' },
  { name: 'viewer', password: 'viewerpw', privilege: 'user' },
] as const;

const run = promisify(execFile);

type Outcome = { code: number; text: string };

async function withBmc(
  body: (tool: (...args: string[]) => Promise<Outcome>, bmc: SimulatedBmc, chassis: MemoryChassis) => Promise<void>,
  suite: 3 | 17 = 17,
  options: Partial<SimulatedBmcOptions> = {},
  user: { name: string; password: string; level?: string } = USERS[0],
): Promise<void> {
  const chassis = new MemoryChassis();
  const bmc = new SimulatedBmc({ chassis, users: USERS, guid: GUID, ...options });
  const port = await bmc.listen();
  const tool = async (...args: string[]): Promise<Outcome> => {
    const login = ['-I', 'lanplus', '-H', '127.0.0.1', '-p', String(port), '-U', user.name, '-E', '-C', String(suite)];
    const level = user.level ? ['-L', user.level] : [];
    try {
      const env = { PATH: process.env.PATH, IPMI_PASSWORD: user.password };
      const { stdout, stderr } = await run('ipmitool', [...login, ...level, ...args], { env, timeout: 60_000 });
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const failed = error as { code?: number; stdout?: string; stderr?: string };
      if (typeof failed.code !== 'number') throw error;
      return { code: failed.code, text: `${failed.stdout}${failed.stderr}` };
    }
  };
  try {
    await body(tool, bmc, chassis);
  } finally {
    await bmc.close();
  }
}

function succeeded({ code, text }: Outcome, expected: RegExp): void {
  assert.is(code, 0, text);
  assert.match(text, expected);
}

const withTool = peerTest('ipmitool', 'ipmitool');

for (const suite of [3, 17] as const) {
  withTool(`suite ${suite}: power is read and switched`, async () => {
    await withBmc(async (tool, bmc, chassis) => {
      succeeded(await tool('chassis', 'power', 'status'), /Chassis Power is off/);
      succeeded(await tool('chassis', 'power', 'on'), /Up\/On/);
      assert.is(chassis.power(), 'On');
      succeeded(await tool('chassis', 'status'), /System Power +: on/);
      succeeded(await tool('chassis', 'power', 'cycle'), /Cycle/);
      succeeded(await tool('chassis', 'power', 'reset'), /Reset/);
      succeeded(await tool('chassis', 'power', 'soft'), /Soft/);
      assert.equal(chassis.actions, ['on', 'cycle', 'reset', 'soft']);
      assert.is(bmc.sessions, 0, 'every session was closed');
    }, suite);
  });
}

withTool('the device and its GUID are told', async () => {
  await withBmc(async (tool) => {
    const info = await tool('mc', 'info');
    succeeded(info, /IPMI Version +: 2\.0/);
    assert.match(info.text, /Firmware Revision +: 1\.00/);
    succeeded(await tool('mc', 'guid', 'smbios'), new RegExp(GUID, 'i'));
    succeeded(await tool('mc', 'selftest'), /passed/);
  });
});

withTool('boot devices are set once, persistently and for UEFI', async () => {
  await withBmc(async (tool, _bmc, chassis) => {
    succeeded(await tool('chassis', 'bootdev', 'pxe'), /Set Boot Device to pxe/);
    assert.equal(chassis.boot, { device: 'pxe', persistent: false, efi: false, valid: true });
    succeeded(await tool('chassis', 'bootdev', 'disk', 'options=persistent,efiboot'), /Set Boot Device to disk/);
    assert.equal(chassis.boot, { device: 'disk', persistent: true, efi: true, valid: true });
    const told = await tool('chassis', 'bootparam', 'get', '5');
    succeeded(told, /Boot Flag Valid/);
    assert.match(told.text, /all future boots/);
    assert.match(told.text, /EFI/);
    assert.match(told.text, /Force Boot from default Hard-Drive/);
  });
});

withTool('users are listed, and a password is changed and then needed', async () => {
  await withBmc(async (tool) => {
    succeeded(await tool('user', 'list', '1'), /2 +admin .*ADMINISTRATOR/);
    succeeded(await tool('user', 'test', '3', '16', 'operpw'), /Success/);
    succeeded(await tool('user', 'set', 'password', '2', 'another'), /successful/);
    assert.is.not((await tool('mc', 'info')).code, 0);
  });
});

withTool('channel, ciphers and sessions are told', async () => {
  await withBmc(async (tool) => {
    succeeded(await tool('channel', 'info', '1'), /802\.3 LAN/);
    succeeded(await tool('channel', 'getaccess', '1', '2'), /Privilege Level +: ADMINISTRATOR/);
    const ciphers = await tool('channel', 'getciphers', 'ipmi', '1');
    succeeded(ciphers, /17 +.*hmac_sha256 +sha256_128 +aes_cbc_128/);
    assert.match(ciphers.text, /3 +.*hmac_sha1 +hmac_sha1_96 +aes_cbc_128/);
    succeeded(await tool('session', 'info', 'active'), /privilege level +: ADMINISTRATOR/);
  });
});

withTool('sensors are read, each with its unit, and those without power are not', async () => {
  await withBmc(async (tool, bmc, chassis) => {
    bmc.setSensor(0x02, 97);
    const off = await tool('sdr', 'elist');
    succeeded(off, /Inlet Temp +\| 01h \| ok +\| 55\.1 \| 2\d degrees C/);
    assert.match(off.text, /CPU1 Temp +\| 02h \| ns/);
    assert.match(off.text, /PSU1 Status +\| 31h \| ok +\| 10\.1 \| Presence detected/);
    chassis.control('on');
    const on = await tool('sensor', 'list');
    succeeded(on, /FAN1 +\| \d+\.000 +\| RPM +\| ok +\| na +\| 1000\.000 +\| 2000\.000/);
    assert.match(on.text, /CPU1 Temp +\| 97\.000 +\| degrees C +\| cr +/);
    assert.match(on.text, /12V +\| 1[12]\.\d+ +\| Volts/);
  });
});

withTool('records are given in pieces, too', async () => {
  await withBmc(async (tool) => succeeded(await tool('sdr', 'elist'), /PSU1 Status/), 17, { mostBytes: 20 });
});

withTool('the event log fills, is told and is cleared', async () => {
  await withBmc(async (tool, bmc) => {
    succeeded(await tool('sel', 'list'), /SEL has no entries/);
    bmc.logEvent({ sensorNumber: 0x02, asserted: true, data: [0x59, 97, 95] });
    bmc.logEvent({ sensorNumber: 0x31, asserted: false, data: [0x01, 0xff, 0xff] });
    const log = await tool('sel', 'elist');
    succeeded(
      log,
      /Temperature CPU1 Temp \| Upper Critical going high \| Asserted \| Reading 97 > Threshold 95 degrees C/,
    );
    assert.match(log.text, /Power Supply PSU1 Status \| Failure detected.*Deasserted/);
    succeeded(await tool('sel', 'info'), /Entries +: 2/);
    succeeded(await tool('sel', 'clear'), /Clearing SEL/);
    succeeded(await tool('sel', 'info'), /Entries +: 0/);
  });
});

withTool('the inventory is told', async () => {
  await withBmc(
    async (tool) => {
      const fru = await tool('fru', 'print');
      succeeded(fru, /Product Serial +: SN0007/);
      assert.match(fru.text, /Board Mfg +: Acme/);
      assert.match(fru.text, /Chassis Serial +: CH0007/);
      assert.match(fru.text, /Product Asset Tag +: asset-7/);
    },
    17,
    { fru: LAB_FRU },
  );
});

withTool('network settings are told and changed', async () => {
  await withBmc(async (tool) => {
    succeeded(await tool('lan', 'print', '1'), /IP Address Source +: Static Address\nIP Address +: 127\.0\.0\.1/);
    await tool('lan', 'set', '1', 'ipaddr', '192.0.2.10');
    await tool('lan', 'set', '1', 'vlan', 'id', '42');
    await tool('lan', 'set', '1', 'ipsrc', 'dhcp');
    const changed = await tool('lan', 'print', '1');
    succeeded(changed, /DHCP Address\nIP Address +: 192\.0\.2\.10/);
    succeeded(changed, /802\.1q VLAN ID +: 42/);
  });
});

withTool('what the machine draws is told by DCMI', async () => {
  await withBmc(async (tool, bmc, chassis) => {
    chassis.control('on');
    bmc.setSensor(0x21, 344);
    succeeded(await tool('dcmi', 'power', 'reading'), /Instantaneous power reading: +344 Watts/);
    succeeded(await tool('dcmi', 'power', 'reading'), /Power reading state is: +activated/);
  });
});

withTool('a wrong password is refused', async () => {
  await withBmc(
    async (tool) => {
      const outcome = await tool('-v', 'mc', 'info');
      assert.is.not(outcome.code, 0);
      assert.match(outcome.text, /RAKP 2 HMAC is invalid/);
    },
    17,
    {},
    { name: 'admin', password: 'wrong' },
  );
});

withTool('a user may look but not switch', async () => {
  await withBmc(
    async (tool, _bmc, chassis) => {
      succeeded(await tool('chassis', 'power', 'status'), /off/);
      const outcome = await tool('chassis', 'power', 'on');
      assert.is.not(outcome.code, 0);
      assert.match(outcome.text, /Insufficient privilege level/);
      assert.equal(chassis.actions, []);
    },
    3,
    {},
    { ...USERS[2], level: 'USER' },
  );
});

withTool('an unknown command is told from a missing privilege', async () => {
  await withBmc(async (tool) => {
    assert.match((await tool('raw', '0x06', '0x99')).text, /rsp=0xc1/);
    assert.match((await tool('raw', '0x00', '0x02')).text, /rsp=0xc7/);
  });
});

test.run();
