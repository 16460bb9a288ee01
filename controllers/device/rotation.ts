// Gives a BMC's account another password, so that a crash at any moment locks nobody out.
//
// Flow: the new password is written into the Secret beside the old one; set on the BMC; proved by logging in with it; made the
// Secret's password, and only then is the old one forgotten. Each effect may be repeated, and whoever comes after a crash
// finds in the Secret that a rotation is under way, and at the BMC how far it got.
// Guarantees: at every moment one of the passwords in the Secret opens the BMC. A password that nobody has proved is never the only one.
import { randomInt } from 'node:crypto';
import type { Secret } from '../../lib/api/resources.ts';
import type { Credentials, Driver } from '../../lib/bmc/driver.ts';
import { BmcError } from '../../lib/bmc/errors.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';

/** Key of the Secret that holds the new password while it is not yet proved. */
export const NEXT = 'password.next';
/** The request that the Secret's password came from, so that a request is handled once although its answer was never written. */
export const ROTATED = 'bmp.dev/rotated-password';

/** What BMCs of IPMI 1.5 still take (§22.30), from letters and digits that no BMC refuses: 95 bits. */
const LENGTH = 16;
const KINDS = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz', '0123456789'] as const;

/** Some BMCs insist on each kind of character. */
export function newPassword(below: (limit: number) => number = randomInt): string {
  const from = KINDS.join('');
  for (;;) {
    const password = Array.from({ length: LENGTH }, () => from[below(from.length)]!);
    if (KINDS.every((kind) => password.some((character) => kind.includes(character)))) return password.join('');
  }
}

export interface RotationWorld {
  readonly credentials: Credentials;
  readonly newPassword: () => string;
  /** Writes the Secret, if it is still as it was read. Gives it as it then is. */
  write(before: Secret, after: Secret): Promise<Secret>;
  /** The driver that everybody uses. */
  current(): Driver;
  /** Logs in with other credentials, in a session of its own that ends with this. */
  prove(credentials: Credentials): Promise<void>;
}

const decoded = (secret: Secret, key: string): string | undefined => {
  const value = secret.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
};

export const isRotating = (secret: Secret | undefined): boolean => secret?.data?.[NEXT] !== undefined;

/** Whether the Secret's password is the one that this request has brought about. */
export const isRotatedFor = (secret: Secret | undefined, value: string): boolean =>
  secret?.metadata.annotations?.[ROTATED] === value;

const withData = (secret: Secret, change: Readonly<Record<string, string | undefined>>): Secret => {
  const data = Object.entries({ ...secret.data, ...change }).filter(([, value]) => value !== undefined);
  return { ...secret, data: Object.fromEntries(data) as Record<string, string> };
};

const isRefused = (error: unknown) => error instanceof BmcError && error.code === 'credentials';

/**
 * Begins a rotation, or carries on with the one that the Secret tells of. Gives the Secret with the new password. Rejects with a
 * BmcError when the BMC does not play along (then call again), with a Failure when no password of the Secret is accepted.
 */
export async function rotatePassword(
  world: RotationWorld,
  secret: Secret,
  request: string | undefined,
  signal: AbortSignal,
): Promise<Secret> {
  const begun = isRotating(secret) ? secret : await world.write(secret, withNext(secret, world.newPassword()));
  const { username } = world.credentials;
  const password = decoded(begun, NEXT)!;
  const refusal = await setUnlessSet(world, username, password, signal);
  if (refusal !== undefined && refusal.code !== 'credentials') {
    // The BMC will not have it, and has the old one for sure.
    await world.write(begun, withData(begun, { [NEXT]: undefined }));
    throw refusal;
  }
  try {
    await world.prove({ ...world.credentials, password });
  } catch (error) {
    if (!isRefused(error) || refusal === undefined) throw error;
    throw new Failure('BadCredentials', `the BMC accepts neither password nor ${NEXT} of the Secret`, { cause: error });
  }
  const promoted = withData(begun, { password: begun.data![NEXT], [NEXT]: undefined });
  const annotations = { ...begun.metadata.annotations, ...(request !== undefined && { [ROTATED]: request }) };
  return world.write(begun, { ...promoted, metadata: { ...promoted.metadata, annotations } });
}

const withNext = (secret: Secret, password: string): Secret =>
  withData(secret, { [NEXT]: Buffer.from(password).toString('base64') });

/** Undefined once set; the refusal of a BMC that has it already (it does not know the old one any more), or cannot have it. */
async function setUnlessSet(
  world: RotationWorld,
  username: string,
  password: string,
  signal: AbortSignal,
): Promise<BmcError | undefined> {
  try {
    await world.current().setPassword(username, password, signal);
    return undefined;
  } catch (error) {
    if (error instanceof BmcError && !error.retryable) return error;
    throw error;
  }
}
