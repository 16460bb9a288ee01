// A Device's conditions, told from the rest of its status.
//
// Ready says that the Device is as its spec wants it. Until then one of kstatus' two stands beside it: Reconciling while the
// operator goes on by itself, Stalled when a person has to do something.
import { drainText, placementsLeft } from '../../lib/api/draining.ts';
import type { Device, DeviceInventory } from '../../lib/api/generated.ts';
import { BMC_FAILURES, type ReasonOf } from '../../lib/api/reasons.ts';
import { type ConditionUpdate, setConditions } from '../../lib/runtime/conditions.ts';
import type { Surroundings } from './context.ts';
import type { Claimant } from './plan.ts';
import { codeOf, kindOf, type Status } from './status.ts';

type DeviceReason = ReasonOf<'Device'>;
type Told = Omit<ConditionUpdate, 'type' | 'observedGeneration'> & { reason: DeviceReason };
const yes = (reason: DeviceReason, message: string): Told => ({ status: 'True', reason, message });
const no = (reason: DeviceReason, message: string): Told => ({ status: 'False', reason, message });

const REMOVED =
  'taken out of use with its disks as they are: set spec.putAway to false and to true again to wipe and offer it';

const ADOPTED = 'somebody else runs it: its BMC is read, and it is not touched';

const quarantineText = ({ code, message }: NonNullable<Status['quarantine']>) =>
  `${code}: ${message}; its instance went to another device. Set spec.requests.liftQuarantine when it was mended`;

function reachable({ error, power }: Status): Told {
  if (error && BMC_FAILURES.has(error.code)) return no(codeOf(error), error.message);
  if (power?.state === 'On' || power?.state === 'Off')
    return yes('BMCAnswers', 'the BMC answers, and the account may control the machine');
  return { status: 'Unknown', reason: 'NotYet', message: 'the BMC was not asked yet' };
}

function collected(device: Device, status: Status, inventory: DeviceInventory | undefined): Told {
  if (status.phase === 'Adopted')
    return inventory
      ? yes('Collected', `as the BMC tells, see deviceinventory/${device.metadata.name}`)
      : no('NotYet', 'the BMC was not asked for the hardware yet');
  if (status.phase === 'Registering' || status.phase === 'Collecting') {
    return status.error && status.phase === 'Collecting'
      ? no(codeOf(status.error), status.error.message)
      : no('NotYet', 'the hardware was not collected yet');
  }
  return yes('Collected', `see deviceinventory/${device.metadata.name}`);
}

function putAway(device: Device, status: Status): Told {
  switch (status.phase ?? 'New') {
    case 'Available':
    case 'InUse':
    case 'Cleaning':
      return yes('PutAway', `offered as ${status.deviceType}`);
    case 'PuttingAway':
      return status.error
        ? no(codeOf(status.error), status.error.message)
        : no('PuttingAway', 'being checked against its type');
    case 'Adopted':
      return no('Adopted', ADOPTED);
    case 'Removed':
      return status.quarantine ? no('Quarantined', quarantineText(status.quarantine)) : no('Removed', REMOVED);
    case 'Imported': {
      const missing = !device.spec.deviceType ? 'spec.deviceType' : 'spec.putAway';
      return no('NotAsked', `set ${missing} to offer the device`);
    }
    case 'Maintenance':
    case 'Registering':
    case 'Collecting':
    case 'New':
      return no('NotYet', `the device is ${status.phase ?? 'new'}`);
  }
}

function ready(device: Device, status: Status): Told {
  const { error, operation, phase, quarantine } = status;
  if (phase === 'Maintenance') return yes('Maintenance', device.spec.maintenance?.reason || 'in maintenance');
  if (quarantine && !operation) return no('Quarantined', quarantineText(quarantine));
  if (error) {
    const again = error.permanent
      ? 'not tried again before something changes'
      : operation?.nextAttemptAt
        ? `tried again at ${operation.nextAttemptAt.slice(0, 19)}Z`
        : 'tried again';
    return no(codeOf(error), `${error.message} (${again})`);
  }
  if (operation)
    return no(
      kindOf(operation),
      `${operation.kind} is at step ${operation.index} of ${operation.total}, ${operation.step}`,
    );
  switch (phase ?? 'New') {
    case 'Adopted':
      return yes('Adopted', ADOPTED);
    case 'Imported':
      return yes('Imported', 'known and collected, not offered');
    case 'Available':
      return yes('Available', `can be claimed as ${status.deviceType}`);
    case 'InUse':
      return yes(
        'InUse',
        device.spec.claimRef
          ? `used by instance ${device.spec.claimRef.namespace}/${device.spec.claimRef.name}`
          : 'in use',
      );
    case 'Removed':
      return device.spec.putAway ? no('Removed', REMOVED) : yes('Removed', 'out of use, its disks as they are');
    case 'Registering':
    case 'Collecting':
    case 'PuttingAway':
    case 'Cleaning':
    case 'New':
      return no(phase ?? 'New', `the device is ${phase ?? 'new'}`);
  }
}

/** In maintenance: whether the VMs on it are elsewhere now, so that nobody misses it. */
function drained({ phase }: Status, claimant: Claimant): Told | undefined {
  if (phase !== 'Maintenance' || claimant.type !== 'live') return undefined;
  const { instance } = claimant;
  if (!instance.spec.vmHost?.enabled && !instance.status?.drain) return undefined;
  const { name, namespace } = instance.metadata;
  const message = `instance ${namespace}/${name}: ${drainText(instance)}`;
  return placementsLeft(instance).length === 0 ? yes('Drained', message) : no('Draining', message);
}

/** The status with its conditions brought up to date; times move only with a condition's status. */
export function withConditions(
  device: Device,
  status: Status,
  { claimant, inventory }: Pick<Surroundings, 'claimant' | 'inventory'>,
  now: string,
): Status {
  const observedGeneration = device.metadata.generation;
  const readiness = ready(device, status);
  const unready = readiness.status === 'True' ? undefined : yes(readiness.reason, readiness.message);
  const isStalled = status.error?.permanent || (status.phase === 'Removed' && !status.operation);
  const told = {
    Ready: readiness,
    Reconciling: isStalled ? undefined : unready,
    Stalled: isStalled ? unready : undefined,
    Reachable: reachable(status),
    Collected: collected(device, status, inventory),
    PutAway: putAway(device, status),
    Drained: drained(status, claimant),
    Quarantined: status.quarantine && yes('Quarantined', quarantineText(status.quarantine)),
  };
  const conditions = setConditions(status.conditions ?? [], told, observedGeneration, now);
  return {
    ...status,
    conditions: conditions as NonNullable<Status['conditions']>,
    ...(observedGeneration !== undefined && { observedGeneration }),
  };
}
