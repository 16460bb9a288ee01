// The simulated Redfish service against Debian's clients: redfishtool, sushy, fence_redfish.
// test-deadline: 300
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCertificate } from '../../../provision/api/certificate.ts';
import { DEBIAN_PYTHON, peerTest, pythonPeerTest } from '../../../testing/peers.ts';
import { LAB_ADMIN, LAB_GUID, withSimulatedBmc } from '../lab.ts';

const run = promisify(execFile);
const { username, password } = LAB_ADMIN;

async function output(program: string, args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, LC_ALL: 'C', PYTHONWARNINGS: 'ignore' };
  const { stdout, stderr } = await run(program, args, { env, timeout: 60_000 });
  return stdout + stderr;
}

interface Named {
  readonly Name: string;
  readonly Version: string;
}

const withTool = peerTest('redfishtool', 'redfishtool');

withTool('redfishtool: system, reset, boot override, sensors, firmware and network', async () => {
  await withSimulatedBmc(async ({ chassis, redfishPort }) => {
    const login = ['-r', `127.0.0.1:${redfishPort}`, '-S', 'Never', '-u', username, '-p', password];
    const tool = (...args: string[]) => output('redfishtool', [...login, ...args]);
    const system = JSON.parse(await tool('Systems', '-I', '1')) as { UUID: string; PowerState: string };
    assert.equal([system.UUID, system.PowerState], [LAB_GUID, 'Off']);
    await tool('Systems', '-I', '1', 'reset', 'On');
    assert.is(chassis.power(), 'On');
    await tool('Systems', '-I', '1', 'setBootOverride', 'Once', 'Pxe');
    assert.equal([chassis.boot.device, chassis.boot.persistent, chassis.boot.valid], ['pxe', false, true]);
    assert.match(await tool('Chassis', '-I', '1', 'Sensors'), /FAN1 +\d+/);
    assert.match(await tool('AccountService', 'Accounts'), /Accounts\/2/);
    const bios = JSON.parse(await tool('raw', 'GET', '/redfish/v1/UpdateService/FirmwareInventory/BIOS')) as Named;
    assert.equal([bios.Name, bios.Version], ['BIOS', '2.4.1']);
    const network = await tool('Managers', '-I', '1', 'EthernetInterfaces');
    assert.match(network, /EthernetInterfaces\/1/);
  });
});

const SUSHY = `
import json, sys, sushy
port, username, password = sys.argv[1:]
auth = sushy.auth.SessionAuth(username, password)
root = sushy.Sushy('http://127.0.0.1:%s/redfish/v1' % port, auth=auth, verify=False)
system = root.get_system('/redfish/v1/Systems/1')
before = system.power_state.value
system.reset_system(sushy.RESET_ON)
system.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, sushy.BOOT_SOURCE_ENABLED_CONTINUOUS, sushy.BOOT_SOURCE_MODE_UEFI)
system.refresh(force=True)
manager = root.get_manager('/redfish/v1/Managers/1')
media = manager.virtual_media.get_members()[0]
media.insert_media('http://images/a.iso')
media.refresh(force=True)
thermal = root.get_chassis('/redfish/v1/Chassis/1').thermal
print(json.dumps({
  'power': [before, system.power_state.value], 'boot': [system.boot.target.value, system.boot.enabled.value, system.boot.mode.value],
  'firmware': manager.firmware_version, 'media': [media.inserted, media.image],
  'temperatures': {each.name: each.reading_celsius for each in thermal.temperatures},
}))
`;

interface SushyAnswer {
  readonly power: unknown;
  readonly boot: unknown;
  readonly firmware: unknown;
  readonly media: unknown;
  readonly temperatures: Record<string, number>;
}

const withSushy = pythonPeerTest('sushy', 'python3-sushy');

withSushy('sushy: sessions, power, boot override, virtual media and temperatures', async () => {
  await withSimulatedBmc(async ({ bmc, chassis, redfishPort }) => {
    bmc.setSensor(0x02, 97);
    const answer = JSON.parse(
      await output(DEBIAN_PYTHON, ['-c', SUSHY, String(redfishPort), username, password]),
    ) as SushyAnswer;
    assert.equal(answer.power, ['Off', 'On']);
    assert.equal(answer.boot, ['Pxe', 'Continuous', 'UEFI']);
    assert.equal(chassis.boot, { device: 'pxe', persistent: true, efi: true, valid: true });
    assert.is(answer.firmware, '1.00');
    assert.equal(answer.media, [true, 'http://images/a.iso']);
    assert.is(answer.temperatures['CPU1 Temp'], 97);
  });
});

const withFence = peerTest('fence_redfish', 'fence-agents');

withFence('fence_redfish: status and a power cycle, over TLS', async () => {
  const certificate = await createCertificate(['127.0.0.1'], new Date());
  await withSimulatedBmc(async ({ bmc, chassis }) => {
    const port = await bmc.listenRedfish(0, '127.0.0.1', certificate);
    chassis.control('on');
    const login = ['-a', '127.0.0.1', '-u', String(port), '-l', username, '-p', password, '--ssl-insecure'];
    const fence = (action: string) =>
      output('fence_redfish', [...login, '--systems-uri=/redfish/v1/Systems/1', '-o', action]);
    assert.match(await fence('status'), /Status: ON/);
    assert.match(await fence('reboot'), /Success: Rebooted/);
    assert.equal(chassis.actions, ['on', 'off', 'on']);
  });
});

test.run();
