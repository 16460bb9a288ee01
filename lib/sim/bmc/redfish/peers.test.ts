// The simulated Redfish service against Debian's clients: redfishtool, sushy, fence_redfish.
// test-deadline: 300
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCertificate } from '../../../provision/api/certificate.ts';
import { eventually } from '../../../testing/eventually.ts';
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

const SUSHY_EVENTS = `
import json, sys, sushy
port, username, password, destination = sys.argv[1:]
auth = sushy.auth.SessionAuth(username, password)
root = sushy.Sushy('http://127.0.0.1:%s/redfish/v1' % port, auth=auth, verify=False)
service = root.get_event_service()
types = sorted(each.value for each in service.get_event_types_for_subscription())
subscription = service.subscriptions.create({
  'Destination': destination, 'Protocol': 'Redfish', 'Context': 'rack 1', 'EventTypes': ['Alert', 'StatusChange']})
service.submit_test_event('1', '2026-01-02T00:00:00Z', 'Alert', 'Is this heard?', [], 'Test.1.0.Heard', '/redfish/v1/Systems/1', 'OK')
root.get_system('/redfish/v1/Systems/1').reset_system(sushy.RESET_ON)
print(json.dumps({'enabled': service.service_enabled, 'types': types, 'context': subscription.context, 'path': subscription.path}))
sys.stdin.read()
subscription.delete()
print(len(service.subscriptions.get_members()))
`;

interface Pushed {
  readonly Context: string;
  readonly Events: readonly { readonly EventType: string; readonly Message: string; readonly MessageId: string }[];
}

withSushy('sushy: a subscription, and events pushed to where it says', async () => {
  await withSimulatedBmc(async ({ redfishPort }) => {
    const pushed: Pushed[] = [];
    const receiver = createServer((request, response) => {
      json(request)
        .then((event) => pushed.push(event as Pushed))
        .finally(() => response.writeHead(204).end())
        .catch((error: unknown) => response.destroy(error as Error));
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const destination = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`;
    const args = ['-c', SUSHY_EVENTS, String(redfishPort), username, password, destination];
    const env = { PATH: process.env.PATH, LC_ALL: 'C', PYTHONWARNINGS: 'ignore' };
    const sushy = run(DEBIAN_PYTHON, args, { env, timeout: 60_000 });
    try {
      await eventually(() => pushed.length === 2);
      sushy.child.stdin!.end();
      const [told, left] = (await sushy).stdout.trim().split('\n') as [string, string];
      const path = '/redfish/v1/EventService/Subscriptions/1';
      assert.equal(JSON.parse(told), { enabled: true, types: ['Alert', 'StatusChange'], context: 'rack 1', path });
      assert.is(left, '0');
      const events = pushed.map(({ Context, Events: [event] }) => [Context, event?.EventType, event?.Message]);
      assert.equal(events, [
        ['rack 1', 'Alert', 'Is this heard?'],
        ['rack 1', 'StatusChange', 'The resource has powered on.'],
      ]);
    } finally {
      sushy.child.kill();
      receiver.close();
    }
  });
});

const withCurl = peerTest('curl', 'curl');

withCurl('curl: the stream of events, as text', async () => {
  await withSimulatedBmc(async ({ bmc, chassis, redfishPort }) => {
    const url = `http://127.0.0.1:${redfishPort}/redfish/v1/EventService/SSE`;
    const curl = spawn('curl', ['--silent', '--no-buffer', '--config', '-', url]);
    try {
      curl.stdin.end(`user = "${username}:${password}"\n`);
      await eventually(() => bmc.eventStreams === 1);
      chassis.control('on');
      let heard = '';
      for await (const piece of curl.stdout) {
        heard += String(piece);
        if (/\ndata: .*\n\n/.test(heard)) break;
      }
      assert.match(heard, /^id: 1$/m);
      const event = JSON.parse(/^data: (.*)$/m.exec(heard)![1]!) as Pushed;
      assert.is(event.Events[0]?.MessageId, 'ResourceEvent.1.1.ResourcePoweredOn');
    } finally {
      curl.kill();
    }
    await eventually(() => bmc.eventStreams === 0);
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
