// What a Device's status keeps of wiping: per disk, how it was last done, so that what became of a disk can be shown later.
import type { WipeRecord } from '../../lib/provision/protocol.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { compact, type Status } from './status.ts';

type Entry = NonNullable<Status['wiped']>[number];

/** As many as the definition allows; disks that were taken out long ago go first. */
const MOST = 64;

/** The status with these wipes noted; each disk is in it once. */
export function withWiped(status: Status, disks: readonly WipeRecord[], operationID: string, now: number): Status {
  const entries = disks.map(({ serialNumber, method, bytes, samplesVerified, unverified }) =>
    compact<Entry>({
      serialNumber,
      method,
      bytes,
      samplesVerified,
      unverified: unverified && [...unverified],
      operationID,
      at: timestamp(now),
    }),
  );
  const again = new Set(disks.map(({ serialNumber }) => serialNumber));
  const kept = (status.wiped ?? []).filter(({ serialNumber }) => !again.has(serialNumber));
  return { ...status, wiped: [...kept, ...entries].slice(-MOST) };
}
