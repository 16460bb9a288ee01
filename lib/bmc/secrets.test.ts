// Passwords and keys appear in nothing that may be printed: errors with their causes, drivers, pools and pollers.

import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_FAULTS } from '../sim/bmc/faults.ts';
import { LAB_ADMIN, type Lab, withSimulatedBmc } from '../sim/bmc/lab.ts';
import type { Credentials, Driver } from './driver.ts';
import { openDriver } from './open.ts';
import { FleetPoller } from './poller.ts';
import { BmcPool } from './pool.ts';

const WRONG = 'hunter2-hunter2';
const NEW = 'correct-horse';
const KEY = 'kg-of-this-bmc';
const SECRETS = [LAB_ADMIN.password, WRONG, NEW, KEY];

const within = () => AbortSignal.timeout(60_000);

/** As a log or a crash would show it, and as it would be sent on. */
function printed(value: unknown): string {
  const stack = value instanceof Error ? `${value.stack}${printed(value.cause)}` : '';
  return inspect(value, { depth: 20, showHidden: true, getters: true }) + (JSON.stringify(value) ?? '') + stack;
}

function assertClean(what: string, value: unknown): void {
  const text = printed(value);
  for (const secret of SECRETS) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('hex'),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    ]) {
      assert.not(text.includes(form), `${what} shows a secret`);
    }
  }
}

const openers: Readonly<Record<string, (lab: Lab, credentials: Credentials) => Driver>> = {
  ipmi: (lab, credentials) => lab.open(credentials),
  redfish: (lab, credentials) => lab.openRedfish(credentials),
};

for (const [name, open] of Object.entries(openers)) {
  test(`${name}: every way to fail`, async () => {
    await withSimulatedBmc(async (lab) => {
      const good = open(lab, LAB_ADMIN);
      const wrong = open(lab, { ...LAB_ADMIN, password: WRONG, bmcKey: KEY });
      await good.power(within());
      const failing: [string, () => Promise<unknown>][] = [
        ['a wrong password', () => wrong.identify(within())],
        ['an unknown user', () => open(lab, { username: 'nobody', password: WRONG }).power(within())],
        ['a password for nobody', () => good.setPassword('nobody', NEW, within())],
        ['a password too long', () => good.setPassword('admin', NEW.repeat(3), within())],
      ];
      for (const [what, work] of failing) {
        const error = await work().then(
          () => assert.unreachable(`${what} succeeded`),
          (failure: unknown) => failure,
        );
        assertClean(what, error);
      }
      await good.setPassword('admin', NEW, within());
      lab.bmc.faults = { ...NO_FAULTS, silent: true };
      await good.power(AbortSignal.timeout(50)).then(
        () => assert.unreachable('silence answered'),
        (error: unknown) => assertClean('silence', error),
      );
      assertClean('the driver', good);
      assertClean('the other driver', wrong);
    });
  });
}

test('addresses, pools and pollers', () => {
  const target = { address: 'ipmi://192.0.2.1', credentials: { ...LAB_ADMIN, bmcKey: KEY } };
  const pool = new BmcPool(openDriver);
  pool.driver('a', target);
  assertClean('the pool', pool);
  const poller = new FleetPoller({
    driver: (key, each) => pool.driver(key, each),
    clock: { monotonic: () => 0, after: () => ({ cancel: () => undefined }) },
    periods: { power: 1000 },
    deadlineMs: 1000,
    observed: () => undefined,
    failed: () => undefined,
  });
  poller.watch('a', target);
  assertClean('the poller', poller);
  for (const address of [`ipmi://admin:${WRONG}@host`, `admin:${WRONG}@host`, `redfish://${WRONG}@host:443`]) {
    try {
      openDriver({ ...target, address });
      assert.unreachable('credentials in an address');
    } catch (error) {
      assertClean('an address with credentials', error);
    }
  }
});

test.run();
