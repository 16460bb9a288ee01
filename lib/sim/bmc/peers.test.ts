// The simulator against the other IPMI clients in Debian: freeipmi, pyghmi, fence_ipmilan.
// test-deadline: 300
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEBIAN_PYTHON, peerTest, pythonPeerTest } from '../../testing/peers.ts';
import { LAB_ADMIN, LAB_FRU, type Lab, withSimulatedBmc } from './lab.ts';

const run = promisify(execFile);

/** Runs a program with a home of its own: freeipmi keeps sensor records there. */
async function output(program: string, args: string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'ipmi-peer-'));
  try {
    const env = { PATH: process.env.PATH, HOME: home, LC_ALL: 'C', PYTHONWARNINGS: 'ignore' };
    const { stdout, stderr } = await run(program, args, { env, timeout: 60_000 });
    return stdout + stderr;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function freeipmiArguments({ port }: Lab, suite: number): string[] {
  const { username, password } = LAB_ADMIN;
  const account = ['-h', `127.0.0.1:${port}`, '-u', username, '-p', password, '-l', 'ADMIN'];
  return [...account, '-D', 'LAN_2_0', '-I', String(suite)];
}

const withFreeipmi = peerTest('ipmipower', 'freeipmi-tools');

for (const suite of [3, 17]) {
  withFreeipmi(`freeipmi, suite ${suite}: device, power, sensors, log, inventory and power draw`, async () => {
    await withSimulatedBmc(
      async (lab) => {
        const { bmc, chassis } = lab;
        const login = freeipmiArguments(lab, suite);
        assert.match(await output('bmc-info', login), /IPMI Version +: 2\.0/);
        assert.match(await output('ipmipower', [...login, '--on', '--wait-until-on']), /127\.0\.0\.1: ok/);
        assert.is(chassis.power(), 'On');
        assert.match(await output('ipmipower', [...login, '--stat']), /127\.0\.0\.1: on/);
        bmc.setSensor(0x02, 97);
        bmc.logEvent({ sensorNumber: 0x02, asserted: true, data: [0x59, 97, 95] });
        const sensors = await output('ipmi-sensors', [...login, '--quiet-cache']);
        assert.match(
          sensors,
          /CPU1 Temp +\| Temperature +\| 97\.00 +\| C +\| 'At or Above \(>=\) Upper Critical Threshold'/,
        );
        assert.match(sensors, /PSU1 Status +\| Power Supply +\| N\/A +\| N\/A +\| 'Presence detected'/);
        const log = await output('ipmi-sel', [...login, '--quiet-cache']);
        assert.match(log, /CPU1 Temp +\| Temperature +\| Upper Critical - going high ; Sensor Reading = 97\.00 C/);
        assert.match(await output('ipmi-fru', [...login, '--quiet-cache']), /Product Serial Number: SN0007/);
        bmc.setSensor(0x21, 344);
        const drawn = await output('ipmi-dcmi', [...login, '--get-system-power-statistics']);
        assert.match(drawn, /Current Power +: 344 Watts/);
      },
      { fru: LAB_FRU },
    );
  });
}

const withFence = peerTest('fence_ipmilan', 'fence-agents');

withFence('fence_ipmilan: status and a power cycle', async () => {
  await withSimulatedBmc(async ({ port, chassis }) => {
    chassis.control('on');
    const { username, password } = LAB_ADMIN;
    const login = ['-P', '-a', '127.0.0.1', '-u', String(port), '-l', username, '-p', password, '-C', '17'];
    assert.match(await output('fence_ipmilan', [...login, '-o', 'status']), /Status: ON/);
    assert.match(await output('fence_ipmilan', [...login, '-o', 'reboot']), /Success: Rebooted/);
    assert.equal(chassis.actions, ['on', 'off', 'on']);
  });
});

const PYGHMI = `
import json, sys
from pyghmi.ipmi import command
bmc = command.Command(bmc='127.0.0.1', userid=sys.argv[1], password=sys.argv[2], port=int(sys.argv[3]))
bmc.set_power('on', wait=True)
bmc.set_bootdev('network', persist=True, uefiboot=True)
print(json.dumps({
  'power': bmc.get_power(), 'boot': bmc.get_bootdev(),
  'sensors': {r.name: [r.value, r.health] for r in bmc.get_sensor_data()},
  'log': [[e['component'], e['event'], e['triggered_value']] for e in bmc.get_event_log()],
  'serials': [part.get('Serial Number') for name, part in bmc.get_inventory()],
}))
`;

interface PyghmiAnswer {
  readonly power: unknown;
  readonly boot: unknown;
  readonly sensors: Record<string, [number | null, number]>;
  readonly log: unknown;
  readonly serials: string[];
}

const withPyghmi = pythonPeerTest('pyghmi', 'python3-pyghmi');

withPyghmi('pyghmi: power, boot device, sensors, log and inventory', async () => {
  await withSimulatedBmc(
    async ({ bmc, port }) => {
      bmc.setSensor(0x02, 97);
      bmc.logEvent({ sensorNumber: 0x02, asserted: true, data: [0x59, 97, 95] });
      const args = ['-c', PYGHMI, LAB_ADMIN.username, LAB_ADMIN.password, String(port)];
      const answer = JSON.parse(await output(DEBIAN_PYTHON, args)) as PyghmiAnswer;
      assert.equal(answer.power, { powerstate: 'on' });
      assert.equal(answer.boot, { bootdev: 'network', persistent: true, uefimode: true });
      assert.equal(answer.sensors['CPU1 Temp'], [97, 2]);
      assert.equal(answer.log, [['CPU1 Temp', 'Upper critical', 97]]);
      assert.ok(answer.serials.includes('SN0007'));
    },
    { fru: LAB_FRU },
  );
});

test.run();
