// How a disk is wiped, whatever it hangs on: by its own means where it has some, else by writing everywhere, and in either case by looking.
//
// A disk that says that it has erased itself is not believed: samples are read, and where one still holds something the next
// way is gone. Only when the last one has left something has the wipe failed.
import type { WipeMethod, WipeRecord } from '../provision/protocol.ts';
import { AgentError } from './errors.ts';
import type { Percent } from './hardware.ts';

/** A way in which a disk erases itself. */
export interface OwnErasure {
  readonly method: Exclude<WipeMethod, 'overwrite'>;
  /** False where the disk does not know it, or refuses. */
  readonly erase: (progress: Percent, signal: AbortSignal) => Promise<boolean>;
}

export interface WipeableDisk {
  readonly serialNumber: string;
  readonly sizeBytes: number;
  isReadOnly(): Promise<boolean>;
  /** The best first. */
  readonly erasures: readonly OwnErasure[];
  /** Writes zeros from end to end. */
  overwrite(progress: Percent, signal: AbortSignal): Promise<void>;
  /** What the disk itself gives back, and not a cache. */
  read(offset: number, bytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

const SAMPLE_BYTES = 16 * 1024;
/** Anywhere, and where systems have their tables, boot loaders and first files. */
const SAMPLES = { anywhere: 128, atTheBeginning: 128 };
const BEGINNING_BYTES = 1024 ** 3;
/** Share of erasing in the whole; the rest is looking. */
const ERASED_PERCENT = 95;

/**
 * Destroys everything on the disk.
 *
 * @param random from 0 up to 1: which places are looked at
 * @throws AgentError DiskReadOnly, or WipeNotVerified when something is left after all
 */
export async function wipeDisk(
  disk: WipeableDisk,
  random: () => number,
  progress: Percent,
  signal: AbortSignal,
): Promise<WipeRecord> {
  const { serialNumber, sizeBytes: bytes } = disk;
  // It may hold what somebody left there: it is not passed over.
  if (await disk.isReadOnly()) throw new AgentError('DiskReadOnly', `disk ${serialNumber} cannot be written to`);
  const overwriting = {
    method: 'overwrite' as const,
    erase: async (told: Percent) => {
      await disk.overwrite(told, signal);
      return true;
    },
  };
  const unverified: WipeMethod[] = [];
  for (const { method, erase } of [...disk.erasures, overwriting]) {
    const said = await erase((percent) => progress((percent / 100) * ERASED_PERCENT), signal);
    if (!said) continue;
    const samplesVerified = await countEmpty(disk, random, signal);
    if (samplesVerified !== undefined) {
      return { serialNumber, method, bytes, samplesVerified, ...(unverified.length > 0 && { unverified }) };
    }
    unverified.push(method);
  }
  throw new AgentError('WipeNotVerified', `disk ${serialNumber} still holds data after ${unverified.join(', ')}`);
}

/** How many places were read and found empty: both ends, where tables are, and many at random; undefined when one was not. */
async function countEmpty(disk: WipeableDisk, random: () => number, signal: AbortSignal): Promise<number | undefined> {
  const last = Math.max(0, disk.sizeBytes - SAMPLE_BYTES);
  const within = (count: number, end: number) => Array.from({ length: count }, () => Math.floor(random() * (end + 1)));
  const places = [
    0,
    last,
    ...within(SAMPLES.atTheBeginning, Math.min(last, BEGINNING_BYTES)),
    ...within(SAMPLES.anywhere, last),
  ];
  for (const place of places) {
    const bytes = Math.min(SAMPLE_BYTES, disk.sizeBytes - place);
    for await (const chunk of disk.read(place, bytes, signal)) if (!isEmpty(chunk)) return undefined;
  }
  return places.length;
}

const EMPTY = [Buffer.alloc(SAMPLE_BYTES), Buffer.alloc(SAMPLE_BYTES, 0xff)];

/** Erased flash reads as zeros or as ones, by its make (NVM Express, DLFEAT; ACS-4, DRAT). */
const isEmpty = (chunk: Uint8Array): boolean => EMPTY.some((empty) => empty.subarray(0, chunk.length).equals(chunk));
