// The Device's BMC: which credentials, what was read from it, and its errors in the operation's terms.
import { createHmac } from 'node:crypto';
import type { Device, Site } from '../../lib/api/generated.ts';
import type { Secret } from '../../lib/api/resources.ts';
import type { BootMode, Credentials, Driver } from '../../lib/bmc/driver.ts';
import { BmcError, type BmcErrorCode } from '../../lib/bmc/errors.ts';
import { Failure, type FailureCode } from '../../lib/provision/operations/failures.ts';
import type { Effect, Media, Reading } from '../../lib/provision/operations/operations.ts';
import type { Status } from './status.ts';

const CODES: Record<BmcErrorCode, FailureCode> = {
  unreachable: 'BMCUnreachable',
  timeout: 'BMCTimeout',
  busy: 'BMCBusy',
  protocol: 'BMCProtocolError',
  unsupported: 'BMCUnsupported',
  credentials: 'BadCredentials',
  privilege: 'InsufficientPrivilege',
};

/** The failure that an error of the driver means; other errors come back as they are. */
export function bmcFailure(error: unknown, secretName: string): unknown {
  if (!(error instanceof BmcError)) return error;
  const hint = error.code === 'credentials' ? `; correct the Secret ${secretName}` : '';
  return new Failure(CODES[error.code], error.message + hint, { cause: error });
}

/** A driver that nothing was asked of yet: what is unsupported then is the address. @throws Failure BadAddress, BmcError */
export function opened(open: () => Driver): Driver {
  try {
    return open();
  } catch (error) {
    if (error instanceof BmcError && error.code === 'unsupported')
      throw new Failure('BadAddress', error.message, { cause: error });
    throw error;
  }
}

/** Name of the Secret with the BMC's credentials: the Device's own, else its Site's. */
export const secretNameOf = (device: Device, site: Site | undefined): string | undefined =>
  device.spec.bmc.credentialsRef?.name ?? site?.spec.bmcCredentialsRef?.name;

/** @throws Failure CredentialsMissing, naming the Secret and the key. */
export function credentialsIn(secret: Secret | undefined, name: string | undefined, namespace: string): Credentials {
  if (!name)
    throw new Failure('CredentialsMissing', 'neither the Device nor its Site names a Secret with BMC credentials');
  if (!secret) throw new Failure('CredentialsMissing', `there is no Secret ${namespace}/${name}`);
  const optional = (key: string) => {
    const value = secret.data?.[key];
    return value ? Buffer.from(value, 'base64').toString() : undefined;
  };
  const read = (key: string) => {
    const value = optional(key);
    if (value === undefined)
      throw new Failure('CredentialsMissing', `the Secret ${namespace}/${name} has no key ${key}`);
    return value;
  };
  const bmcKey = optional('bmcKey');
  return { username: read('username'), password: read('password'), ...(bmcKey !== undefined && { bmcKey }) };
}

/** What tells one login at one address from another: the same for as long as it is the same, whatever wrote its Secret anew. */
export type LoginDigest = (address: string, secret: Secret) => string;

/** Keyed, so that nobody who reads a status can try passwords against it. */
export function loginDigests(key: Uint8Array): LoginDigest {
  const own = createHmac('sha256', key).update('bmp/v1/bmc-login').digest();
  return (address, { data = {} }) =>
    createHmac('sha256', own)
      .update(JSON.stringify([address, data['username'], data['password'], data['bmcKey']]))
      .digest('hex');
}

export interface Readings {
  power?: 'On' | 'Off';
  bmc?: NonNullable<Status['bmc']>;
  bootDevice?: 'pxe' | 'disk' | 'cdrom' | 'other';
  dhcp?: 'served' | 'absent';
  media?: Media;
}

/** Asks the BMC for what is needed, one thing after the other. @throws BmcError */
export async function read(
  driver: Driver,
  needs: readonly Exclude<Reading, 'dhcp' | 'media'>[],
  signal: AbortSignal,
): Promise<Readings> {
  const readings: Readings = {};
  for (const need of needs) {
    switch (need) {
      case 'power':
        readings.power = await driver.power(signal);
        break;
      case 'identity': {
        const { manufacturer, product, firmware, protocol } = await driver.identify(signal);
        const { virtualMedia } = driver.capabilities();
        readings.bmc = { manufacturer, product, firmware, protocol, virtualMedia };
        break;
      }
      case 'bootDevice': {
        const { device } = await driver.bootDevice(signal);
        readings.bootDevice = device === 'pxe' || device === 'disk' || device === 'cdrom' ? device : 'other';
        break;
      }
    }
  }
  return readings;
}

/** @throws BmcError */
export async function carryOut(
  driver: Driver,
  effect: Extract<Effect, { type: 'power' | 'boot-device' }>,
  mode: BootMode,
  signal: AbortSignal,
): Promise<void> {
  if (effect.type === 'power') await driver.setPower(effect.action, signal);
  // The live OS is for once; the disk stays, so that the machine comes back by itself after a power cut.
  else await driver.setBootDevice({ device: effect.device, persistent: effect.device === 'disk', mode }, signal);
}
