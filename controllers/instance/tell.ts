// An Instance's status, told from what its Device shows. Pure: nothing here is remembered, all of it is observed.
import { drainEnd, drainedFor, drainText, placementsLeft } from '../../lib/api/draining.ts';
import type { Device, DeviceInventory, DeviceType, Instance } from '../../lib/api/generated.ts';
import { isDriftLeft } from '../../lib/api/power-drift.ts';
import type { ReasonOf } from '../../lib/api/reasons.ts';
import type { FailureCode } from '../../lib/provision/operations/failures.ts';
import type { OperationKind } from '../../lib/provision/operations/operations.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { type Condition, type ConditionUpdate, setConditions } from '../../lib/runtime/conditions.ts';

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
  ReinstallWiped: 'Reinstalling',
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

/** Its power is not as wanted, and only people are to change that. */
const isDrifted = ({ instance, device }: View) =>
  isDriftLeft(instance, device?.status?.handled, device?.status?.power?.state);

/** Its device failed at it, and is let go for another one. */
const isPutAside = ({ instance, device }: View) =>
  device?.status?.quarantine !== undefined && device.status.quarantine.instanceUID === instance.metadata.uid;

function phaseOf(view: View): Phase {
  const { instance, device } = view;
  if (isLeaving(instance)) return 'Deleting';
  if (!device || isPutAside(view)) return 'Pending';
  const { operation, error, power } = device.status ?? {};
  if (operation) return error?.permanent ? 'Failed' : (PHASES[operation.kind as OperationKind] ?? 'Creating');
  if (!isInstalled(view)) return 'Creating';
  const isOff = isDrifted(view) ? power?.state === 'Off' : instance.spec.power === 'Off';
  if (isOff) return power?.state === 'Off' ? 'Stopped' : 'Stopping';
  return power?.state !== 'Off' && systemOf(view) ? 'Running' : 'Starting';
}

type InstanceReason = ReasonOf<'Instance'>;
type Told = Omit<ConditionUpdate, 'type' | 'observedGeneration'> & { reason: InstanceReason };

const told = (status: 'True' | 'False' | 'Unknown', reason: InstanceReason, message: string): Told => ({
  status,
  reason,
  message,
});
const not = (reason: InstanceReason, message: string) => told('False', reason, message);

const REQUESTS = ['restart', 'reinstall', 'resetPassword', 'resetStatus'] as const;

/** What was asked for, and the Device has not taken up. A machine that is to be off is restarted by its next start. */
function unheard({ instance, device }: View): string | undefined {
  const { handled } = device?.status ?? {};
  if (handled?.instanceUID !== instance.metadata.uid) return undefined;
  const { requests = {}, power } = instance.spec;
  return REQUESTS.filter((name) => name !== 'restart' || power !== 'Off').find(
    (name) => requests[name] && requests[name] !== handled?.[name],
  );
}

/** Its release or its reinstallation waits until its Placements have left. */
const isDraining = ({ instance, device, now }: View): boolean => {
  const reason = drainedFor(instance, device);
  return reason !== undefined && reason !== 'Maintenance' && drainEnd(instance, now) !== undefined;
};

/** Ready: the Instance is as its spec wants it, on or off. */
function readiness(view: View, phase: Phase, drain: Status['drain']): Told {
  const { instance, device } = view;
  const waiting = instance.status?.conditions?.find((condition) => condition.type === 'Scheduled');
  if (!device)
    return not(
      phase,
      phase === 'Pending' ? (waiting?.message ?? 'waiting for a device') : 'no device is held any more',
    );
  const { error, operation, phase: devicePhase } = device.status ?? {};
  const name = device.metadata.name;
  const inMaintenance = devicePhase === 'Maintenance';
  const { quarantine } = device.status ?? {};
  if (quarantine && phase === 'Pending')
    return not('Pending', `device ${name} is put aside (${quarantine.code}), another one is looked for`);
  if (error && !inMaintenance) return not(error.code as FailureCode, `device ${name}: ${error.message}`);
  if (isDraining(view)) return not('Draining', `device ${name}: ${drainText(instance, drain?.of)}`);
  const asked = operation ? undefined : unheard(view);
  if (asked) return not('Requested', `${asked} was asked for and is about to begin`);
  if (!operation && isDrifted(view)) return not('PowerDrifted', driftText(instance, name));
  if (phase === 'Running') return told('True', 'Running', `device ${name} is on and the system has reported in`);
  if (phase === 'Stopped') return told('True', 'Stopped', `device ${name} is off, as wanted`);
  if (inMaintenance) return not('Maintenance', `device ${name} is in maintenance`);
  if (operation)
    return not(
      phase,
      `device ${name}: ${operation.kind} is at step ${operation.index} of ${operation.total}, ${operation.step}`,
    );
  if (devicePhase === 'Removed') {
    return not(
      'DeviceRemoved',
      `device ${name} is out of use, its disks are untouched; delete this instance, or put the device away again`,
    );
  }
  return not(phase, `device ${name} is ${devicePhase ?? 'new'}`);
}

function driftText({ spec }: Instance, device: string): string {
  const [is, wanted, remedy] =
    spec.power === 'Off' ? ['on', 'Off', 'powerDrift Correct turns it off'] : ['off', 'On', 'a restart turns it on'];
  return `device ${device} is ${is}, spec.power is ${wanted}, and spec.powerDrift leaves it so: ${remedy}`;
}

function powered({ device }: View): Told {
  const state = device?.status?.power?.state;
  if (state === 'On') return told('True', 'On', 'the BMC says that the machine is on');
  if (state === 'Off') return told('False', 'Off', 'the BMC says that the machine is off');
  return told('Unknown', 'Unknown', device ? 'the BMC does not answer' : 'there is no device yet');
}

function provisioned(view: View): Told {
  const { installed } = view.device?.status ?? {};
  if (!isInstalled(view)) return told('False', 'NotInstalled', 'nothing is installed yet');
  return told('True', 'Installed', `${installed?.image} on disk ${installed?.diskSerialNumber}`);
}

const networksOf = ({ device }: View) => device?.status?.networks?.map(({ name, address }) => ({ name, address }));

/** Another image is wanted than the one that is installed, or other networks: nothing is done about it before somebody asks. */
function reinstallRequired(view: View): Told | undefined {
  const { instance, device } = view;
  const { installed, operation } = device?.status ?? {};
  const image = isInstalled(view) ? installed?.image : undefined;
  if (image === undefined || operation?.kind === 'Reinstall' || operation?.kind === 'ReinstallWiped') return undefined;
  if (image === instance.spec.image) return networksChanged(view) ?? volumesChanged(view);
  return told(
    'True',
    'ImageChanged',
    `${image} is installed, ${instance.spec.image} is wanted: set spec.requests.reinstall to a new value to install it, losing what is on the system disk`,
  );
}

function networksChanged({ instance, device }: View): Told | undefined {
  const names = (list: readonly { readonly name: string }[] = []) =>
    list
      .map(({ name }) => name)
      .toSorted()
      .join(', ');
  const [has, wants] = [names(device?.status?.networks), names(instance.spec.networks)];
  if (has === wants) return undefined;
  return told(
    'True',
    'NetworksChanged',
    `it has addresses of ${has || 'no network'}, ${wants || 'none'} is wanted: set spec.requests.reinstall to a new value to install it anew, losing what is on the system disk`,
  );
}

type Partitions = readonly { readonly fileSystem: string; readonly mountPoint?: string }[];

/** As far as the Instance says how it wants them; what the type says is for the next installation. */
function volumesChanged({ instance, device }: View): Told | undefined {
  const described = (partitions: Partitions) =>
    partitions.map(({ fileSystem, mountPoint }) => `${fileSystem}${mountPoint ? ` on ${mountPoint}` : ''}`).join(', ');
  for (const { name, raidLevel, partitions } of instance.spec.volumes ?? []) {
    const has = device?.status?.volumes?.find((volume) => volume.name === name);
    if (!has) continue;
    // A RAID controller gives a disk by itself as an array of one.
    const level = (has.disks.length > 1 && has.raidLevel) || 'None';
    const [made, wanted] = [described(has.partitions ?? []), described(partitions ?? [])];
    const changes = [
      raidLevel && raidLevel !== level && `is ${level}, ${raidLevel} is wanted`,
      partitions && made !== wanted && `holds ${made || 'no partitions'}, ${wanted || 'none'} is wanted`,
    ].filter(Boolean);
    if (changes.length === 0) continue;
    return told(
      'True',
      'VolumesChanged',
      `volume ${name} ${changes.join(' and ')}: set spec.reinstallDisks to All and spec.requests.reinstall to a new value to make it anew, losing what is on all disks`,
    );
  }
  return undefined;
}

/** What only a person can mend. */
function stalled(view: View, ready: Told): Told | undefined {
  if (ready.status === 'True') return reinstallRequired(view);
  const { error } = view.device?.status ?? {};
  const needsPerson = ready.reason === 'DeviceRemoved' || (error?.permanent && ready.reason === error.code);
  return needsPerson ? { ...ready, status: 'True' } : undefined;
}

/** How far the Placements have left, while they have to. */
function drainOf({ instance, device, now }: View): Status['drain'] {
  const reason = drainedFor(instance, device);
  const left = placementsLeft(instance).length;
  const before = instance.status?.drain;
  if (!reason || (before?.for !== reason && left === 0)) return undefined;
  if (before?.for !== reason) return { for: reason, of: left, left, since: timestamp(now) };
  return { ...before, left, of: Math.max(before.of, left) };
}

const DRAIN_NEXT = 'they move as hosts have room and their groups can miss them';

/** Whether all Placements have left; told of machines that host VMs, while they have to leave. */
function drained(view: View, drain: Status['drain']): Told | undefined {
  const { instance, device, now } = view;
  const reason = drainedFor(instance, device);
  if (!reason || !(instance.spec.vmHost?.enabled || drain)) return undefined;
  const text = drainText(instance, drain?.of);
  if (placementsLeft(instance).length === 0) return told('True', 'Drained', text);
  if (reason === 'Maintenance') return not('Draining', `${text}; ${DRAIN_NEXT}`);
  if (drainEnd(instance, now) === undefined)
    return not('DrainGivenUp', `${text}; spec.vmHost.drainSeconds is over: nobody waits for them any more`);
  return not('Draining', `${text}; ${DRAIN_NEXT}; set spec.vmHost.drainSeconds to 0 to go on without them`);
}

function conditionsOf(view: View, phase: Phase, drain: Status['drain']): readonly Condition[] {
  const { metadata, spec, status } = view.instance;
  const ready = readiness(view, phase, drain);
  const stall = stalled(view, ready);
  const isBlocked = metadata.deletionTimestamp !== undefined && spec.locked === true;
  const conditions = {
    Ready: ready,
    Reconciling: ready.status === 'True' || stall ? undefined : { ...ready, status: 'True' as const },
    Stalled: stall,
    Provisioned: provisioned(view),
    PoweredOn: powered(view),
    Drained: drained(view, drain),
    ReinstallRequired: reinstallRequired(view),
    DeletionBlocked: isBlocked ? told('True', 'Locked', 'deletion waits until spec.locked is false') : undefined,
  };
  return setConditions(status?.conditions ?? [], conditions, metadata.generation, timestamp(view.now));
}

type Answer = NonNullable<NonNullable<Status['requests']>['restart']>;

function requestsOf({ instance, device, now }: View): Status['requests'] {
  const before = instance.status?.requests ?? {};
  const { handled, operation, error } = device?.status ?? {};
  const mine = handled && handled.instanceUID === instance.metadata.uid ? handled : {};
  const failure = error?.permanent ? `${error.code}: ${error.message}` : undefined;
  const after = { ...before };
  const note = (name: (typeof REQUESTS)[number], value: string, result: Answer['result'], message?: string) => {
    const was = before[name];
    if (was?.value === value && was.result === result && was.message === message) return;
    after[name] = { value, result, ...(message !== undefined && { message }), at: timestamp(now) };
  };
  for (const name of REQUESTS) {
    const value = instance.spec.requests?.[name];
    const was = before[name];
    if (value && mine[name] === value) note(name, value, 'Succeeded');
    // What a person has mended goes on, and is no failure any more.
    else if (value && operation?.request === value) note(name, value, failure ? 'Failed' : 'Running', failure);
    else if (!value && was?.result === 'Running' && operation?.request !== was.value)
      note(name, was.value, 'Failed', 'it was asked for no more');
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
  const networks = isInstalled(view) ? networksOf(view) : undefined;
  const requests = requestsOf(view);
  const capacity = capacityOf(view);
  const drain = drainOf(view);
  return {
    ...(instance.metadata.generation !== undefined && { observedGeneration: instance.metadata.generation }),
    phase,
    phaseSince: before.phase === phase && before.phaseSince ? before.phaseSince : timestamp(now),
    conditions: conditionsOf(view, phase, drain) as NonNullable<Status['conditions']>,
    ...(device && { deviceName: device.metadata.name }),
    ...(system?.addresses && { addresses: system.addresses }),
    ...(networks && { networks }),
    ...(image !== undefined && { image }),
    ...(operation && {
      progress: {
        step: operation.step,
        index: operation.index,
        total: operation.total,
        ...(operation.percent !== undefined && { percent: operation.percent }),
        ...(operation.expectedEnd !== undefined && { expectedEnd: operation.expectedEnd }),
      },
    }),
    ...(capacity && { capacity }),
    ...(drain && { drain }),
    ...(before.allocated && { allocated: before.allocated }),
    ...(requests && { requests }),
  };
}
