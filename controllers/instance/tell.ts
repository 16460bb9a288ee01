// An Instance's status, told from what its Device shows. Pure: nothing here is remembered, all of it is observed.
import type { Device, DeviceInventory, DeviceType, Instance } from '../../lib/api/generated.ts';
import type { OperationKind } from '../../lib/provision/operations/operations.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { type Condition, type ConditionUpdate, removeCondition, setCondition } from '../../lib/runtime/conditions.ts';

export type Status = NonNullable<Instance['status']>;
export type Phase = NonNullable<Status['phase']>;

export interface View {
  readonly instance: Instance;
  /** The one that names this Instance in its claim. */
  readonly device: Device | undefined;
  readonly type: DeviceType | undefined;
  readonly inventory: DeviceInventory | undefined;
  readonly now: number;
}

const PHASES: Partial<Record<OperationKind, Phase>> = {
  Create: 'Creating',
  Reinstall: 'Reinstalling',
  ResetPassword: 'ResettingPassword',
  Start: 'Starting',
  Stop: 'Stopping',
  Restart: 'Restarting',
  Clean: 'Deleting',
  Release: 'Deleting',
};

const isLeaving = ({ metadata, spec }: Instance) => metadata.deletionTimestamp !== undefined && spec.locked !== true;

/** What is on the device is this Instance's, not something of an earlier one. */
const isInstalled = ({ instance, device }: View) => device?.status?.installed?.instanceUID === instance.metadata.uid;

const systemOf = ({ instance, device }: View) => {
  const system = device?.status?.system;
  return system?.instanceUID === instance.metadata.uid ? system : undefined;
};

function phaseOf(view: View): Phase {
  const { instance, device } = view;
  if (isLeaving(instance)) return 'Deleting';
  if (!device) return 'Pending';
  const { operation, error, power } = device.status ?? {};
  if (operation) return error?.permanent ? 'Failed' : (PHASES[operation.kind as OperationKind] ?? 'Creating');
  if (!isInstalled(view)) return 'Creating';
  if (power?.state === 'Off') return instance.spec.power === 'Off' ? 'Stopped' : 'Starting';
  return systemOf(view) ? 'Running' : 'Starting';
}

type Told = Omit<ConditionUpdate, 'observedGeneration'>;

const told = (type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string): Told => ({
  type,
  status,
  reason,
  message,
});

function readiness(view: View, phase: Phase): Told {
  const { instance, device } = view;
  const not = (reason: string, message: string) => told('Ready', 'False', reason, message);
  const waiting = instance.status?.conditions?.find((condition) => condition.type === 'Scheduled');
  if (!device)
    return not(
      phase,
      phase === 'Pending' ? (waiting?.message ?? 'waiting for a device') : 'no device is held any more',
    );
  const { error, operation } = device.status ?? {};
  const name = device.metadata.name;
  if (error) return not(error.code, `device ${name}: ${error.message}`);
  if (phase === 'Running')
    return told('Ready', 'True', 'Running', `device ${name} is on and the system has reported in`);
  if (operation)
    return not(
      phase,
      `device ${name}: ${operation.kind} is at step ${operation.index} of ${operation.total}, ${operation.step}`,
    );
  if (device.status?.phase === 'Maintenance') return not('Maintenance', `device ${name} is in maintenance`);
  if (device.status?.phase === 'Removed') {
    return not(
      'DeviceRemoved',
      `device ${name} is out of use, its disks are untouched; delete this instance, or put the device away again`,
    );
  }
  return not(
    phase,
    phase === 'Stopped' ? `device ${name} is off, as wanted` : `device ${name} is ${device.status?.phase ?? 'new'}`,
  );
}

function powered({ device }: View): Told {
  const state = device?.status?.power?.state;
  if (state === 'On') return told('PoweredOn', 'True', 'On', 'the BMC says that the machine is on');
  if (state === 'Off') return told('PoweredOn', 'False', 'Off', 'the BMC says that the machine is off');
  return told('PoweredOn', 'Unknown', 'Unknown', device ? 'the BMC does not answer' : 'there is no device yet');
}

function provisioned(view: View): Told {
  const { installed } = view.device?.status ?? {};
  if (!isInstalled(view)) return told('Provisioned', 'False', 'NotInstalled', 'nothing is installed yet');
  return told('Provisioned', 'True', 'Installed', `${installed?.image} on disk ${installed?.diskSerialNumber}`);
}

function conditionsOf(view: View, phase: Phase): readonly Condition[] {
  const { instance, device } = view;
  const updates = [readiness(view, phase), provisioned(view), powered(view)];
  const image = isInstalled(view) ? device?.status?.installed?.image : undefined;
  const another =
    image !== undefined && image !== instance.spec.image && device?.status?.operation?.kind !== 'Reinstall';
  if (another) {
    updates.push(
      told(
        'ReinstallRequired',
        'True',
        'ImageChanged',
        `${image} is installed, ${instance.spec.image} is wanted: set spec.requests.reinstall to a new value to install it, losing what is on the system disk`,
      ),
    );
  }
  const blocked = instance.metadata.deletionTimestamp !== undefined && instance.spec.locked === true;
  if (blocked) updates.push(told('DeletionBlocked', 'True', 'Locked', 'deletion waits until spec.locked is false'));
  let conditions: readonly Condition[] = instance.status?.conditions ?? [];
  if (!another) conditions = removeCondition(conditions, 'ReinstallRequired');
  if (!blocked) conditions = removeCondition(conditions, 'DeletionBlocked');
  const observedGeneration = instance.metadata.generation;
  const now = timestamp(view.now);
  return updates.reduce((list, update) => setCondition(list, { ...update, observedGeneration }, now), conditions);
}

const REQUESTS = ['restart', 'reinstall', 'resetPassword', 'resetStatus'] as const;

function requestsOf({ instance, device, now }: View): Status['requests'] {
  const before = instance.status?.requests ?? {};
  const { handled, operation } = device?.status ?? {};
  const mine = handled && handled.instanceUID === instance.metadata.uid ? handled : {};
  const after = { ...before };
  for (const name of REQUESTS) {
    const wanted = instance.spec.requests?.[name];
    if (!wanted) continue;
    const result = mine[name] === wanted ? 'Succeeded' : operation?.request === wanted ? 'Running' : undefined;
    if (!result || (before[name]?.value === wanted && before[name].result === result)) continue;
    after[name] = { value: wanted, result, at: timestamp(now) };
  }
  return Object.keys(after).length > 0 ? after : undefined;
}

/** What the machine has for Placements: as its type says, else as it was collected. */
function capacityOf({ instance, type, inventory, device }: View): Status['capacity'] {
  if (!instance.spec.vmHost?.enabled || !device) return undefined;
  const cpu = type?.spec.vmHost?.cpu ?? inventory?.spec.cpu?.threads;
  const memory = type?.spec.vmHost?.memory ?? inventory?.spec.memory?.total;
  return cpu === undefined || memory === undefined ? undefined : { cpu: String(cpu), memory: String(memory) };
}

/** The whole status but for what the scheduler writes: `allocated`, and the condition Scheduled. */
export function tell(view: View): Status {
  const { instance, device, now } = view;
  const before = instance.status ?? {};
  const phase = phaseOf(view);
  const { operation } = device?.status ?? {};
  const system = systemOf(view);
  const image = isInstalled(view) ? device?.status?.installed?.image : undefined;
  const requests = requestsOf(view);
  const capacity = capacityOf(view);
  return {
    ...(instance.metadata.generation !== undefined && { observedGeneration: instance.metadata.generation }),
    phase,
    phaseSince: before.phase === phase && before.phaseSince ? before.phaseSince : timestamp(now),
    conditions: conditionsOf(view, phase) as NonNullable<Status['conditions']>,
    ...(device && { deviceName: device.metadata.name }),
    ...(system?.addresses && { addresses: system.addresses }),
    ...(image !== undefined && { image }),
    ...(operation && {
      progress: {
        step: operation.step,
        index: operation.index,
        total: operation.total,
        ...(operation.percent !== undefined && { percent: operation.percent }),
      },
    }),
    ...(capacity && { capacity }),
    ...(before.allocated && { allocated: before.allocated }),
    ...(requests && { requests }),
  };
}
