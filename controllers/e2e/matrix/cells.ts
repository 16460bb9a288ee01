// The cells of the matrix: every step of every operation, by the tables of the product, with every fault that can befall it. Pure.
import { isTask, OPERATIONS, type OperationKind, type StepName } from '../../../lib/provision/operations/operations.ts';
import { createRandom } from '../../../lib/testing/random.ts';
import { type BootMethod, FAULTS, type FaultName } from './faults.ts';

export interface Cell {
  readonly kind: OperationKind;
  readonly step: StepName;
  /** From 0. */
  readonly index: number;
  readonly fault: FaultName;
}

/** The step at one place of one operation. */
export interface Place {
  readonly steps: readonly StepName[];
  readonly index: number;
  readonly step: StepName;
  /** Whether an agent is at work there, or about to be. */
  readonly hasAgent: boolean;
  readonly isTask: boolean;
}

export function placeOf(kind: OperationKind, index: number): Place {
  const steps: readonly StepName[] = OPERATIONS[kind];
  const step = steps[index]!;
  return { steps, index, step, isTask: isTask(step), hasAgent: isTask(step) || step === 'await-agent' };
}

export function allCells(): Cell[] {
  return (Object.keys(OPERATIONS) as OperationKind[]).flatMap((kind) =>
    OPERATIONS[kind].flatMap((step: StepName, index: number) =>
      (Object.keys(FAULTS) as FaultName[])
        .filter((fault) => FAULTS[fault].befalls(placeOf(kind, index)))
        .map((fault) => ({ kind, step, index, fault })),
    ),
  );
}

export const cellName = ({ kind, step, fault }: Cell): string => `${kind} at ${step}: ${fault}`;

/** So many of them, the same ones for the same seed. */
export function sample(cells: readonly Cell[], count: number, seed: number): Cell[] {
  const random = createRandom(seed);
  return cells
    .map((cell) => ({ cell, lot: random() }))
    .sort((a, b) => a.lot - b.lot)
    .slice(0, count)
    .map(({ cell }) => cell);
}

/** Steps that have something to do only where disks are put together to volumes. */
const OF_VOLUMES: ReadonlySet<StepName> = new Set<StepName>(['configure-raid', 'prepare-volumes']);

/** Whether the life takes a machine that has volumes. */
export const takesVolumes = (life: Life): boolean => [...life.values()].some(({ step }) => OF_VOLUMES.has(step));

type Life = ReadonlyMap<OperationKind, Cell>;

/** How the life's machine has to boot; undefined: either way. */
export function bootMethodOf(life: Life): BootMethod | undefined {
  return [...life.values()].map(({ fault }) => FAULTS[fault].boots).find((method) => method !== undefined);
}

function hasRoomFor(life: Life, { kind, fault }: Cell): boolean {
  const { boots } = FAULTS[fault];
  return !life.has(kind) && (boots === undefined || boots === (bootMethodOf(life) ?? boots));
}

/** One life for each machine: at most one cell of each operation, one after the other. */
export function lives(cells: readonly Cell[]): Map<OperationKind, Cell>[] {
  const all: Map<OperationKind, Cell>[] = [];
  for (const cell of cells) {
    const life = all.find((one) => hasRoomFor(one, cell));
    if (life) life.set(cell.kind, cell);
    else all.push(new Map([[cell.kind, cell]]));
  }
  return all;
}
