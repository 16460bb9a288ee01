// Configure RAID: the arrays that volumes are made of.
//
// An array that was made for this very volume is kept: by an earlier try of the operation, or by the one that installed what
// it holds. One that somebody else has made is an error, and so is one that lacks a disk: nothing is written before a person
// has looked. What was made is not believed to be there before it was seen.
import type { ArrayFacts, ArrayOrder } from '../../provision/protocol.ts';
import { AgentError } from '../errors.ts';
import type { RunTask, TaskContext } from './table.ts';

const SECTOR_BYTES = 512;

export const configureRaid: RunTask<'configure-raid'> = async ({ arrays: orders }, context) => {
  const { hardware, progress, signal } = context;
  const present = new Set((await hardware.disks()).map(({ serialNumber }) => serialNumber));
  for (const { name, disks } of orders) {
    const missing = disks.filter((serial) => !present.has(serial));
    if (missing.length > 0) throw new AgentError('DiskMissing', `volume ${name} lacks the disks ${missing.join(', ')}`);
  }
  const before = await hardware.arrays(signal);
  for (const order of orders) refuseForeign(order, before);
  const arrays: ArrayFacts[] = [];
  for (const order of orders) {
    arrays.push(await configured(order, before, context));
    progress((arrays.length / orders.length) * 100);
  }
  return { arrays };
};

function refuseForeign({ id, name, disks }: ArrayOrder, arrays: readonly ArrayFacts[]): void {
  const foreign = arrays.find((array) => array.id !== id && array.disks.some((serial) => disks.includes(serial)));
  if (!foreign) return;
  const shared = foreign.disks.filter((serial) => disks.includes(serial)).join(', ');
  throw new AgentError(
    'ArrayForeign',
    `disk ${shared} of volume ${name} belongs to the ${foreign.level} array ${foreign.id}, which was not made for it; nothing was written`,
  );
}

async function configured(
  order: ArrayOrder,
  before: readonly ArrayFacts[],
  { hardware, signal }: TaskContext,
): Promise<ArrayFacts> {
  const { id, name, keep } = order;
  const found = before.find((array) => array.id === id);
  if (!found && keep) throw new AgentError('ArrayMissing', `the array ${id} of volume ${name} is not there`);
  if (!(found && (keep || (isAsOrdered(found, order) && found.state === 'whole')))) {
    // What an interrupted try has left, and nobody has written to.
    if (found) await hardware.removeArray(id, signal);
    await hardware.createArray(order, signal);
  } else checked(found, order);
  const made = (await hardware.arrays(signal)).find((array) => array.id === id);
  if (made) {
    checked(made, order);
    // Started by being read.
    for await (const _ of hardware.read(id, 0, SECTOR_BYTES, signal)) break;
    const running = (await hardware.arrays(signal)).find((array) => array.id === id);
    if (running && running.sizeBytes > 0) return checked(running, order);
  }
  throw new AgentError(
    'ArrayRefused',
    `the ${order.level} array of volume ${name} is said to be made, and is not there`,
  );
}

const isAsOrdered = ({ level, disks }: ArrayFacts, order: ArrayOrder): boolean =>
  level === order.level && disks.length === order.disks.length && disks.every((serial) => order.disks.includes(serial));

function checked(array: ArrayFacts, order: ArrayOrder): ArrayFacts {
  const { name, level, disks } = order;
  if (array.state !== 'whole') {
    const missing = disks.filter((serial) => !array.disks.includes(serial)).join(', ') || 'none that could be named';
    throw new AgentError('ArrayDegraded', `the array of volume ${name} is ${array.state}; disks missing: ${missing}`);
  }
  if (isAsOrdered(array, order)) return array;
  throw new AgentError(
    'ArrayForeign',
    `the array of volume ${name} is ${array.level} of ${array.disks.join(', ')}, not ${level} of ${disks.join(', ')}`,
  );
}
