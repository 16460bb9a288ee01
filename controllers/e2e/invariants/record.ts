// What the machines themselves remember, held against the operations that were under way: nothing was done twice, nothing
// that nobody had asked for, and no disk went from one instance to the next without having been wiped. Pure.
import { OPERATIONS, type StepName } from '../../../lib/provision/operations/operations.ts';
import type { JournalEntry } from '../../../lib/sim/fleet.ts';
import type { SeenOperation } from './history.ts';

type Entry = JournalEntry & { readonly taskId: string };

/** Work on a disk, as it was finished. */
const isWork = (entry: JournalEntry): entry is Entry =>
  entry.taskId !== undefined && !(entry.what === 'write-image' && entry.detail === 'begun');

const operationOf = ({ taskId }: Entry): string => taskId.split('/', 1)[0]!;

/** What is wrong with the record; empty if nothing is. */
export function audit(
  record: readonly JournalEntry[],
  operations: ReadonlyMap<string, SeenOperation>,
): readonly string[] {
  const work = record.filter(isWork);
  return [
    ...work.flatMap((entry) => unasked(entry, operations.get(operationOf(entry)))),
    ...repeatedTasks(work),
    ...repeatedWrites(work, operations),
    ...repeatedWishes(work, operations),
    ...unwiped(work, operations),
    ...tooManyStarts(record, operations),
  ];
}

/** Work that the operation of its task is not for, or that was done elsewhere. */
function unasked(entry: Entry, operation: SeenOperation | undefined): string[] {
  const told = `${entry.machine}: ${entry.what} for ${entry.taskId}`;
  if (!operation) return [`${told}: no such operation was seen`];
  if (operation.device !== entry.machine) return [`${told}: that is an operation of ${operation.device}`];
  const steps: readonly string[] = OPERATIONS[operation.kind];
  if (!steps.includes(entry.what)) return [`${told}: a ${operation.kind} does no such thing`];
  const isOther = entry.what === 'write-image' && !operation.images.has(entry.sha256 ?? '');
  return isOther ? [`${told}: wrote ${entry.sha256}, wanted ${[...operation.images].join()}`] : [];
}

/** A task is of one boot: whoever does it twice has not heard, or was not heard, and may not act on that. */
function repeatedTasks(work: readonly Entry[]): string[] {
  const tasks = Map.groupBy(work, ({ machine, taskId, what, disk }) => `${machine}: ${what} on ${disk} for ${taskId}`);
  return [...tasks].filter(([, times]) => times.length > 1).map(([task, times]) => `${task}, ${times.length} times`);
}

/** Within one operation an image is written again only in a later round, which begins with a failure that was told. */
function repeatedWrites(work: readonly Entry[], operations: ReadonlyMap<string, SeenOperation>): string[] {
  const writes = Map.groupBy(
    work.filter(({ what }) => what === 'write-image'),
    operationOf,
  );
  return [...writes].flatMap(([id, times]) => {
    const rounds = operations.get(id)?.rounds ?? 1;
    return times.length > rounds ? [`${id} wrote its image ${times.length} times in ${rounds} rounds`] : [];
  });
}

/** What is asked for once is done by one operation. */
function repeatedWishes(work: readonly Entry[], operations: ReadonlyMap<string, SeenOperation>): string[] {
  const done = new Set(work.map(operationOf));
  const wishes = Map.groupBy(
    [...operations.values()].filter(({ id, kind }) => done.has(id) && kind !== 'Collect'),
    ({ kind, instanceUID, request = '', device }) => `${kind} ${request} of ${instanceUID ?? device}`,
  );
  return [...wishes]
    .filter(([, answers]) => answers.length > 1)
    .map(([wish, answers]) => `${wish} was carried out by ${answers.map(({ id }) => id).join(' and ')}`);
}

/** Between the images of two instances a disk is wiped; of an array, each of its disks. */
function unwiped(work: readonly Entry[], operations: ReadonlyMap<string, SeenOperation>): string[] {
  const owner = new Map<string, string | undefined>();
  const faults: string[] = [];
  for (const entry of work) {
    for (const serial of entry.members ?? [entry.disk]) {
      const disk = `${entry.machine}/${serial}`;
      if (entry.what === 'wipe') owner.delete(disk);
      if (entry.what !== 'write-image' && entry.what !== 'configure-raid') continue;
      const uid = operations.get(operationOf(entry))?.instanceUID;
      const before = owner.get(disk);
      if (before !== undefined && before !== uid) faults.push(`${disk}: of ${before}, then of ${uid}, never wiped`);
      owner.set(disk, uid);
    }
  }
  return faults;
}

/** A machine is turned on only for a boot that an operation on record asks for. */
function tooManyStarts(record: readonly JournalEntry[], operations: ReadonlyMap<string, SeenOperation>): string[] {
  const allowed = new Map<string, number>();
  for (const { device, kind, boots, rounds } of operations.values()) {
    const steps: readonly StepName[] = OPERATIONS[kind];
    const starts = boots + (steps.includes('disk-boot') ? rounds : 0);
    allowed.set(device, (allowed.get(device) ?? 0) + starts);
  }
  const starts = Map.groupBy(
    record.filter(({ what, detail }) => what === 'power' && detail !== 'Off'),
    ({ machine }) => machine,
  );
  return [...starts].flatMap(([machine, times]) => {
    const most = allowed.get(machine) ?? 0;
    return times.length > most ? [`${machine} was turned on ${times.length} times, asked for ${most}`] : [];
  });
}
