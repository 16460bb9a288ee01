// What every driver must do, whatever it speaks: the same cases on each, against the same simulated machine.
// test-deadline: 300
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SimulatedBmcOptions } from '../sim/bmc/bmc.ts';
import { NO_FAULTS } from '../sim/bmc/faults.ts';
import { fails, LAB_ADMIN, LAB_FRU, LAB_GUID, LAB_VIEWER, type Lab, withSimulatedBmc } from '../sim/bmc/lab.ts';
import type { BootOptions, Credentials, Driver } from './driver.ts';
import { BmcError } from './errors.ts';

const within = () => AbortSignal.timeout(60_000);

interface Subject {
  readonly open: (lab: Lab, credentials?: Credentials) => Driver;
  readonly sessions: (lab: Lab) => number;
  readonly protocol: RegExp;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  ipmi: {
    open: (lab, credentials) => lab.open(credentials),
    sessions: ({ bmc }) => bmc.sessions,
    protocol: /^IPMI 2\.0$/,
  },
  redfish: {
    open: (lab, credentials) => lab.openRedfish(credentials),
    sessions: ({ bmc }) => bmc.redfishSessions,
    protocol: /^Redfish 1\.\d+\.\d+$/,
  },
};

for (const [name, { open, sessions, protocol }] of Object.entries(SUBJECTS)) {
  const conforms = (what: string, body: (lab: Lab) => Promise<void>, options: Partial<SimulatedBmcOptions> = {}) =>
    test(`${name}: ${what}`, () => withSimulatedBmc(body, options));

  conforms(
    'tells who answers',
    async (lab) => {
      const identity = await open(lab).identify(within());
      assert.match(identity.protocol, protocol);
      assert.is(identity.systemId, LAB_GUID);
      assert.is(identity.firmware, '1.00');
    },
    { fru: LAB_FRU },
  );

  conforms('uses one session for many calls, gives it back, and may be used again', async (lab) => {
    const driver = open(lab);
    for (let i = 0; i < 5; i++) assert.is(await driver.power(within()), 'Off');
    assert.is(sessions(lab), 1);
    await driver.close();
    assert.is(sessions(lab), 0);
    assert.is(await driver.power(within()), 'Off');
  });

  conforms('switches power', async (lab) => {
    const driver = open(lab);
    await driver.setPower('on', within());
    assert.is(await driver.power(within()), 'On');
    for (const action of ['reset', 'cycle', 'soft'] as const) await driver.setPower(action, within());
    assert.equal(lab.chassis.actions, ['on', 'reset', 'cycle', 'soft']);
    assert.is(await driver.power(within()), 'Off');
  });

  conforms('may be told twice to switch on or off', async (lab) => {
    const driver = open(lab);
    for (const action of ['off', 'soft', 'on', 'on', 'off', 'off'] as const) await driver.setPower(action, within());
    assert.is(await driver.power(within()), 'Off');
  });

  conforms('believes what it sees, not what it asked for', async (lab) => {
    lab.bmc.faults = { ...NO_FAULTS, powerStuck: true };
    const driver = open(lab);
    await driver.setPower('on', within());
    assert.is(await driver.power(within()), 'Off');
  });

  conforms('asks a host to shut down that does not care, and then switches it off', async (lab) => {
    lab.bmc.faults = { ...NO_FAULTS, softOffIgnored: true };
    const driver = open(lab);
    await driver.setPower('on', within());
    await driver.setPower('soft', within());
    assert.is(await driver.power(within()), 'On');
    await driver.setPower('off', within());
    assert.is(await driver.power(within()), 'Off');
  });

  conforms('sends nothing twice that would take a machine down twice, whatever answers are lost', async (lab) => {
    const driver = open(lab);
    await driver.setPower('on', within());
    lab.bmc.faults = { ...NO_FAULTS, powerAnswersLost: true };
    await fails(driver.setPower('cycle', within()), 'timeout');
    assert.equal(lab.chassis.actions, ['on', 'cycle']);
    assert.is(await driver.power(within()), 'On', 'the session goes on');
  });

  conforms('sets every boot device, once or for good, for either firmware', async (lab) => {
    const driver = open(lab);
    for (const device of ['pxe', 'disk', 'cdrom', 'bios'] as const) {
      for (const persistent of [true, false]) {
        for (const mode of driver.capabilities().bootModes) {
          const options: BootOptions = { device, persistent, mode };
          await driver.setBootDevice(options, within());
          assert.equal(await driver.bootDevice(within()), options);
          assert.equal(lab.chassis.boot, { device, persistent, efi: mode === 'UEFI', valid: true });
        }
      }
    }
    await driver.setBootDevice({ device: 'none', persistent: false, mode: 'UEFI' }, within());
    assert.is((await driver.bootDevice(within())).device, 'none');
    assert.is(lab.chassis.boot.valid, false);
  });

  conforms('lights the identify light and puts it out', async (lab) => {
    const driver = open(lab);
    await driver.setIdentify(30, within());
    assert.ok(lab.chassis.identifySeconds > 0);
    await driver.setIdentify(0, within());
    assert.is(lab.chassis.identifySeconds, 0);
  });

  conforms('reads sensors with units, thresholds and health', async (lab) => {
    lab.chassis.control('on');
    lab.bmc.setSensor(0x02, 96);
    const sensors = new Map((await open(lab).sensors(within())).map((sensor) => [sensor.name, sensor]));
    const hot = sensors.get('CPU1 Temp');
    assert.equal([hot?.type, hot?.value, hot?.unit, hot?.health], ['Temperature', 96, 'degrees C', 'critical']);
    assert.equal(hot?.thresholds, { upperNonCritical: 85, upperCritical: 95, upperNonRecoverable: 100 });
    const fan = sensors.get('FAN1');
    assert.equal([fan?.type, fan?.unit, fan?.health], ['Fan', 'RPM', 'ok']);
    assert.equal(sensors.get('12V')?.unit, 'Volts');
  });

  conforms('gives no value for a sensor without power', async (lab) => {
    const fan = (await open(lab).sensors(within())).find((sensor) => sensor.name === 'FAN1');
    assert.equal([fan?.value, fan?.unit, fan?.health], [undefined, '', 'unknown']);
  });

  conforms('reads the event log, and later only what is new', async (lab) => {
    const driver = open(lab);
    assert.equal(await driver.eventLog(within()), []);
    lab.bmc.logEvent({ sensorNumber: 0x31, asserted: true, data: [0x03, 0xff, 0xff] });
    const [entry, ...others] = await driver.eventLog(within());
    assert.is(others.length, 0);
    assert.equal([entry?.sensor, entry?.severity, entry?.asserted], ['PSU1 Status', 'critical', true]);
    assert.match(entry!.message, /power supply input lost/);
    assert.ok(Math.abs(Date.parse(entry!.time!) - Date.now()) < 60_000);
    lab.bmc.logEvent({ sensorNumber: 0x31, asserted: false, data: [0x03, 0xff, 0xff] });
    const fresh = await driver.eventLog(within(), entry!.id);
    assert.equal(
      fresh.map(({ asserted }) => asserted),
      [false],
    );
    assert.is((await driver.eventLog(within(), 'unknown')).length, 2);
  });

  conforms(
    'reads the inventory',
    async (lab) => {
      const system = (await open(lab).inventory(within())).find((item) => item.name === 'System');
      assert.equal(system?.manufacturer, 'Acme');
      assert.equal([system?.product, system?.serialNumber, system?.assetTag], ['Server X', 'SN0007', 'asset-7']);
    },
    { fru: LAB_FRU },
  );

  conforms(
    'tells of the hardware what it knows, without the machine being on',
    async (lab) => {
      const { serialNumber, manufacturer, model } = await open(lab).hardware(within());
      assert.equal([serialNumber, manufacturer, model], ['SN0007', 'Acme', 'Server X']);
      assert.is(lab.chassis.power(), 'Off');
    },
    { fru: LAB_FRU },
  );

  conforms('changes a password, which then is the only one', async (lab) => {
    const driver = open(lab);
    await driver.setPassword(LAB_ADMIN.username, 'quite-another-secret', within());
    await driver.close();
    await fails(open(lab).power(within()), 'credentials');
    assert.is(await open(lab, { ...LAB_ADMIN, password: 'quite-another-secret' }).power(within()), 'Off');
  });

  conforms('refuses a password that is too long or for nobody, and does not repeat it', async (lab) => {
    const driver = open(lab);
    for (const [user, password] of [
      [LAB_VIEWER.username, 'p'.repeat(21)],
      ['nobody', 'fine-secret'],
    ] as const) {
      const error = await driver.setPassword(user, password, within()).then(
        () => assert.unreachable(),
        (e: Error) => e,
      );
      assert.instance(error, BmcError);
      assert.not.match(String((error as BmcError).stack), password);
    }
  });

  conforms('tells wrong credentials, and leaves no session behind', async (lab) => {
    const error = await fails(
      open(lab, { username: 'admin', password: 'not-this-one' }).power(within()),
      'credentials',
    );
    assert.not.match(String(error.stack), 'not-this-one');
    assert.is(error.retryable, false);
    await fails(open(lab, { username: 'nobody', password: 'a-secret' }).power(within()), 'credentials');
    assert.is(sessions(lab), 0);
  });

  conforms('tells an account without administrator rights', async (lab) => {
    await fails(open(lab, LAB_VIEWER).identify(within()), 'privilege');
  });

  conforms('tells that there is no free session', async (lab) => {
    lab.bmc.faults = { ...NO_FAULTS, sessionsExhausted: true };
    const error = await fails(open(lab).power(within()), 'busy');
    assert.is(error.retryable, true);
  });

  conforms('logs in anew when the BMC has forgotten its session', async (lab) => {
    const driver = open(lab);
    await driver.power(within());
    lab.bmc.reboot();
    await driver.setPower('on', within());
    assert.is(await driver.power(within()), 'On');
    assert.is(sessions(lab), 1);
  });

  conforms('ends at its deadline, and passes another abort on as it is', async (lab) => {
    lab.bmc.faults = { ...NO_FAULTS, silent: true };
    const late = await open(lab)
      .power(AbortSignal.timeout(50))
      .then(
        () => assert.unreachable(),
        (error: unknown) => error,
      );
    assert.instance(late, BmcError);
    assert.ok(['timeout', 'unreachable'].includes((late as BmcError).code));
    const stop = new AbortController();
    const reason = new Error('the caller has gone');
    const power = open(lab).power(stop.signal);
    stop.abort(reason);
    assert.is(
      await power.then(
        () => assert.unreachable(),
        (error: unknown) => error,
      ),
      reason,
    );
  });

  conforms('ends at its deadline also while another operation has the BMC', async (lab) => {
    lab.bmc.faults = { ...NO_FAULTS, silent: true };
    const driver = open(lab);
    const stop = new AbortController();
    const first = driver.setPower('on', stop.signal).catch(() => 'given up');
    const late = await driver.setPower('off', AbortSignal.timeout(50)).then(
      () => assert.unreachable(),
      (error: unknown) => error,
    );
    assert.is((late as BmcError).code, 'timeout', String(late));
    stop.abort(new Error('the test is over'));
    assert.is(await first, 'given up');
  });

  conforms('tells and changes the network of the BMC', async (lab) => {
    const driver = open(lab);
    const factory = { source: 'static', address: '127.0.0.1', netmask: '255.0.0.0', macAddress: '52:54:00:00:00:01' };
    assert.equal(await driver.network(within()), factory);
    const fixed = {
      source: 'static',
      address: '192.0.2.10',
      netmask: '255.255.255.0',
      gateway: '192.0.2.1',
      vlan: 42,
    } as const;
    await driver.setNetwork(fixed, within());
    assert.equal(await driver.network(within()), { ...fixed, macAddress: factory.macAddress });
    await driver.setNetwork({ source: 'dhcp' }, within());
    const { source, vlan } = await driver.network(within());
    assert.equal([source, vlan], ['dhcp', undefined]);
    await fails(driver.setNetwork({ ...fixed, address: '192.0.2.300' }, within()), 'unsupported');
    await fails(driver.setNetwork({ source: 'dhcp', vlan: 4095 }, within()), 'unsupported');
    assert.is((await driver.network(within())).source, 'dhcp', 'nothing was sent');
  });

  conforms('tells what the machine draws, and its firmware', async (lab) => {
    const driver = open(lab);
    assert.is((await driver.consumption(within())).watts, 0);
    lab.chassis.control('on');
    lab.bmc.setSensor(0x21, 344);
    assert.is((await driver.consumption(within())).watts, 344);
    const versions = await driver.firmware(within());
    assert.is(versions.find((item) => item.name === 'BMC')?.version, '1.00');
  });

  conforms('says after identify() what this BMC can do', async (lab) => {
    const driver = open(lab);
    await driver.identify(within());
    const { sensors, eventLog, consumption, network } = driver.capabilities();
    assert.equal([sensors, eventLog, consumption, network], [true, true, true, true]);
  });

  conforms('tells of events, where it can, for as long as it is listened to', async (lab) => {
    const driver = open(lab);
    if (!driver.capabilities().events) return;
    const stop = new AbortController();
    const events = driver.events(stop.signal)[Symbol.asyncIterator]();
    const first = events.next();
    while (lab.bmc.eventStreams === 0) await driver.power(within());
    lab.chassis.control('on');
    assert.is((await first).done, false);
    stop.abort();
    assert.is((await events.next()).done, true);
  });

  conforms('takes many calls at once, one after the other', async (lab) => {
    const driver = open(lab);
    const states = await Promise.all(Array.from({ length: 20 }, () => driver.power(within())));
    assert.equal(new Set(states), new Set(['Off']));
    assert.is(sessions(lab), 1);
  });

  conforms('declares what it cannot do, and refuses it as unsupported', async (lab) => {
    const driver = open(lab);
    const { virtualMedia, console, events } = driver.capabilities();
    if (!events) await fails(driver.events(within())[Symbol.asyncIterator]().next(), 'unsupported');
    if (!virtualMedia) await fails(driver.insertMedia('http://images/x.iso', within()), 'unsupported');
    if (!console) await fails(driver.console(within()), 'unsupported');
  });
}

test.run();
