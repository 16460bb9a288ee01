// Every reason that can stand in a condition or an event: what it means, what to do, and where it appears.
//
// By kind, because a word may mean another thing on another kind. What follows from the tables of operations, failures and
// phases is taken from them. Whoever writes a condition or an event takes the type, so that a reason that is not in here does
// not compile; docs/reasons.md is generated from here (`npm run docs`).
import { FAILURES, type FailureCode } from '../provision/operations/failures.ts';
import { OPERATIONS, type OperationKind } from '../provision/operations/operations.ts';
import type { Device, Instance } from './generated.ts';

/** A condition's type, or `event`. What stands on Ready may stand on Reconciling and Stalled too, which repeat it. */
export type Place =
  | 'Ready'
  | 'Reachable'
  | 'Collected'
  | 'PutAway'
  | 'Healthy'
  | 'Quarantined'
  | 'Scheduled'
  | 'Provisioned'
  | 'PoweredOn'
  | 'ReinstallRequired'
  | 'DeletionBlocked'
  | 'Drained'
  | 'Synced'
  | 'event';

/**
 * - `no`: nothing is wrong, or nothing is being tried
 * - `itself`: tried again without anybody's doing, later each time
 * - `change`: waits until something that it goes by changes, or until a person asks
 */
export type Retry = 'no' | 'itself' | 'change';

export interface Meaning {
  readonly on: readonly Place[];
  readonly meaning: string;
  /** What a person does about it; empty: nothing. */
  readonly remedy: string;
  readonly retry: Retry;
}

type DevicePhase = NonNullable<NonNullable<Device['status']>['phase']>;
type InstancePhase = NonNullable<NonNullable<Instance['status']>['phase']>;
type OperationEvent = `${OperationKind}${'Started' | 'Succeeded' | 'Aborted'}`;

/** Failures that say that the BMC itself cannot be worked with: the condition Reachable tells them. */
export const BMC_FAILURES: ReadonlySet<string> = new Set<FailureCode>([
  'BMCUnreachable',
  'BMCTimeout',
  'BMCBusy',
  'BMCProtocolError',
  'BadCredentials',
  'InsufficientPrivilege',
  'CredentialsMissing',
  'BadAddress',
]);

const good = (on: readonly Place[], meaning: string): Meaning => ({ on, meaning, remedy: '', retry: 'no' });
const waits = (on: readonly Place[], meaning: string, remedy: string): Meaning => ({
  on,
  meaning,
  remedy,
  retry: 'change',
});
const retried = (on: readonly Place[], meaning: string, remedy = ''): Meaning => ({
  on,
  meaning,
  remedy,
  retry: 'itself',
});

const DEVICE_PHASES: Record<DevicePhase, Meaning> = {
  Registering: good(['Ready', 'event'], 'Its BMC is reached for the first time.'),
  Adopted: good(['Ready', 'PutAway', 'event'], 'Somebody else runs it: it is read, and not touched.'),
  Collecting: good(['Ready', 'event'], 'The live OS reports its hardware.'),
  Imported: good(['Ready', 'event'], 'Known and collected, and not offered.'),
  PuttingAway: good(['Ready', 'PutAway', 'event'], 'It is checked against its type.'),
  Available: good(['Ready', 'event'], 'Off, clean, and can be claimed.'),
  InUse: good(['Ready', 'event'], 'An Instance has it.'),
  Cleaning: good(['Ready', 'event'], 'It is wiped, or seen off, before it is offered again.'),
  Removed: waits(
    ['Ready', 'PutAway', 'event'],
    'Out of use, its disks as they are.',
    'To offer it again: set spec.putAway to false, then to true; it is wiped first.',
  ),
  Maintenance: good(['Ready', 'event'], 'Hands off: no power, no boot, no wipe.'),
};

const DEVICE_ONLY = {
  New: good(['Ready'], 'It was not looked at yet.'),
  BMCAnswers: good(['Reachable'], 'The BMC answers, and the account may control the machine.'),
  Collected: good(['Collected'], 'Its hardware is in the DeviceInventory of the same name.'),
  NotYet: good(['Reachable', 'Collected', 'PutAway'], 'The Device has not come so far yet.'),
  NotAsked: waits(['PutAway'], 'It is not asked to be offered.', 'Set spec.deviceType and spec.putAway.'),
  Quarantined: waits(
    ['Ready', 'PutAway', 'Quarantined', 'event'],
    'It failed at an Instance again and again, which went to another Device. It is not offered.',
    'Mend the machine, then ask for liftQuarantine; it is wiped before it is offered.',
  ),
  SensorsGood: good(['Healthy'], 'No sensor reports a problem.'),
  SensorsWarning: retried(['Healthy'], 'Sensors warn.', 'Look at the machine.'),
  SensorsCritical: retried(['Healthy'], 'Sensors are critical.', 'Look at the machine, soon.'),
  HardwareChanged: waits(
    ['event'],
    'The hardware is not what was collected before; the message says what is different.',
    'Nothing, where somebody meant it. Else look at the machine.',
  ),
  HardwareEvent: good(['event'], "An entry of the BMC's event log says that something is wrong."),
  HardwareEvents: good(['event'], 'There are more such entries than are told one by one.'),
  PasswordRotated: good(['event'], 'The BMC has another password, kept in the Secret.'),
  Draining: retried(
    ['Drained'],
    'In maintenance, and VMs are still on it; the message names them.',
    'Wait, or make room for them on other hosts.',
  ),
  Drained: good(['Drained'], 'In maintenance, and no VM is on it any more.'),
  Released: good(['event'], 'The scheduler has taken the claim off.'),
  RemovedUncleaned: good(['event'], 'The Device is being deleted, and was given up although it could not be cleaned.'),
  RemovedWithoutPowerOff: good(['event'], 'The Device was deleted although its machine was not seen off.'),
} as const satisfies Record<string, Meaning>;

const INSTANCE_PHASES: Record<InstancePhase, Meaning> = {
  Pending: retried(['Ready', 'event'], 'It has no device yet.', 'Look at the condition Scheduled.'),
  Creating: good(['Ready', 'event'], 'Its image is being installed.'),
  Running: good(['Ready', 'event'], 'The BMC says on, and the system has reported in.'),
  Starting: good(['Ready', 'event'], 'It is being turned on, or its system has not reported in yet.'),
  Stopping: good(['Ready', 'event'], 'It is being turned off.'),
  Stopped: good(['Ready', 'event'], 'Off, as wanted.'),
  Restarting: good(['Ready', 'event'], 'It is turned off and on again.'),
  Reinstalling: good(['Ready', 'event'], 'Its image is being installed anew.'),
  ResettingPassword: good(['Ready', 'event'], 'The password is written to its disk.'),
  Deleting: good(['Ready', 'event'], 'Its device is given back: wiped first, unless it is to be kept.'),
  Failed: waits(
    ['Ready', 'event'],
    'An operation has failed, and trying again cannot help.',
    'Look at the condition Ready.',
  ),
};

const INSTANCE_ONLY = {
  PowerDrifted: waits(
    ['Ready', 'event'],
    'Its machine was turned on or off by somebody else, and spec.powerDrift is Report.',
    'Ask for a restart to turn it on; set spec.powerDrift to Correct, or spec.power to what it is now.',
  ),
  Requested: good(['Ready'], 'Something was asked for, and is about to begin.'),
  Maintenance: waits(['Ready'], 'Its device is in maintenance.', 'Wait until the maintenance ends.'),
  DeviceRemoved: waits(
    ['Ready'],
    'Its device is out of use, the disks untouched.',
    'Delete the Instance, or put the device away again, which wipes it.',
  ),
  NotInstalled: good(['Provisioned'], 'Nothing is installed yet.'),
  Installed: good(['Provisioned'], 'The image is on the disk.'),
  On: good(['PoweredOn'], 'The BMC says that the machine is on.'),
  Off: good(['PoweredOn'], 'The BMC says that the machine is off.'),
  Unknown: retried(['PoweredOn'], 'There is no device yet, or its BMC does not answer.'),
  ImageChanged: waits(
    ['ReinstallRequired', 'Ready'],
    'Another image is wanted than the one that is installed.',
    'Set spec.requests.reinstall to a new value: what is on the system disk is lost.',
  ),
  NetworksChanged: waits(
    ['ReinstallRequired', 'Ready'],
    'It has addresses of other networks than are wanted.',
    'Set spec.requests.reinstall to a new value: what is on the system disk is lost.',
  ),
  VolumesChanged: waits(
    ['ReinstallRequired', 'Ready'],
    'Its volumes are made otherwise than is wanted.',
    'Set spec.reinstallDisks to All and spec.requests.reinstall to a new value: what is on its disks is lost.',
  ),
  Draining: retried(
    ['Drained', 'Ready'],
    'Its Placements leave for other hosts before its machine is wiped, installed anew or worked on; the message names those left.',
    'Make room for them on other hosts, or set spec.vmHost.drainSeconds to 0 to go on without them.',
  ),
  Drained: good(['Drained'], 'No Placement is left on it.'),
  DrainGivenUp: good(['Drained'], 'spec.vmHost.drainSeconds is over: what is left is not waited for.'),
  Locked: waits(['DeletionBlocked'], 'It is locked, and shall be deleted.', 'Set spec.locked to false.'),
  Claimed: good(['Scheduled'], 'It has a device.'),
  Unschedulable: retried(['Scheduled'], 'No device fits; the message counts why.', 'Free or add a device.'),
  QuotaExceeded: retried(['Scheduled'], "The namespace's quota is used up.", 'Delete something, or raise the quota.'),
  Scheduled: good(['event'], 'A device was found.'),
  FailedScheduling: retried(['event'], 'No device was found; the message says why.', 'As of the condition Scheduled.'),
} as const satisfies Record<string, Meaning>;

const PLACEMENT = {
  Bound: good(['Ready', 'Scheduled'], 'It has a place on a host.'),
  Reserved: good(['Ready', 'Scheduled'], 'It holds room on a host, for whoever takes it up.'),
  Redeemed: good(['Ready', 'Scheduled', 'event'], 'Its room was given to the Placement of status.redeemedBy.'),
  ReservationPending: retried(
    ['Ready', 'Scheduled'],
    'It waits for the room of its reservation; the message says why.',
    'Look at the reservation.',
  ),
  ReservationTaken: waits(
    ['Ready', 'Scheduled'],
    'Another Placement took its reservation up.',
    'Make another one, from another reservation.',
  ),
  Unschedulable: retried(['Ready', 'Scheduled'], 'No host fits; the message counts why.', 'Free or add a host.'),
  QuotaExceeded: retried(
    ['Ready', 'Scheduled'],
    "The namespace's quota is used up.",
    'Delete something, or raise the quota.',
  ),
  ProfileNotFound: retried(
    ['Ready', 'Scheduled'],
    'The scheduler has no profile of that name.',
    'Name another one, or add it.',
  ),
  GangIncomplete: retried(['Ready', 'Scheduled'], 'Others of its gang found no place, so it gave up its own.'),
  NoPlace: retried(['Ready', 'Scheduled'], 'It found no place, and gave its part of the quota to others.'),
  HostGone: retried(['Ready', 'Scheduled', 'event'], 'The host that it had is gone.'),
  Preempted: retried(['Ready', 'Scheduled', 'event'], 'A higher priority took its place.'),
  Draining: retried(
    ['Ready', 'Scheduled', 'event'],
    'Its host is given back, installed anew or worked on: it moves to another.',
  ),
  Moving: retried(['Ready', 'Scheduled', 'event'], 'It was asked to move to another host, and is on its way.'),
  Scheduled: good(['event'], 'A host was found.'),
  FailedScheduling: retried(['event'], 'No host was found; the message says why.', 'As of the condition Scheduled.'),
} as const satisfies Record<string, Meaning>;

const HOST = {
  NodeReady: good(['Ready'], 'The node is ready.'),
  NodeNotReady: retried(['Ready'], 'The node is not ready: it gets nothing new.', 'Look at the node.'),
  Listed: good(['Ready', 'Synced'], 'Its source lists it.'),
  NotListed: retried(['Ready'], 'Its source lists it no longer; what it has stays.', 'Look at the source.'),
  SourceSilent: retried(['Synced'], 'The source says nothing that makes sense: what was known last goes on.'),
} as const satisfies Record<string, Meaning>;

const CAPACITY_QUOTA = {
  Counting: good(['Ready'], 'Claims are held to it.'),
  Unreadable: waits(['Ready'], 'A quantity in it cannot be read.', 'Correct it; until then nothing is held to it.'),
} as const satisfies Record<string, Meaning>;

const LEASE = {
  ConfigurationTaken: good(['event'], "The scheduler's configuration is in force."),
  ConfigurationRefused: waits(
    ['event'],
    "The scheduler's configuration is wrong: what was good before goes on.",
    'Correct the file.',
  ),
} as const satisfies Record<string, Meaning>;

const SITE = {
  BootNetworkRefused: waits(
    ['event'],
    "The operator's DHCP server cannot serve the networks that machines of the Site boot from.",
    'Correct spec.networks of the Site.',
  ),
} as const satisfies Record<string, Meaning>;

export interface ReasonsByKind {
  Device: DevicePhase | FailureCode | OperationKind | OperationEvent | keyof typeof DEVICE_ONLY;
  Instance: InstancePhase | FailureCode | keyof typeof INSTANCE_ONLY;
  Placement: keyof typeof PLACEMENT;
  Host: keyof typeof HOST;
  CapacityQuota: keyof typeof CAPACITY_QUOTA;
  Lease: keyof typeof LEASE;
  Site: keyof typeof SITE;
}

/** The reasons of one kind. */
export type ReasonOf<K extends keyof ReasonsByKind> = ReasonsByKind[K];

/** Those of all kinds: what conditions and events are written with. */
export type Reason = ReasonsByKind[keyof ReasonsByKind];

const kinds = Object.keys(OPERATIONS) as OperationKind[];
const codes = Object.keys(FAILURES) as FailureCode[];

const failures = (placesOf: (code: FailureCode) => readonly Place[]): Record<string, Meaning> =>
  Object.fromEntries(
    codes.map((code) => {
      const { permanent, meaning, remedy } = FAILURES[code];
      return [code, { on: placesOf(code), meaning, remedy, retry: permanent ? 'change' : 'itself' }];
    }),
  );

const operations: Record<string, Meaning> = Object.fromEntries(
  kinds.flatMap((kind) => [
    [kind, good(['Ready'], `The operation ${kind} is under way: ${OPERATIONS[kind].join(', ')}.`)],
    [`${kind}Started`, good(['event'], `The operation ${kind} began.`)],
    [`${kind}Succeeded`, good(['event'], `The operation ${kind} has come to its end.`)],
    [`${kind}Aborted`, good(['event'], `The operation ${kind} was given up for another one.`)],
  ]),
);

const device: Record<string, Meaning> = {
  ...DEVICE_PHASES,
  ...DEVICE_ONLY,
  ...failures((code) => [
    'Ready',
    ...(BMC_FAILURES.has(code) ? (['Reachable'] as const) : []),
    'Collected',
    'PutAway',
    'event',
  ]),
  ...operations,
  PutAway: good(
    ['PutAway', 'Ready'],
    `It was checked against its type. On Ready: that is under way, ${OPERATIONS.PutAway.join(', ')}.`,
  ),
};

/** Everything there is to say, by kind and reason. */
export const REASONS: Readonly<Record<keyof ReasonsByKind, Readonly<Record<string, Meaning>>>> = {
  Device: device,
  Instance: {
    ...failures((code) => (code === 'ImageNotFound' ? ['Ready', 'Scheduled'] : ['Ready'])),
    ...INSTANCE_PHASES,
    ...INSTANCE_ONLY,
  },
  Placement: PLACEMENT,
  Host: HOST,
  CapacityQuota: CAPACITY_QUOTA,
  Lease: LEASE,
  Site: SITE,
};

const ownMeaning = (kind: keyof ReasonsByKind, reason: string): Meaning | undefined =>
  Object.hasOwn(REASONS[kind], reason) ? REASONS[kind][reason] : undefined;

/** Whether the table says that the reason may stand there: in a condition of that type, or in an event. */
export function mayStand(kind: string, reason: string, place: string): boolean {
  const meaning = Object.hasOwn(REASONS, kind) ? ownMeaning(kind as keyof ReasonsByKind, reason) : undefined;
  const said = place === 'Reconciling' || place === 'Stalled' ? 'Ready' : place;
  return meaning !== undefined && (meaning.on as readonly string[]).includes(said);
}
