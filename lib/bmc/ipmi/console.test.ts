// The serial console over LAN, against the simulated BMC.
// test-deadline: 300
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_FAULTS } from '../../sim/bmc/faults.ts';
import { PATIENT, withSimulatedBmc } from '../../sim/bmc/lab.ts';
import { BmcError } from '../errors.ts';

const within = () => AbortSignal.timeout(60_000);

/** Reads until so many bytes have come. */
async function read(stream: Duplex, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    pieces.push(piece as Buffer);
    if (Buffer.concat(pieces).length >= length) break;
  }
  return Buffer.concat(pieces);
}

const ended = (stream: Duplex) =>
  new Promise<Error | undefined>((resolve) => {
    let failure: Error | undefined;
    stream.once('error', (error) => (failure = error));
    stream.once('close', () => resolve(failure));
  });

for (const [name, faults] of Object.entries({
  'a good network': {},
  'a lossy one that repeats itself': { loss: 0.1, duplication: 0.3, delay: [0, 20] as const },
})) {
  test(`what is typed arrives once and in order, and so does what is printed; over ${name}`, async () => {
    await withSimulatedBmc(
      async ({ bmc, open }) => {
        const ipmi = { ...PATIENT, schedule: Array.from({ length: 200 }, () => 50) };
        const console = await open(undefined, ipmi).console(within());
        bmc.faults = { ...NO_FAULTS, ...faults };
        const typed = randomBytes(2000);
        console.write(typed);
        assert.equal(await read(console, typed.length), typed);
        bmc.faults = NO_FAULTS;
        const closed = ended(console);
        console.destroy();
        assert.is(await closed, undefined);
        assert.is(bmc.sessions, 0, 'its session ends with it');
      },
      { seed: 11 },
    );
  });
}

test('power is read while the console is open', async () => {
  await withSimulatedBmc(async ({ chassis, bmc, open }) => {
    const driver = open();
    const console = await driver.console(within());
    chassis.serial.print(Buffer.from('login: '));
    assert.is((await read(console, 7)).toString(), 'login: ');
    assert.is(await driver.power(within()), 'Off');
    assert.is(bmc.sessions, 2);
    const closed = ended(console);
    console.destroy();
    await closed;
  });
});

test('a console that somebody has is busy', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const first = await open().console(within());
    const error = await open()
      .console(within())
      .then(
        () => assert.unreachable('two consoles'),
        (failure: unknown) => failure,
      );
    assert.instance(error, BmcError);
    assert.is((error as BmcError).code, 'busy');
    assert.is(bmc.sessions, 1, 'the refused one leaves no session');
    const closed = ended(first);
    first.destroy();
    await closed;
  });
});

test('a console that the BMC forgot ends with an error, although nobody types', async () => {
  await withSimulatedBmc(async ({ bmc, open }) => {
    const ipmi = { ...PATIENT, keepAliveMs: 100, schedule: [100, 100, 200, 400, 800, 1600, 3200] };
    const console = await open(undefined, ipmi).console(within());
    const closed = ended(console);
    bmc.reboot();
    const error = await closed;
    assert.instance(error, BmcError);
    assert.is((error as BmcError).code, 'timeout');
  });
});

test.run();
