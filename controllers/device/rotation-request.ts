// spec.requests.rotatePassword of a Device: whether it is to be carried out now, and what became of it.
import type { Device } from '../../lib/api/generated.ts';
import { SECRETS, type Secret } from '../../lib/api/resources.ts';
import type { Credentials } from '../../lib/bmc/driver.ts';
import { writeObject } from '../../lib/kube/apply.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { bmcFailure, credentialsIn, secretNameOf } from './bmc-access.ts';
import type { DeviceDependencies, DeviceStores, Surroundings } from './context.ts';
import { deviceRequest } from './plan.ts';
import { isRotatedFor, isRotating, NEXT, newPassword, type RotationWorld, rotatePassword } from './rotation.ts';
import { ownedElsewhere, passwordOwner } from './rotation-owner.ts';
import { compact, type Status } from './status.ts';

type Answer = NonNullable<NonNullable<Status['requests']>['rotatePassword']>;

const SHARED = 'other Devices use the same Secret: give this Device one of its own in spec.bmc.credentialsRef';

export interface RotationDependencies
  extends Pick<DeviceDependencies, 'client' | 'bmcs' | 'clock' | 'namespace' | 'loginDigest'> {
  readonly stores: { readonly [kind in 'devices' | 'sites']: Pick<DeviceStores[kind], 'get' | 'values'> };
  readonly events: Pick<DeviceDependencies['events'], 'event'>;
}

export interface Rotating {
  readonly deps: RotationDependencies;
  readonly device: Device;
  readonly status: Status;
  readonly around: Pick<Surroundings, 'secret' | 'secretName'>;
  /** Digest of the credentials that the Secret holds now. */
  readonly login: string | undefined;
  /** Whether one may be begun: no operation is under way. One that is under way is carried on in any case. */
  readonly atRest: boolean;
}

/** The status after a rotation was carried as far as it goes now; undefined when there is nothing to rotate. */
export async function rotateIfAsked(rotating: Rotating, signal: AbortSignal): Promise<Status | undefined> {
  const { deps, device, status, around, login, atRest } = rotating;
  const { secret } = around;
  const value = deviceRequest(status, 'rotatePassword', device) ?? running(status);
  if (!secret || device.spec.maintenance?.enabled) return undefined;
  if (!isRotating(secret)) {
    if (value === undefined || !atRest) return undefined;
    if (isRotatedFor(secret, value)) return answered(rotating, { value, result: 'Succeeded' });
    if (isShared(rotating)) return answered(rotating, { value, result: 'Refused', message: SHARED });
    // A password that nobody has seen good is not one to begin from.
    if (status.credentials?.good?.digest !== login) return undefined;
    const owner = passwordOwner(await deps.client.get(SECRETS, secret.metadata, { signal }));
    const message = owner && ownedElsewhere(owner, `${deps.namespace}/${secret.metadata.name}`);
    if (message) return answered(rotating, { value, result: 'Refused', message });
  }
  return carriedOn(rotating, secret, value, signal);
}

async function carriedOn(
  rotating: Rotating,
  secret: Secret,
  value: string | undefined,
  signal: AbortSignal,
): Promise<Status> {
  const { deps, device, status, around } = rotating;
  const world = worldOf(rotating, signal);
  try {
    const rotated = await rotatePassword(world, secret, value, signal);
    const known: NonNullable<NonNullable<Status['credentials']>['good']> = {
      name: rotated.metadata.name,
      digest: deps.loginDigest(device.spec.bmc.address, rotated),
    };
    deps.events.event(
      device,
      'Normal',
      'PasswordRotated',
      `the BMC has another password, kept in Secret ${known.name}`,
    );
    const after = { ...status, credentials: { ...status.credentials, tried: known, good: known } };
    return value === undefined ? after : answered({ ...rotating, status: after }, { value, result: 'Succeeded' });
  } catch (cause) {
    const failure = bmcFailure(cause, `${deps.namespace}/${around.secretName}`);
    if (!(failure instanceof Failure)) throw cause;
    // Tried again in the next pass, unless that cannot help.
    const result = failure.permanent ? 'Failed' : 'Running';
    return value === undefined ? status : answered(rotating, { value, result, message: failure.message });
  }
}

/** The request that was begun, and has not ended. */
function running(status: Status): string | undefined {
  const asked = status.requests?.rotatePassword;
  return asked?.result === 'Running' ? asked.value : undefined;
}

function answered({ deps, status }: Rotating, { value, result, message }: Omit<Answer, 'at'>): Status {
  const before = status.requests?.rotatePassword;
  const isSame = before?.value === value && before.result === result && before.message === message;
  const at = isSame ? before.at : timestamp(deps.clock.now());
  return {
    ...status,
    requests: { ...status.requests, rotatePassword: compact<Answer>({ value, result, message, at }) },
  };
}

function isShared({ deps: { stores }, device, around }: Rotating): boolean {
  if (device.spec.bmc.credentialsRef === undefined) return true; // its Site's
  return [...stores.devices.values()].some(
    (other) =>
      other.metadata.uid !== device.metadata.uid &&
      secretNameOf(other, stores.sites.get(other.spec.site)) === around.secretName,
  );
}

function worldOf({ deps, device, around }: Rotating, signal: AbortSignal): RotationWorld {
  const { name } = device.metadata;
  const { address, tls } = device.spec.bmc;
  const target = (credentials: Credentials) => ({ address, credentials, ...(tls && { tls }) });
  const credentials = credentialsIn(around.secret, around.secretName, deps.namespace);
  const apart = `${name} ${NEXT}`; // no Device has such a name
  return {
    credentials,
    newPassword,
    write: (before, after) => writeObject(deps.client, SECRETS, before, after, { signal }),
    current: () => deps.bmcs.driver(name, target(credentials)),
    async prove(proved) {
      try {
        await deps.bmcs.driver(apart, target(proved)).identify(signal);
      } finally {
        await deps.bmcs.forget(apart);
      }
    },
  };
}
