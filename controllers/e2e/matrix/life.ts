// One machine's life: it goes from operation to operation, and at some of them a fault strikes. Each time it either gets where it
// was to get, or it stops with the right reason and the right retry, and gets there once the fault is gone.
import { setTimeout } from 'node:timers/promises';
import type { Device } from '../../../lib/api/generated.ts';
import { FAILURES, type FailureCode } from '../../../lib/provision/operations/failures.ts';
import { isTask, type OperationKind } from '../../../lib/provision/operations/operations.ts';
import { findCondition } from '../../../lib/runtime/conditions.ts';
import { type Cell, placeOf } from './cells.ts';
import { FAULTS, type Victim } from './faults.ts';
import type { Gate } from './gate.ts';
import { comeTwice, type ImpostorOptions, reportOldResult } from './impostor.ts';
import { route, type Stop, TOUR, type Traveller } from './tour.ts';

export interface Outcome {
  readonly cell: Cell;
  /** False: the operation came to its end without standing at the step, where nothing was left to do. */
  readonly struck: boolean;
  /** By which the product told of it, in order. */
  readonly reasons: readonly string[];
  /** It did not come to its end: nothing else can be asked of the machine. */
  readonly isOver?: boolean;
  /** What must not be; empty if all is well. */
  readonly faults: readonly string[];
}

export interface LifeOptions {
  readonly traveller: Traveller;
  readonly victim: Omit<Victim, 'impersonate'>;
  readonly gate: Gate;
  readonly impostor: ImpostorOptions;
  /** Held until the process, or the server, has been dealt with. */
  readonly hold: (by: 'killed' | 'cut off') => Promise<void>;
  /** Told of every status that the Device shows. Returns how to end it. */
  readonly onDevice: (see: (device: Device) => void) => () => void;
  readonly signal: AbortSignal;
}

const EVERY_MS = 30;

export async function live(cells: ReadonlyMap<OperationKind, Cell>, options: LifeOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const kind of route(new Set(cells.keys()))) {
    const cell = cells.get(kind);
    const stop = TOUR[kind];
    try {
      await stop.prepare?.(options.traveller);
      if (cell) outcomes.push(await strike(cell, stop, options));
      else {
        await stop.ask(options.traveller);
        await options.traveller.until(`${kind} to end`, () => stop.hasEnded(options.traveller));
      }
    } catch (error) {
      const at = cell ?? [...cells.values()].find((one) => !outcomes.some((outcome) => outcome.cell === one))!;
      return [
        ...outcomes,
        { cell: at, struck: false, reasons: [], faults: [`on the way, at ${kind}: ${String(error)}`] },
      ];
    }
    if (outcomes.at(-1)?.isOver) break;
  }
  return outcomes;
}

async function strike(cell: Cell, stop: Stop, options: LifeOptions): Promise<Outcome> {
  const { traveller, gate, signal } = options;
  const fault = FAULTS[cell.fault];
  const faults: string[] = [];
  const reasons: FailureCode[] = [];
  const stopSeeing = options.onDevice((device) => {
    const code = device.status?.error?.code as FailureCode | undefined;
    if (!code) return;
    if (reasons.at(-1) !== code) reasons.push(code);
    faults.push(...toldWrongly(device));
  });
  let isPutIn = false;
  const impostors: Promise<string[]>[] = [];
  const put = () => {
    isPutIn = true;
    return fault.put?.(victimOf(cell, options, impostors));
  };
  const isEarly = fault.by === 'put in' && (fault.before || cell.index === 0);
  if (isEarly) await put();
  else arm(cell, options, put);
  try {
    await stop.ask(traveller);
    await traveller.until(`${cell.kind} to end, or to stop`, () => reasons.length > 0 || stop.hasEnded(traveller));
    if (isPutIn) await fault.lift?.(victimOf(cell, options, impostors));
    await broughtBack(cell, stop, traveller);
    const struck = isEarly || !gate.clear(traveller.name);
    faults.push(...(await Promise.all(impostors)).flat(), ...(stop.misfits?.(traveller) ?? []));
    const others = reasons.filter((reason) => !fault.reasons.includes(reason));
    if (others.length > 0) faults.push(`told as ${others.join(', ')}, not as ${fault.reasons.join(' or ')}`);
    return { cell, struck, reasons, faults: [...new Set(faults)] };
  } catch (error) {
    if (!signal.aborted) throw error;
    const said = String((error as Error).message);
    return { cell, struck: isPutIn, reasons, isOver: true, faults: [...new Set(faults), said] };
  } finally {
    stopSeeing();
  }
}

function arm(cell: Cell, { gate, traveller, hold }: LifeOptions, put: () => void | Promise<void>): void {
  const { by, isOfAgent, moment = 'before the effect' } = FAULTS[cell.fault];
  const step = isOfAgent && cell.step === 'await-agent' ? 'network-boot' : cell.step;
  const sprung = () => {
    if (by !== 'put in') return hold(by);
    return Promise.resolve(put());
  };
  gate.set(traveller.name, { kind: cell.kind, step, moment, sprung });
}

function victimOf(cell: Cell, options: LifeOptions, impostors: Promise<string[]>[]): Victim {
  return {
    ...options.victim,
    impersonate(how) {
      const { steps, index } = placeOf(cell.kind, cell.index);
      const task = steps.slice(index).find(isTask)!;
      const come = how === 'twice' ? comeTwice(options.impostor) : reportOldResult(options.impostor, task);
      impostors.push(come.catch((error: unknown) => [`an impostor failed: ${String(error)}`]));
    },
  };
}

/** A machine that was put aside meanwhile is brought back by a person. */
async function broughtBack(cell: Cell, stop: Stop, traveller: Traveller): Promise<void> {
  const { until, device, patchDevice } = traveller;
  const isPutAside = () => device()?.status?.quarantine !== undefined;
  const hasEnded = () => stop.hasEnded(traveller);
  await until(`${cell.kind} to end after all, or its machine to be put aside`, () => isPutAside() || hasEnded());
  if (isPutAside()) await patchDevice({ requests: { liftQuarantine: cell.kind } });
  await until(`${cell.kind} to end after all`, hasEnded);
}

/** What is wrong with how a failure is told: whether and when it is tried again, in the status and in words. */
function toldWrongly({ metadata, status }: Device): string[] {
  const { error, operation, conditions } = status ?? {};
  if (!error) return [];
  const faults: string[] = [];
  const isPermanent = error.permanent === true;
  const { permanent } = FAILURES[error.code as FailureCode];
  if (permanent !== isPermanent) faults.push(`${error.code} is told as ${isPermanent ? 'permanent' : 'passing'}`);
  if (operation && isPermanent && operation.nextAttemptAt) faults.push(`${error.code} waits, and is tried again`);
  const message = findCondition(conditions, 'Ready')?.message ?? '';
  if (status?.phase === 'Maintenance') return faults;
  if (!message.includes(error.message)) faults.push(`Ready does not say "${error.message}", but "${message}"`);
  if (!/\((?:tried again|not tried again)/.test(message)) faults.push(`"${message}" says nothing of the next try`);
  // What was observed, or what was expected, stands in every one of them; what nobody knows does not.
  if (error.message.trim().length < 20) faults.push(`${metadata.name}: "${error.message}" says too little`);
  if (/undefined|null|NaN|\[object/.test(message)) faults.push(`"${message}" tells what nobody knows`);
  return faults;
}

/** Waits, looking now and then. @throws Error with what was waited for */
export async function waited(
  what: string,
  reached: () => boolean,
  told: () => string,
  signal: AbortSignal,
): Promise<void> {
  while (!reached()) {
    if (signal.aborted) throw new Error(`waited in vain for ${what}: ${told()}`);
    await setTimeout(EVERY_MS);
  }
}
