// Devices that fail again and again at creating an Instance: they are put aside, and the Instance goes to another one. Pure.
//
// Only failures that are the machine's own count, and only where nothing of the Instance ever ran there. When several
// machines of a Site fail alike, it is hardly the machines: then nobody is put aside, and the error stands as it is.
import type { Device } from '../../lib/api/generated.ts';
import type { FailureCode } from '../../lib/provision/operations/failures.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { compact, kindOf, type Status } from './status.ts';

export type Quarantine = NonNullable<Status['quarantine']>;

/** What another machine may do better. A cause of GaveUp stands for it. */
const OWN_FAULTS: ReadonlySet<string> = new Set<FailureCode>([
  'PowerStuck',
  'BootTimeout',
  'AgentLost',
  'StepTimeout',
  'IdentityMismatch',
  'RootDiskNotFound',
  'RootDiskAmbiguous',
  'DiskMissing',
  'DiskFailed',
  'DiskReadOnly',
  'ReadBackMismatch',
  'ArrayForeign',
  'ArrayDegraded',
  'ArrayRefused',
]);

/** So many of one Site at most that failed in the same way. */
const MOST_ALIKE = 3;

/** Why the Device is to be put aside now; undefined: it is not. */
export function quarantineOf(
  { operation, error }: Status,
  others: readonly Quarantine[],
  now: number,
): Quarantine | undefined {
  if (!operation || kindOf(operation) !== 'Create' || !error?.permanent) return undefined;
  const code = error.cause ?? error.code;
  if (!OWN_FAULTS.has(code) || others.filter((other) => other.code === code).length >= MOST_ALIKE) return undefined;
  return compact<Quarantine>({
    code,
    message: error.message,
    since: timestamp(now),
    operationID: operation.id,
    instanceUID: operation.instanceUID,
  });
}

/** Of the other Devices of the same Site. */
export function quarantinedBeside(device: Device, all: Iterable<Device>): Quarantine[] {
  const found: Quarantine[] = [];
  for (const { metadata, spec, status } of all)
    if (status?.quarantine && spec.site === device.spec.site && metadata.name !== device.metadata.name)
      found.push(status.quarantine);
  return found;
}
