// When an operation may end: as long after its beginning as operations of its kind took before. Pure.
import type { Device } from '../../lib/api/generated.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import type { Operation } from './status.ts';

/** Enough to tell, and few enough to look at whenever an operation begins. */
const MOST_LOOKED_AT = 200;

type Entry = NonNullable<NonNullable<Device['status']>['history']>[number];

const tookMs = ({ startedAt, endedAt }: Entry) => Date.parse(endedAt) - Date.parse(startedAt);

function median(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Goes by the Device's own past, else by that of others of its type; undefined where there is none. */
export function expectedEnd(operation: Operation, device: Device, others: Iterable<Device>): string | undefined {
  const past = ({ status }: Device) =>
    (status?.history ?? []).filter(({ kind, result }) => kind === operation.kind && result === 'Succeeded').map(tookMs);
  let durations = past(device);
  if (durations.length === 0) {
    let looked = 0;
    for (const other of others) {
      if (other.spec.deviceType !== device.spec.deviceType) continue;
      durations = [...durations, ...past(other)];
      if (++looked === MOST_LOOKED_AT) break;
    }
  }
  const took = median(durations);
  return took === undefined ? undefined : timestamp(Date.parse(operation.startedAt) + took);
}
