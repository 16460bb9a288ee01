// Which phase a Device is in and which operation it needs: the arrows of the phase table, and nothing else. Pure.
import { askedBy } from '../../lib/api/asked-by.ts';
import { drainEnd } from '../../lib/api/draining.ts';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { isArrival, isDriftLeft, wantedPower } from '../../lib/api/power-drift.ts';
import type { PowerState } from '../../lib/bmc/driver.ts';
import type { OperationKind } from '../../lib/provision/operations/operations.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { type Quarantine, quarantineOf } from './quarantine.ts';
import { aborted, type Beginning, begun, compact, inPhase, isHopeless, kindOf, reset, type Status } from './status.ts';

/** The Instance that the claim names: as it is, gone for sure (asked for, not only missing in a cache), or no claim at all. */
export type Claimant =
  | { readonly type: 'none' }
  | { readonly type: 'gone'; readonly uid: string }
  | { readonly type: 'live'; readonly instance: Instance };

export interface View {
  readonly device: Device;
  readonly claimant: Claimant;
  /** What the BMC said when it was last asked, in this pass or an earlier one. */
  readonly power: PowerState | undefined;
  readonly now: number;
  /** Devices of the same Site that are in quarantine. */
  readonly quarantined?: readonly Quarantine[];
  /** Makes the id of an operation. */
  readonly newId: (kind: OperationKind) => string;
}

const REQUESTS = ['restart', 'reinstall', 'resetPassword', 'resetStatus'] as const;
type Request = (typeof REQUESTS)[number];

function begin(view: View, status: Status, kind: OperationKind, more: Partial<Beginning> = {}): Status {
  const claim = view.device.spec.claimRef;
  const requestedBy = claim && `${claim.namespace}/${claim.name}`;
  // What a person's change to the Instance, or to the Device, leads to; the rest the operator does by itself.
  const asking = view.claimant.type === 'live' ? view.claimant.instance : view.device;
  return begun(status, { ...more, kind, id: view.newId(kind), now: view.now, requestedBy, askedBy: askedBy(asking) });
}

/** The request's value, when it has not been handled yet. */
function pending(status: Status, instance: Instance, request: Request): string | undefined {
  const value = instance.spec.requests?.[request];
  return value && value !== status.handled?.[request] ? value : undefined;
}

/** One that Placements still have to leave is kept up for them. */
const isWanted = (instance: Instance, now: number) =>
  !instance.metadata.deletionTimestamp || instance.spec.locked === true || drainEnd(instance, now) !== undefined;

const POWER_OPERATIONS: ReadonlySet<OperationKind> = new Set(['Start', 'Stop', 'Restart']);

/** The operation that brings the machine nearer to what its Instance wants; undefined: it is there. */
function wanted(
  view: View,
  status: Status,
  instance: Instance,
): (Partial<Beginning> & { kind: OperationKind }) | undefined {
  const instanceUID = instance.metadata.uid!;
  if (status.installed?.instanceUID !== instanceUID) return { kind: 'Create', instanceUID };
  const reinstall = pending(status, instance, 'reinstall');
  if (reinstall && drainEnd(instance, view.now) === undefined) {
    const kind = instance.spec.reinstallDisks === 'All' ? 'ReinstallWiped' : 'Reinstall';
    return { kind, request: reinstall, instanceUID };
  }
  const password = pending(status, instance, 'resetPassword');
  if (password) return { kind: 'ResetPassword', request: password, instanceUID };
  const isLeft = isDriftLeft(instance, status.handled, view.power);
  if (wantedPower(instance) === 'Off')
    return view.power === 'On' && !isLeft ? { kind: 'Stop', instanceUID } : undefined;
  const restart = pending(status, instance, 'restart');
  const { operation } = status;
  const isAnswer = operation && kindOf(operation) === 'Start' && operation.request === restart;
  if (isLeft && !restart) return undefined;
  // A machine that is off is restarted by being started, and is not turned off again for that while it starts.
  if (view.power === 'Off' || (restart && isAnswer))
    return compact({ kind: 'Start' as const, request: restart, instanceUID });
  if (restart) return { kind: 'Restart', request: restart, instanceUID };
  return status.system || view.power === undefined ? undefined : { kind: 'Start', instanceUID };
}

/** What asks for an operation that is done once. */
const ASKED_BY_REQUEST: Partial<Record<OperationKind, Request>> = {
  Reinstall: 'reinstall',
  ReinstallWiped: 'reinstall',
  ResetPassword: 'resetPassword',
  Restart: 'restart',
};

/**
 * An operation that has failed and stands still makes way: for the same asked for anew, so that it is done once for both, and
 * for none when it is asked for no more and has not touched the disks. Undefined: it stays.
 */
function reconsidered(view: View, status: Status, instance: Instance): Status | undefined {
  const { operation, error } = status;
  const name = operation && ASKED_BY_REQUEST[kindOf(operation)];
  if (!name || !error || operation.request === undefined) return undefined;
  const isWaiting = operation.nextAttemptAt !== undefined && Date.parse(operation.nextAttemptAt) > view.now;
  const request = instance.spec.requests?.[name];
  if ((!error.permanent && !isWaiting) || request === operation.request) return undefined;
  const instanceUID = instance.metadata.uid!;
  const isWhole = status.installed?.instanceUID === instanceUID;
  if (request) {
    const want = isWhole ? wanted(view, status, instance) : { kind: kindOf(operation), request, instanceUID };
    return want?.request === request ? begin(view, status, want.kind, want) : undefined;
  }
  if (!isWhole) return undefined;
  // The live OS may still run there.
  if (view.power === 'On' && !status.system && instance.spec.power !== 'Off')
    return begin(view, status, 'Restart', { instanceUID });
  return aborted(status, view.now, 'it was asked for no more');
}

function inUse(view: View, status: Status): Status {
  const { claimant, now } = view;
  if (claimant.type === 'none')
    return status.dirty ? inPhase(status, 'Removed', now) : release(view, status, undefined);
  // A claim whose Instance vanished without having been deleted (a backup restored in part, a finalizer taken off by hand)
  // proves nothing: the disks stay as they are until a person puts the device away again.
  if (claimant.type === 'gone')
    return status.dirty ? keep(status, claimant.uid, now) : release(view, status, claimant.uid);
  const { instance } = claimant;
  const uid = instance.metadata.uid!;
  if (!isWanted(instance, now)) {
    if (instance.spec.releasePolicy === 'Keep' && status.installed) return keep(status, uid, now);
    return release(view, status, uid);
  }
  if (status.handled?.instanceUID !== uid) {
    // What is asked for from the start is what creation does anyway.
    return { ...status, handled: compact({ instanceUID: uid, ...instance.spec.requests }) };
  }
  const resetStatus = pending(status, instance, 'resetStatus');
  if (resetStatus) return { ...reset(status, now), handled: { ...status.handled, resetStatus } };
  const quarantine = quarantineOf(status, view.quarantined ?? [], now);
  // What was written to its disks is wiped when it is mended; seen off, it has nothing of the Instance that others could meet.
  if (quarantine)
    return begin(view, inPhase({ ...status, quarantine }, 'Cleaning', now), 'Release', { instanceUID: uid });
  const instead = reconsidered(view, status, instance);
  if (instead) return instead;
  const want = wanted(view, status, instance);
  if (!want && !status.operation && isArrival(instance, status.handled, view.power))
    return { ...status, handled: { ...status.handled, power: wantedPower(instance) } };
  if (!want) return status;
  return status.operation && !givesWay(kindOf(status.operation), want.kind)
    ? status
    : begin(view, status, want.kind, want);
}

/** Only power operations give way to what is wanted instead; a restart is off for a while, and means to be. */
function givesWay(current: OperationKind, wanted: OperationKind): boolean {
  if (!POWER_OPERATIONS.has(current) || current === wanted) return false;
  return !(current === 'Restart' && wanted === 'Start');
}

/** Gives the machine back: wiped where anything was written to it, in any case seen off. */
function release(view: View, status: Status, uid: string | undefined): Status {
  const cleaning = inPhase(status, 'Cleaning', view.now);
  return begin(view, cleaning, status.dirty ? 'Clean' : 'Release', uid ? { instanceUID: uid } : {});
}

/** Gives up the claim and leaves disks and power as they are. */
function keep(status: Status, uid: string | undefined, now: number): Status {
  const { operation: _, error: _error, ...rest } = status;
  return compact<Status>({ ...inPhase(rest, 'Removed', now), releasedClaimUID: uid });
}

/** The value of a request of the Device itself that has not been handled yet. */
export function deviceRequest(
  status: Status,
  name: keyof NonNullable<Status['requests']>,
  device: Device,
): string | undefined {
  const value = device.spec.requests?.[name];
  return value && value !== status.requests?.[name]?.value ? value : undefined;
}

/** The status with the answer to a request of the Device itself. */
export const answered = (
  status: Status,
  name: 'collect' | 'liftQuarantine' | 'resetStatus',
  value: string,
  result: 'Running' | 'Succeeded',
  now: number,
): Status => {
  const before = status.requests?.[name];
  // What was noted on the way is part of the answer.
  const message = before?.value === value ? before.message : undefined;
  const answer = compact({ value, result, message, at: timestamp(now) });
  return { ...status, requests: { ...status.requests, [name]: answer } };
};

/** Follows one arrow of the phase table: the same object when there is none to take. */
export function arrow(view: View, status: Status): Status {
  const { device, now, claimant } = view;
  const { spec } = device;
  if (spec.maintenance?.enabled) {
    if (status.phase === 'Maintenance') return status;
    return { ...inPhase(status, 'Maintenance', now), phaseBefore: status.phase ?? 'Registering' };
  }
  if (device.metadata.deletionTimestamp && claimant.type === 'none') return removal(view, status);
  const resetStatus = deviceRequest(status, 'resetStatus', device);
  if (resetStatus) return answered(reset(status, now), 'resetStatus', resetStatus, 'Succeeded', now);
  const lift = deviceRequest(status, 'liftQuarantine', device);
  // Not while the claim that it was given up for still stands there: the Instance may come back later, and is not done with then.
  const isBeingReleased = status.quarantine !== undefined && spec.claimRef !== undefined;
  if (lift && !isBeingReleased) return answered(lifted(status), 'liftQuarantine', lift, 'Succeeded', now);
  const collect = deviceRequest(status, 'collect', device);
  const { phase } = status;
  switch (phase ?? 'New') {
    case 'New':
      return begin(view, inPhase(status, 'Registering', now), 'Register');
    case 'Maintenance': {
      const { phaseBefore = 'Registering', ...rest } = status;
      return inPhase(rest, phaseBefore as NonNullable<Status['phase']>, now);
    }
    case 'Registering':
      if (status.operation) return status;
      // A restored backup has no status, but says that somebody has the machine: it is not booted to look at it.
      if (claimant.type !== 'none') return inPhase({ ...status, dirty: true }, 'Removed', now);
      if (spec.adopted) return inPhase(status, 'Adopted', now);
      return begin(view, inPhase(status, 'Collecting', now), 'Collect');
    case 'Adopted':
      // Given to the operator: what is on its disks is not its own, and stays until a person offers it.
      return spec.adopted ? status : inPhase({ ...status, dirty: true }, 'Removed', now);
    case 'Collecting': {
      if (status.operation) return status;
      const asked = status.requests?.collect;
      const imported = inPhase(status, 'Imported', now);
      return asked?.result === 'Running' ? answered(imported, 'collect', asked.value, 'Succeeded', now) : imported;
    }
    case 'Imported':
      if (collect) return collecting(view, status, collect);
      if (spec.putAway && spec.deviceType) return begin(view, inPhase(status, 'PuttingAway', now), 'PutAway');
      return status;
    case 'PuttingAway':
      if (!spec.putAway || collect) return inPhase(withoutOperation(status), 'Imported', now);
      return status.operation ? status : inPhase({ ...status, deviceType: spec.deviceType! }, 'Available', now);
    case 'Available':
      if (spec.claimRef && spec.claimRef.uid !== status.releasedClaimUID) return inPhase(status, 'InUse', now);
      if (spec.claimRef) return status;
      if (!spec.putAway || collect) return inPhase(status, 'Imported', now);
      // Turned on by somebody, or of another type now: it is not offered before it was checked and seen off again.
      return view.power === 'On' || spec.deviceType !== status.deviceType
        ? begin(view, inPhase(status, 'PuttingAway', now), 'PutAway')
        : status;
    case 'InUse':
      return inUse(view, status);
    case 'Cleaning':
      if (!status.operation) return inPhase(status, status.quarantine ? 'Removed' : 'Available', now);
      // Nobody will have it any more: where it cannot be cleaned, whoever had it is let go, and its disks stay as they are.
      return device.metadata.deletionTimestamp && isHopeless(status) ? keep(status, spec.claimRef?.uid, now) : status;
    case 'Removed':
      if (status.quarantine) return status;
      if (spec.claimRef && spec.claimRef.uid !== status.releasedClaimUID) return status;
      if (!spec.putAway) return status.takenDown ? status : { ...status, takenDown: true };
      return status.takenDown ? begin(view, inPhase(status, 'Cleaning', now), 'Clean') : status;
  }
}

const HANDS_OFF: ReadonlySet<Status['phase']> = new Set([undefined, 'Registering', 'Adopted', 'Removed'] as const);

/** A machine that nobody has is left off, unless it is one that the operator keeps its hands off. */
function removal(view: View, status: Status): Status {
  const handsOff = HANDS_OFF.has(status.phase);
  if (handsOff || (status.operation && kindOf(status.operation) === 'Remove')) return status;
  return view.power === 'Off' && !status.operation ? status : begin(view, status, 'Remove');
}

/** It may be put away again, which wipes it first. */
function lifted(status: Status): Status {
  const { quarantine, releasedClaimUID: _, ...rest } = status;
  return quarantine ? { ...rest, takenDown: true } : status;
}

function collecting(view: View, status: Status, value: string): Status {
  const asked = answered(inPhase(status, 'Collecting', view.now), 'collect', value, 'Running', view.now);
  return begin(view, asked, 'Collect');
}

function withoutOperation(status: Status): Status {
  const { operation: _, error: _error, ...rest } = status;
  return rest;
}

/** Follows the arrows as far as they lead: the same object when the Device stays as it is. */
export function plan(view: View): Status {
  let status = view.device.status ?? {};
  // Each arrow is followed at most once in a pass; the bound only keeps a mistake in the table from looping.
  for (let steps = 0; steps < 12; steps++) {
    const next = arrow(view, status);
    if (next === status) return status;
    status = next;
  }
  throw new Error(`the phases of Device ${view.device.metadata.name} lead in a circle at ${status.phase}`);
}

/** What the end of an operation means for the rest of the status. */
export function concluded(
  status: Status,
  ended: { kind: OperationKind; instanceUID?: string; request?: string },
): Status {
  const { kind, instanceUID, request } = ended;
  switch (kind) {
    case 'Clean':
    case 'Release': {
      const {
        installed: _,
        system: _system,
        networks: _given,
        handled: _handled,
        dirty,
        takenDown: _taken,
        ...rest
      } = status;
      return compact<Status>({
        ...rest,
        dirty: kind === 'Clean' ? undefined : dirty,
        releasedClaimUID: instanceUID ?? rest.releasedClaimUID,
      });
    }
    case 'Reinstall':
    case 'ReinstallWiped':
      return { ...status, handled: { ...status.handled, reinstall: request! } };
    case 'ResetPassword':
      return { ...status, handled: { ...status.handled, resetPassword: request! } };
    case 'Restart':
    case 'Start':
      return request ? { ...status, handled: { ...status.handled, restart: request } } : status;
    case 'Register':
    case 'Collect':
    case 'PutAway':
    case 'Create':
    case 'Stop':
    case 'Remove':
      return status;
  }
}
