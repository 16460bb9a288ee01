// The driver against the simulated BMC, over real UDP, with what may go wrong in between.
// test-deadline: 300
import { createSocket } from 'node:dgram';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_FAULTS } from '../../sim/bmc/faults.ts';
import { fails, LAB_ADMIN, LAB_GUID, LAB_VIEWER, PATIENT, withSimulatedBmc } from '../../sim/bmc/lab.ts';
import type { BmcError } from '../errors.ts';
import { IpmiClient } from './client.ts';
import type { IpmiOptions } from './options.ts';
import type { Transport } from './transport.ts';
import { NETFN } from './wire/message.ts';

const IMPATIENT: Partial<IpmiOptions> = { schedule: [30, 30, 30], suitesSchedule: [30], closeSchedule: [30] };

const within = () => AbortSignal.timeout(60_000);

for (const suite of [3, 17] as const) {
  test(`suite ${suite}: identity, power and boot device, in one session`, async () => {
    await withSimulatedBmc(
      async ({ bmc, chassis, open }) => {
        const driver = open();
        assert.equal(await driver.identify(within()), {
          manufacturer: 'IANA 0',
          product: '0x0001',
          firmware: '1.00',
          protocol: 'IPMI 2.0',
          systemId: LAB_GUID,
        });
        assert.is(await driver.power(within()), 'Off');
        await driver.setPower('on', within());
        assert.is(await driver.power(within()), 'On');
        const boot = { device: 'pxe', persistent: true, mode: 'UEFI' } as const;
        await driver.setBootDevice(boot, within());
        assert.equal(await driver.bootDevice(within()), boot);
        await driver.setBootDevice({ device: 'none', persistent: false, mode: 'BIOS' }, within());
        assert.equal(await driver.bootDevice(within()), { device: 'none', persistent: false, mode: 'BIOS' });
        await driver.setIdentify(30, within());
        assert.is(chassis.identifySeconds, 30);
        assert.is(bmc.sessions, 1);
        await driver.close();
        assert.is(bmc.sessions, 0);
        assert.is(await driver.power(within()), 'On', 'a closed driver logs in anew');
      },
      { cipherSuites: [suite] },
    );
  });
}

test('the best suite that both have is used', async () => {
  await withSimulatedBmc(async ({ port, transport }) => {
    const target = { address: 'ipmi://x', host: '127.0.0.1', port, credentials: LAB_ADMIN };
    const client = new IpmiClient(target, transport, PATIENT);
    await client.ask({ netFn: NETFN.app, command: 1, data: Buffer.alloc(0) }, within());
    assert.is(client.session?.suite.id, 17);
    await client.close();
  });
});

test('a BMC with no suite that may be used is told so', async () => {
  await withSimulatedBmc(
    async ({ open }) => {
      const error = await fails(open(LAB_ADMIN, { ...PATIENT, cipherSuites: [17] }).power(within()), 'unsupported');
      assert.match(error.message, /accepts no cipher suite 17/);
    },
    { cipherSuites: [3] },
  );
});

test('switching off what is off is no error; resetting it is', async () => {
  await withSimulatedBmc(async ({ open }) => {
    const driver = open();
    await driver.setPower('off', within());
    await driver.setPower('soft', within());
    await fails(driver.setPower('reset', within()), 'unsupported');
  });
});

test('wrong password and unknown user are about credentials, and leave no session behind', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const wrong = await fails(open({ username: 'admin', password: 'not-it-at-all' }).power(within()), 'credentials');
    assert.not.match(wrong.stack ?? '', 'not-it-at-all');
    assert.is(wrong.retryable, false);
    await fails(open({ username: 'nobody', password: 'a-secret' }).power(within()), 'credentials');
    assert.is(bmc.sessions, 0);
  });
});

test('credentials that IPMI cannot carry are refused before anything is sent', async () => {
  await withSimulatedBmc(async ({ open }) => {
    const long = 'x'.repeat(21);
    assert.throws(
      () => open({ username: 'admin', password: long }),
      (error: BmcError) => error.code === 'credentials' && !error.message.includes(long),
    );
  });
});

test('an account without administrator rights is about privilege', async () => {
  await withSimulatedBmc(async ({ open }) => {
    await fails(open(LAB_VIEWER).identify(within()), 'privilege');
  });
});

test('a BMC key is needed where one is set, and told apart from the password', async () => {
  await withSimulatedBmc(
    async ({ open }) => {
      assert.is(await open({ ...LAB_ADMIN, bmcKey: '0x6b6579' }).power(within()), 'Off');
      assert.is(await open({ ...LAB_ADMIN, bmcKey: 'key' }).power(within()), 'Off');
      const error = await fails(open(LAB_ADMIN).power(within()), 'credentials');
      assert.match(error.message, /KG/);
    },
    { bmcKey: Buffer.from('key') },
  );
});

test('no free slot is busy, and a freed one is used', async () => {
  await withSimulatedBmc(
    async ({ open }) => {
      const holder = open();
      await holder.power(within());
      const late = open();
      await fails(late.power(within()), 'busy');
      await holder.close();
      assert.is(await late.power(within()), 'Off');
    },
    { sessionLimit: 1 },
  );
});

test('silence from the start is unreachable', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    bmc.faults = { ...NO_FAULTS, silent: true };
    await fails(open(LAB_ADMIN, IMPATIENT).power(within()), 'unreachable');
  });
});

test('a deadline that ends an operation is unreachable; another abort is passed on as it is', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    bmc.faults = { ...NO_FAULTS, silent: true };
    await fails(open().power(AbortSignal.timeout(20)), 'unreachable');
    const stop = new AbortController();
    const reason = new Error('the caller has gone');
    const power = open().power(stop.signal);
    stop.abort(reason);
    await power.then(
      () => assert.unreachable('it should have been aborted'),
      (error: unknown) => assert.is(error, reason),
    );
  });
});

test('a BMC that rebooted has forgotten the session, and gets another', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const driver = open(LAB_ADMIN, { ...PATIENT, schedule: [200, 200, 200, 400, 800, 1600] });
    assert.is(await driver.power(within()), 'Off');
    bmc.reboot();
    assert.is(bmc.sessions, 0);
    await driver.setPower('on', within());
    assert.is(await driver.power(within()), 'On');
    assert.is(bmc.sessions, 1);
  });
});

test('a session older than the BMC keeps them is not tried again', async () => {
  let now = 0;
  await withSimulatedBmc(
    async ({ bmc, open }) => {
      const driver = open(LAB_ADMIN, { ...PATIENT, now: () => now });
      await driver.power(within());
      now = 61_000;
      await driver.power(within());
      assert.is(bmc.sessions, 1);
    },
    { now: () => now },
  );
});

test('an idle session is kept alive, then given back', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const driver = open(LAB_ADMIN, { ...PATIENT, keepAliveMs: 10, idleMs: 100 });
    await driver.power(within());
    const deadline = Date.now() + 30_000;
    while (bmc.sessions > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.is(bmc.sessions, 0);
    assert.is(await driver.power(within()), 'Off');
  });
});

for (const [name, faults] of Object.entries({
  'lost datagrams': { loss: 0.2 },
  'duplicated answers': { duplication: 0.5 },
  'answers out of order and late': { delay: [0, 150] as const, duplication: 0.3 },
  'damaged answers': { corruption: 0.2 },
})) {
  test(`${name} are survived, and no command is carried out twice`, async () => {
    await withSimulatedBmc(
      async ({ bmc, chassis, open }) => {
        bmc.faults = { ...NO_FAULTS, ...faults };
        // A reset whose answer is lost is waited for as long as all tries of another command take together.
        const driver = open(LAB_ADMIN, { ...PATIENT, schedule: Array.from({ length: 30 }, () => 100) });
        await driver.setPower('on', within());
        let known = 0;
        for (let i = 0; i < 6; i++) {
          await driver.setPower('reset', within()).then(
            () => known++,
            (error: unknown) => assert.is((error as BmcError).code, 'timeout', String(error)),
          );
        }
        assert.is(await driver.power(within()), 'On');
        const resets = chassis.actions.slice(1).length;
        assert.ok(known <= resets && resets <= 6, `${known} known of, ${resets} carried out`);
      },
      { seed: 7 },
    );
  });
}

test('a stuck machine is seen as it is', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    bmc.faults = { ...NO_FAULTS, powerStuck: true };
    const driver = open();
    await driver.setPower('on', within());
    assert.is(await driver.power(within()), 'Off');
  });
});

test('a hard off whose answer is lost is judged by the state: not sent again to a machine that is off', async () => {
  await withSimulatedBmc(async ({ bmc, chassis, open }) => {
    const driver = open(LAB_ADMIN, { ...PATIENT, schedule: [200, 200, 200, 200, 200] });
    await driver.setPower('on', within());
    bmc.faults = { ...NO_FAULTS, powerAnswersLost: true };
    await driver.setPower('off', within());
    assert.equal(chassis.actions, ['on', 'off']);
    chassis.control('on');
    bmc.faults = { ...NO_FAULTS, powerAnswersLost: true, powerStuck: true };
    const before = bmc.requests;
    await fails(driver.setPower('off', within()), 'timeout');
    assert.is(bmc.requests - before, 5, 'proved alive, off, state, proved alive, off');
    assert.is(bmc.sessions, 1);
  });
});

test('what comes from another address is dropped', async () => {
  await withSimulatedBmc(async ({ bmc, port, transport }) => {
    const stranger = createSocket('udp4');
    const endpoint = transport.open({ host: '127.0.0.1', port });
    const before = transport.dropped;
    try {
      const forged = Buffer.from('0600ff07061100000000000000000800'.concat('0000000000000000'), 'hex');
      forged.writeUInt32LE(endpoint.id, 20);
      const reached = await localPort(transport, stranger);
      stranger.send(forged, reached, '127.0.0.1');
      const deadline = Date.now() + 30_000;
      while (transport.dropped === before && Date.now() < deadline) await new Promise((r) => setTimeout(r, 5));
      assert.is(endpoint.heard, false);
      assert.ok(transport.dropped > before);
    } finally {
      stranger.close();
    }
    assert.is(bmc.sessions, 0);
  });
});

/** The port that the transport sends from, learnt by being sent something. */
function localPort(transport: Transport, listener: ReturnType<typeof createSocket>): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('message', (_datagram, from) => resolve(from.port));
    listener.bind(0, '127.0.0.1', () => {
      transport.send({ host: '127.0.0.1', port: listener.address().port }, Buffer.from('hello'), reject);
    });
  });
}

test('many operations at once on one BMC come one after the other', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const driver = open();
    const states = await Promise.all(Array.from({ length: 50 }, () => driver.power(within())));
    assert.equal(new Set(states), new Set(['Off']));
    assert.is(bmc.sessions, 1);
  });
});

test.run();
