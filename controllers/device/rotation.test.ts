// A rotation that dies after each of its effects, again and again, and is carried on by a process that knows nothing.
// test-deadline: 300
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Secret } from '../../lib/api/resources.ts';
import type { Credentials, Driver } from '../../lib/bmc/driver.ts';
import { BmcError } from '../../lib/bmc/errors.ts';
import { NO_FAULTS } from '../../lib/sim/bmc/faults.ts';
import { LAB_ADMIN, type Lab, PATIENT, withSimulatedBmc } from '../../lib/sim/bmc/lab.ts';
import { isRotatedFor, isRotating, NEXT, newPassword, type RotationWorld, rotatePassword } from './rotation.ts';

const within = () => AbortSignal.timeout(60_000);
const encode = (text: string) => Buffer.from(text).toString('base64');
const decode = (text: string) => Buffer.from(text, 'base64').toString();

const SECRET: Secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a-bmc', namespace: 'bmp-system', resourceVersion: '1', annotations: { kept: 'yes' } },
  data: { username: encode(LAB_ADMIN.username), password: encode(LAB_ADMIN.password) },
};

class Crash extends Error {}

type Open = (lab: Lab, credentials: Credentials) => Driver;

const PROTOCOLS: Readonly<Record<string, Open>> = {
  ipmi: (lab, credentials) => lab.open(credentials, PATIENT),
  redfish: (lab, credentials) => lab.openRedfish(credentials),
};

/** A process that dies right after its effect number `last`; what it wrote is in `stored`. */
function mortal(lab: Lab, open: Open, stored: { secret: Secret }, last: number): RotationWorld {
  let effects = 0;
  const effect = async <T>(work: () => Promise<T>): Promise<T> => {
    const result = await work();
    if (++effects === last) throw new Crash(`after effect ${last}`);
    return result;
  };
  const credentials = { ...LAB_ADMIN, password: decode(stored.secret.data!.password!) };
  const driver = open(lab, credentials);
  return {
    credentials,
    newPassword,
    write: (_before, after) => {
      return effect(() => {
        const resourceVersion = String(Number(stored.secret.metadata.resourceVersion) + 1);
        stored.secret = { ...after, metadata: { ...after.metadata, resourceVersion } };
        return Promise.resolve(stored.secret);
      });
    },
    current: () =>
      ({
        setPassword: (...args: Parameters<Driver['setPassword']>) => effect(() => driver.setPassword(...args)),
      }) as Driver,
    prove: (proved) =>
      effect(async () => {
        const other = open(lab, proved);
        await other.identify(within());
        await other.close();
      }),
  };
}

async function opens(lab: Lab, open: Open, password: string): Promise<boolean> {
  const driver = open(lab, { ...LAB_ADMIN, password });
  try {
    await driver.power(within());
    return true;
  } catch (error) {
    assert.is((error as BmcError).code, 'credentials', String(error));
    return false;
  } finally {
    await driver.close();
  }
}

for (const [name, open] of Object.entries(PROTOCOLS)) {
  for (const last of [1, 2, 3, 4]) {
    test(`${name}: a crash after effect ${last} locks nobody out, and the rotation is finished`, async () => {
      await withSimulatedBmc(
        async (lab) => {
          const stored = { secret: SECRET };
          const crashed = rotatePassword(mortal(lab, open, stored, last), SECRET, 'once', within());
          await crashed.then(
            () => assert.unreachable('it should have crashed'),
            (error: unknown) => assert.instance(error, Crash),
          );
          const { password, [NEXT]: next } = stored.secret.data!;
          const known = [password!, ...(next ? [next] : [])].map(decode);
          const opening = await Promise.all(known.map((each) => opens(lab, open, each)));
          assert.ok(opening.includes(true), 'one of the passwords in the Secret opens the BMC');
          if (isRotating(stored.secret)) {
            await rotatePassword(mortal(lab, open, stored, Infinity), stored.secret, 'once', within());
          }
          const { data, metadata } = stored.secret;
          assert.is(await opens(lab, open, decode(data!.password!)), true);
          assert.is(await opens(lab, open, LAB_ADMIN.password), false, 'the old one is worth nothing any more');
          assert.equal(Object.keys(data!).toSorted(), ['password', 'username']);
          assert.is(isRotatedFor(stored.secret, 'once'), true);
          assert.is(metadata.annotations?.kept, 'yes');
        },
        { sessionLimit: 16 },
      );
    });
  }
}

test('a BMC that will not have the new password keeps the old one, and so does the Secret', async () => {
  const stored = { secret: SECRET };
  const refusing = new BmcError('unsupported', 'ipmi://bmc', 'set password: invalid data field in request (0xcc)');
  const world: RotationWorld = {
    credentials: LAB_ADMIN,
    newPassword,
    write: (_before, after) => {
      stored.secret = after;
      return Promise.resolve(after);
    },
    current: () => ({ setPassword: () => Promise.reject(refusing) }) as unknown as Driver,
    prove: () => assert.unreachable('nothing to prove') as never,
  };
  const error = await rotatePassword(world, SECRET, 'once', within()).catch((failure: unknown) => failure);
  assert.is(error, refusing);
  assert.equal(stored.secret.data, SECRET.data);
});

test('a silent BMC leaves both passwords in the Secret, for the next try', async () => {
  await withSimulatedBmc(async (lab) => {
    const stored = { secret: SECRET };
    lab.bmc.faults = { ...NO_FAULTS, silent: true };
    const hasty: Open = (there, credentials) => there.open(credentials, { ...PATIENT, schedule: [20, 20] });
    await rotatePassword(mortal(lab, hasty, stored, Infinity), SECRET, 'once', within()).then(
      () => assert.unreachable('nobody was there'),
      (error: unknown) => assert.is((error as BmcError).retryable, true),
    );
    assert.is(isRotating(stored.secret), true);
    assert.is(stored.secret.data!.password, SECRET.data!.password);
    lab.bmc.faults = NO_FAULTS;
    const secret = await rotatePassword(mortal(lab, hasty, stored, Infinity), stored.secret, 'once', within());
    assert.is(isRotating(secret), false);
  });
});

test('new passwords have every kind of character, and no two are the same', () => {
  const passwords = new Set(Array.from({ length: 500 }, () => newPassword()));
  assert.is(passwords.size, 500);
  for (const password of passwords) assert.match(password, /^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9]{16}$/);
});

test.run();
