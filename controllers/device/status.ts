// A Device's status as the controller builds it: never changed in place, written once per decision.
import type { Device } from '../../lib/api/generated.ts';
import type { Failure, FailureCode } from '../../lib/provision/operations/failures.ts';
import {
  awaitsNetworkBoot,
  INSTALLS,
  isTask,
  OPERATIONS,
  type OperationKind,
  retryIndex,
  STEPS,
  type StepName,
} from '../../lib/provision/operations/operations.ts';
import { type BackoffPolicy, backoffMs } from '../../lib/runtime/backoff.ts';
import { timestamp } from '../../lib/runtime/clock.ts';

export type Status = NonNullable<Device['status']>;
export type Phase = NonNullable<Status['phase']>;
export type Operation = NonNullable<Status['operation']>;

const HISTORY = 20;
/** After so many rounds an operation gives up: an endless loop of whole operations ends too. */
export const MOST_ROUNDS = 10;

export interface Beginning {
  readonly kind: OperationKind;
  readonly id: string;
  readonly now: number;
  readonly instanceUID?: string;
  readonly request?: string;
  /** The Instance that it is for, `namespace/name`; none: it is for the device's own sake. */
  readonly requestedBy?: string | undefined;
  /** The user who asked for it, where that is known. */
  readonly askedBy?: string | undefined;
}

/** A copy without the keys whose value is undefined: a status is compared and written as JSON. */
export function compact<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

export const kindOf = (operation: Operation): OperationKind => operation.kind as OperationKind;
export const codeOf = (error: { readonly code: string }): FailureCode => error.code as FailureCode;
export const stepOf = (operation: Operation): StepName => operation.step as StepName;

export function inPhase(status: Status, phase: Phase, now: number): Status {
  return status.phase === phase ? status : { ...status, phase, phaseSince: timestamp(now) };
}

function ended(status: Status, result: 'Succeeded' | 'Aborted', now: number, message?: string): Status {
  const { operation, ...rest } = status;
  if (!operation) return status;
  const entry = compact<NonNullable<Status['history']>[number]>({
    id: operation.id,
    kind: operation.kind,
    requestedBy: operation.requestedBy,
    askedBy: operation.askedBy,
    request: operation.request,
    startedAt: operation.startedAt,
    endedAt: timestamp(now),
    result,
    message,
  });
  return { ...rest, history: [...(status.history ?? []), entry].slice(-HISTORY) };
}

/** Puts the operation at the step `index` (from 0), as of now. */
function at(status: Status, operation: Operation, index: number, attempt: number, now: number): Status {
  const kind = kindOf(operation);
  const steps: readonly StepName[] = OPERATIONS[kind];
  const step = steps[index]!;
  const { nextAttemptAt: _, boot, ...rest } = operation;
  const next = compact<Operation>({
    ...rest,
    step,
    index: index + 1,
    total: steps.length,
    attempt,
    percent: Math.round((index / steps.length) * 100),
    stepStartedAt: new Date(now).toISOString(),
    deadline: timestamp(now + STEPS[step].deadlineSeconds * 1000),
    // Another boot has another token, and its agent another session.
    boot: step === 'network-boot' ? { number: (boot?.number ?? 0) + 1 } : boot,
  });
  const makesArrays = step === 'configure-raid' && kind !== 'Reinstall';
  const destroys = step === 'write-image' || makesArrays || (step === 'wipe' && INSTALLS.has(kind));
  if (!destroys) return { ...status, operation: next };
  // From here on nobody may believe that the disk holds what it held.
  const { installed: _gone, ...changed } = status;
  return { ...changed, dirty: true, operation: next };
}

/** Gives up the operation under way, and its error with it. */
export function aborted(status: Status, now: number, message: string): Status {
  const { error: _, ...clear } = ended(status, 'Aborted', now, message);
  return clear;
}

/** Begins an operation; one that is under way is given up for it. */
export function begun(status: Status, beginning: Beginning): Status {
  const { kind, id, now, instanceUID, request, requestedBy, askedBy } = beginning;
  const clear = aborted(status, now, `given up for ${kind}`);
  const operation = compact<Operation>({
    id,
    kind,
    step: OPERATIONS[kind][0],
    index: 1,
    total: OPERATIONS[kind].length,
    attempt: 1,
    round: 1,
    percent: 0,
    startedAt: timestamp(now),
    instanceUID,
    request,
    requestedBy,
    askedBy,
  });
  return at(clear, operation, 0, 1, now);
}

/** What is on the disk now that the seed is written: the Instance's system, which has not been seen to run yet. */
export function withInstalled(
  status: Status,
  { instanceUID, image }: Operation,
  claim: Device['spec']['claimRef'],
  diskSerialNumber: string | undefined,
  now: number,
): Status {
  const installed = compact<NonNullable<Status['installed']>>({
    instanceUID,
    instance: claim && `${claim.namespace}/${claim.name}`,
    image: image?.name,
    imageSHA256: image?.sha256,
    diskSerialNumber,
    at: timestamp(now),
  });
  return { ...status, installed };
}

/** The step under way has been seen done: on to the next one, or the operation has succeeded. */
export function advanced(status: Status, now: number): Status {
  const { operation } = status;
  if (!operation) return status;
  const kind = kindOf(operation);
  const steps: readonly StepName[] = OPERATIONS[kind];
  const failedStep = status.error?.step as StepName | undefined;
  const overcome = failedStep === undefined || steps.indexOf(failedStep) < operation.index;
  const { error, ...clear } = status;
  const next = overcome || error === undefined ? clear : status;
  return operation.index < steps.length ? at(next, operation, operation.index, 1, now) : ended(next, 'Succeeded', now);
}

export interface Retry {
  readonly now: number;
  /** Digest of what the operation goes by. */
  readonly inputs: string;
  readonly backoff: BackoffPolicy;
  readonly random: () => number;
}

function withError(status: Status, failure: Failure, permanent: boolean, code: string, retry: Retry): Status {
  const same = status.error?.code === code;
  return {
    ...status,
    error: compact<NonNullable<Status['error']>>({
      code,
      message: failure.message,
      count: same ? (status.error?.count ?? 0) + 1 : 1,
      since: same ? status.error!.since : timestamp(retry.now),
      step: status.operation?.step,
      cause: code === failure.code ? undefined : failure.code,
      permanent: permanent || undefined,
      inputs: retry.inputs,
    }),
  };
}

/** The step under way has failed: when and where it begins again, or what it waits for. */
export function failed(status: Status, failure: Failure, retry: Retry): Status {
  const { operation } = status;
  if (!operation) return withError(status, failure, failure.permanent, failure.code, retry);
  const index = operation.index - 1;
  const back = retryIndex(kindOf(operation), index);
  const sameStep = back === index;
  const round = (operation.round ?? 1) + (sameStep ? 0 : 1);
  const tries = sameStep ? operation.attempt : round;
  // What only reads the BMC may go on for ever: nothing is worn out by it, and the BMC may come back any day.
  const gaveUp = !sameStep && round > MOST_ROUNDS;
  const permanent = failure.permanent || gaveUp;
  const erred = withError(status, failure, permanent, gaveUp ? 'GaveUp' : failure.code, retry);
  const placed = at({ ...erred }, { ...operation, round }, back, sameStep ? operation.attempt + 1 : 1, retry.now);
  const delay = backoffMs(retry.backoff, tries, retry.random);
  // A step that begins again does so after the pause, and its deadline runs from there.
  return {
    ...placed,
    operation: compact<Operation>({
      ...placed.operation!,
      nextAttemptAt: permanent ? undefined : new Date(retry.now + delay).toISOString(),
      deadline: timestamp(retry.now + delay + STEPS[stepOf(placed.operation!)].deadlineSeconds * 1000),
      stepStartedAt: new Date(retry.now + delay).toISOString(),
    }),
  };
}

/** Forgets the error, and starts the rounds anew where an operation is under way. */
export function reset(status: Status, now: number): Status {
  const { error: _, ...rest } = status;
  const { operation } = status;
  if (!operation) return rest;
  return at(rest, { ...operation, round: 1 }, operation.index - 1, 1, now);
}

/** Tries of an operation after which the deletion of its Device goes on without it. */
const MOST_TRIES = 3;

/** Whether the operation has been tried often enough, or trying again cannot help: by whatever errors, one after the other. */
export function isHopeless({ operation, error }: Status): boolean {
  if (!operation || !error) return false;
  return error.permanent === true || (operation.round ?? 1) - 1 + operation.attempt - 1 >= MOST_TRIES;
}

/** Whether the operation must not be carried on now: until a time in milliseconds, or for ever. */
export function heldUntil(status: Status, inputs: string, now: number): number | undefined {
  const { error, operation } = status;
  if (error?.permanent) return error.inputs === inputs ? Number.POSITIVE_INFINITY : undefined;
  const next = operation?.nextAttemptAt ? Date.parse(operation.nextAttemptAt) : 0;
  return next > now ? next : undefined;
}

/** The status with the percentage of the step counted into that of the operation; the same object when nothing changes. */
export function atPercent(status: Status, stepPercent: number): Status {
  const { operation } = status;
  if (!operation) return status;
  const percent = Math.floor(((operation.index - 1 + stepPercent / 100) / operation.total) * 100);
  return percent === operation.percent ? status : { ...status, operation: { ...operation, percent } };
}

/** Whether a machine that asks for a network boot, or an agent for a session, is waited for. */
export const awaitsAgent = (operation: Operation): boolean => awaitsNetworkBoot(stepOf(operation));

/** Whether the admitted agent has work to do. */
export const worksThroughAgent = (operation: Operation): boolean => isTask(stepOf(operation));

/** Whether the operation is at writing its image, or past it. */
export function writesImage(operation: Operation): boolean {
  const steps: readonly StepName[] = OPERATIONS[kindOf(operation)];
  const writing = steps.indexOf('write-image');
  return writing >= 0 && operation.index > writing;
}
