// A simulated array: which chunk of it is on which of its disks. Parity is not kept: no disk of it is ever missed while it is read.
import type { ArrayFacts, DiskFacts } from '../../provision/protocol.ts';
import { type ArrayLevel, dataDisks } from '../../provision/volumes/raid.ts';
import { type ArrayRecord, CHUNK_BYTES, type FleetStore } from '../store.ts';
import { type Layout, SimulatedDisk } from './disk.ts';

/** What an array keeps at the end of each disk for itself. */
const METADATA_BYTES = 1024 * 1024;

/** Which disks hold the data of a chunk, of so many, and at which position. */
function places(level: ArrayLevel, count: number, chunk: number): { disks: readonly number[]; position: number } {
  if (level === 'RAID1') return { disks: Array.from({ length: count }, (_, at) => at), position: chunk };
  const width = dataDisks(level, count);
  const [position, at] = [Math.floor(chunk / width), chunk % width];
  if (level === 'RAID10') return { disks: [2 * at, 2 * at + 1], position };
  // Parity, where there is any, takes turns from stripe to stripe.
  return { disks: [(at + position) % count], position };
}

function layout({ level, disks }: ArrayRecord): Layout {
  return {
    disks,
    places(chunk) {
      const { disks: indices, position } = places(level, disks.length, chunk);
      return indices.map((index) => ({ serialNumber: disks[index]!, position }));
    },
  };
}

/** @param members its disks that are there */
export function arrayFacts({ id, controller, level, disks }: ArrayRecord, members: readonly DiskFacts[]): ArrayFacts {
  const smallest = Math.min(...members.map(({ sizeBytes }) => sizeBytes)) - METADATA_BYTES;
  const perDisk = Math.floor(smallest / CHUNK_BYTES) * CHUNK_BYTES;
  const lost = disks.length - members.length;
  const state = lost === 0 ? 'whole' : level === 'RAID0' || lost > 1 ? 'failed' : 'degraded';
  const there = members.map(({ serialNumber }) => serialNumber);
  const sizeBytes = perDisk * dataDisks(level, disks.length);
  return { id, ...(controller !== undefined && { controller }), level, disks: there, sizeBytes, state };
}

export function openArray(record: ArrayRecord, facts: ArrayFacts, store: FleetStore): SimulatedDisk {
  return new SimulatedDisk({ serialNumber: record.id, sizeBytes: facts.sizeBytes }, store, layout(record));
}
