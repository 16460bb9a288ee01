// What the agent is asked to do at a step, built from the objects that the operation goes by.
import { encrypt } from 'unixcrypt';
import type { Device, Image, Instance } from '../../lib/api/generated.ts';
import { SECRETS } from '../../lib/api/resources.ts';
import { SeedError, seedFiles } from '../../lib/boot/seed.ts';
import { isNotFound } from '../../lib/kube/errors.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import type { Task, TaskKind } from '../../lib/provision/protocol.ts';
import { networkOf } from './addresses.ts';
import type { DeviceDependencies, Surroundings } from './context.ts';
import { taskId } from './desk.ts';
import type { Operation } from './status.ts';
import { systemOrder } from './system-order.ts';
import { arrayOrders, systemDisk, volumeOrders } from './volumes.ts';

type Ref = { readonly name: string } | undefined;

/** A key of a Secret in the Instance's namespace; undefined where the Instance names none. @throws Failure SecretNotFound */
async function secretValue(
  deps: DeviceDependencies,
  instance: Instance,
  ref: Ref,
  key: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!ref) return undefined;
  const { namespace } = instance.metadata;
  const full = `${namespace}/${ref.name}`;
  try {
    const secret = await deps.client.get(SECRETS, { namespace, name: ref.name }, { signal });
    const value = secret.data?.[key];
    if (!value) throw new Failure('SecretNotFound', `the Secret ${full} has no key ${key}`);
    return Buffer.from(value, 'base64').toString();
  } catch (error) {
    if (isNotFound(error)) throw new Failure('SecretNotFound', `there is no Secret ${full}`, { cause: error });
    throw error;
  }
}

/** crypt(5), SHA-512 with a random salt: all that leaves the operator of a password. */
async function passwordHash(
  deps: DeviceDependencies,
  instance: Instance,
  signal: AbortSignal,
): Promise<string | undefined> {
  const password = await secretValue(deps, instance, instance.spec.rootPasswordRef, 'password', signal);
  return password === undefined ? undefined : encrypt(password);
}

const required = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`${what} is not known at a step that needs it`);
  return value;
};

/** @throws Failure ImageNotFound */
export function imageOf(instance: Instance, image: Image | undefined): Image {
  if (image) return image;
  throw new Failure(
    'ImageNotFound',
    `there is no Image ${instance.spec.image}: create it, or correct spec.image of instance ${instance.metadata.namespace}/${instance.metadata.name}`,
  );
}

/** @throws Failure when an object that the task needs is missing or cannot be used. */
export async function buildTask(
  deps: DeviceDependencies,
  kind: TaskKind,
  device: Device,
  operation: Operation,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Task> {
  const id = taskId(operation);
  const { boot } = operation;
  if (kind === 'collect') return { id, kind };
  if (kind === 'wipe') return { id, kind, diskSerialNumbers: boot?.diskSerialNumbers ?? [] };
  const { claimant } = around;
  const instance = required(claimant.type === 'live' ? claimant.instance : undefined, 'the Instance');
  const status = device.status ?? {};
  if (kind === 'configure-raid')
    return { id, kind, arrays: arrayOrders(status, operation, { type: around.type, instance }) };
  const diskSerialNumber = required(systemDisk(status, operation), 'the root disk');
  if (kind === 'prepare-volumes')
    return { id, kind, diskSerialNumber, ...volumeOrders(status, operation, { type: around.type, instance }) };
  const image = imageOf(instance, around.image);
  const user = image.spec.defaultUser ?? 'root';
  switch (kind) {
    case 'write-image': {
      const { sha256, format, compression = 'none' } = image.spec;
      const url = deps.imageUrl(image);
      const system = systemOrder(image, operation);
      return { id, kind, diskSerialNumber, image: { url, sha256, format, compression, ...(system && { system }) } };
    }
    case 'write-seed':
      return { id, kind, diskSerialNumber, files: await seed(deps, device, operation, around, instance, user, signal) };
    case 'set-password': {
      const hash = await passwordHash(deps, instance, signal);
      if (hash === undefined)
        throw new Failure('SecretNotFound', 'spec.rootPasswordRef names no Secret to take the password from');
      return { id, kind, diskSerialNumber, user, passwordHash: hash };
    }
  }
}

async function seed(
  deps: DeviceDependencies,
  device: Device,
  operation: Operation,
  around: Surroundings,
  instance: Instance,
  defaultUser: string,
  signal: AbortSignal,
) {
  const { name, uid } = device.metadata;
  const instanceUID = instance.metadata.uid!;
  const userData = await secretValue(deps, instance, instance.spec.userDataRef, 'userData', signal);
  const hash = await passwordHash(deps, instance, signal);
  const network = networkOf(device, instance, around, device.status?.networks ?? []);
  try {
    return seedFiles({
      instanceUID,
      hostname: instance.spec.hostname ?? instance.metadata.name,
      sshAuthorizedKeys: instance.spec.sshAuthorizedKeys ?? [],
      defaultUser,
      ...(userData !== undefined && { userData }),
      ...(hash !== undefined && { passwordHash: hash }),
      ...(network && { network }),
      report: deps.seedReport({ device: name, deviceUID: uid!, instanceUID, operationId: operation.id }),
    });
  } catch (error) {
    if (error instanceof SeedError) throw new Failure('BadUserData', error.message, { cause: error });
    throw error;
  }
}
