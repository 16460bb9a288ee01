// A task and its Placement: what a request body becomes, and what a Placement says as a result. Pure.
//
// The bodies are those of virtflow-scheduler's API, so that its clients work unchanged: cpu in cores, memory in MiB.
import { createHash } from 'node:crypto';
import type { Placement } from '../api/generated.ts';
import { API_VERSION } from '../api/resources.ts';
import { invalid } from './problem.ts';

/** The body of `POST /schedule`. */
export interface ScheduleRequest {
  /** Cores, in steps of 0.001. */
  readonly requested_cpu: number;
  /** MiB. */
  readonly requested_memory: number;
  readonly requested_pool: string;
  readonly dedicated: boolean;
}

/** The body of `GET /result/{task_id}`. */
export type TaskResult =
  | { readonly status: 'completed'; readonly result: { readonly name: string; readonly ip: string } }
  | { readonly status: 'processing' }
  | { readonly status: 'failed'; readonly error: string; readonly reason?: string };

export const MOST_CORES = 1_000_000;
export const MOST_MIB = 2 ** 32;
export const POOL_PATTERN = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';
export const TASK_PATTERN = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
const FIELDS = ['requested_cpu', 'requested_memory', 'requested_pool', 'dedicated'];

/** Reads a body after JSON. @throws Problem naming the field, what was expected and what was seen */
export function readRequest(body: unknown): ScheduleRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('body', 'a JSON object', body);
  const fields = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(unknown, `only ${FIELDS.join(', ')}`, fields[unknown]);
  const { requested_cpu: cpu, requested_memory: memory, requested_pool: pool, dedicated = false } = fields;
  if (typeof cpu !== 'number' || !(cpu >= 0.001 && cpu <= MOST_CORES) || !isInThousandths(cpu)) {
    throw invalid('requested_cpu', `a number of cores from 0.001 to ${MOST_CORES}, in steps of 0.001`, cpu);
  }
  if (typeof memory !== 'number' || !Number.isInteger(memory) || memory < 1 || memory > MOST_MIB) {
    throw invalid('requested_memory', `a whole number of MiB from 1 to ${MOST_MIB}`, memory);
  }
  if (typeof pool !== 'string' || !new RegExp(POOL_PATTERN).test(pool)) {
    throw invalid('requested_pool', 'the name of a pool: lower case letters, digits and dashes, at most 63', pool);
  }
  if (typeof dedicated !== 'boolean') throw invalid('dedicated', 'true or false', dedicated);
  return { requested_cpu: cpu, requested_memory: memory, requested_pool: pool, dedicated };
}

const isInThousandths = (value: number): boolean => Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6;

/** The Placement that stands for a task; its name is the task's id. */
export function placementFor(request: ScheduleRequest, taskId: string, namespace: string): Placement {
  const { requested_cpu: cpu, requested_memory: memory, requested_pool: pool, dedicated } = request;
  return {
    apiVersion: API_VERSION,
    kind: 'Placement',
    metadata: { name: taskId, namespace },
    spec: {
      resources: { cpu: Number.isInteger(cpu) ? cpu : `${Math.round(cpu * 1000)}m`, memory: `${memory}Mi` },
      pool,
      dedicated,
    },
  } as Placement;
}

/** Whether a Placement that is there already asks for the same. */
export function asksForTheSame({ spec: left }: Placement, { spec: right }: Placement): boolean {
  return (
    String(left.resources.cpu) === String(right.resources.cpu) &&
    String(left.resources.memory) === String(right.resources.memory) &&
    left.pool === right.pool &&
    (left.dedicated ?? false) === (right.dedicated ?? false)
  );
}

/**
 * The id of the task that a key stands for, in a namespace: the same for ever, in the form of a UUID (RFC 9562, version 8).
 */
export function taskIdOf(idempotencyKey: string, namespace: string): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify([namespace, idempotencyKey]))
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const NO_NODES = 'No available nodes';
/** Reasons for which a Placement is told that it waits for what may never come. */
const REFUSED = ['QuotaExceeded', 'ProfileNotFound'];

/**
 * What a Placement says of its task. With `explain` a failed one also gives the reason over all hosts, in the scheduler's words.
 * One that failed still waits for room, until it is deleted.
 */
export function resultOf({ status }: Placement, explain = false): TaskResult {
  if (status?.phase === 'Bound') {
    return { status: 'completed', result: { name: status.nodeName ?? '', ip: status.address ?? '' } };
  }
  const scheduled = status?.conditions?.find(({ type }) => type === 'Scheduled');
  if (status?.phase !== 'Unschedulable' && !REFUSED.includes(scheduled?.reason ?? '')) return { status: 'processing' };
  const reason = scheduled?.message;
  return { status: 'failed', error: NO_NODES, ...(explain && reason !== undefined && { reason }) };
}
