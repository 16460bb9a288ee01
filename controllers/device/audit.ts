// What was done to a Device, for whom and how it ended, as one record per operation for a log of its own. Pure.
//
// An operation is told when it has ended, and when it has stopped for good. Events and the status say the same, but forget.
import type { Device } from '../../lib/api/generated.ts';
import type { Operation, Status } from './status.ts';

/** One line of the audit log. */
export interface AuditRecord {
  /** RFC 3339. */
  readonly time: string;
  readonly device: string;
  readonly operation: string;
  readonly kind: string;
  /** The Instance that it was for, namespace/name. */
  readonly instance?: string;
  /** The value of the request that asked for it. */
  readonly request?: string;
  /** The user, where the change that asked for it told. */
  readonly askedBy?: string;
  readonly startedAt: string;
  readonly result: 'Succeeded' | 'Aborted' | 'Stopped';
  /** Of Stopped: what failed. */
  readonly code?: string;
  readonly message?: string;
}

const said = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value });

type Told = Pick<Operation, 'id' | 'kind' | 'requestedBy' | 'request' | 'askedBy' | 'startedAt'>;

/** What is told of an operation however it came out. */
function whatItWas(device: Device, { id, kind, requestedBy, request, askedBy, startedAt }: Told) {
  return {
    device: device.metadata.name,
    operation: id,
    kind,
    ...said('instance', requestedBy),
    ...said('request', request),
    ...said('askedBy', askedBy),
    startedAt,
  };
}

/** What has ended or stopped between two statuses. */
export function auditRecords(device: Device, before: Status, after: Status, now: string): AuditRecord[] {
  const known = new Set((before.history ?? []).map(({ id }) => id));
  const ended = (after.history ?? [])
    .filter(({ id }) => !known.has(id))
    .map((entry): AuditRecord => {
      const { endedAt, result, message } = entry;
      return { time: endedAt, ...whatItWas(device, entry), result, ...said('message', message) };
    });
  const { operation, error } = after;
  const hasStopped = error?.permanent && !(before.error?.permanent && before.error.code === error.code);
  if (!operation || !hasStopped) return ended;
  const { code, message } = error;
  return [...ended, { time: now, ...whatItWas(device, operation), result: 'Stopped', code, message }];
}
