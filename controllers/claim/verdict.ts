// What a round says about one Instance, and the condition `Scheduled` that tells it to people.
import type { DeviceType, Image, Instance } from '../../lib/api/generated.ts';
import { findCondition, setCondition } from '../../lib/runtime/conditions.ts';
import { deviceRequest } from '../../lib/scheduler/kubernetes/device-request.ts';
import { withoutUse } from '../../lib/scheduler/quota.ts';
import type { Scheduler } from '../../lib/scheduler/scheduler.ts';

export const SCHEDULED = 'Scheduled';

export type Verdict =
  | { readonly reason: 'Claimed'; readonly device: string }
  | { readonly reason: 'Unschedulable' | 'ImageNotFound' | 'QuotaExceeded'; readonly message: string };

/** Finds a device for an Instance. `selected` is the only one it may have, where it has selected one before. */
export function decide(
  scheduler: Scheduler,
  instance: Instance,
  image: Image | undefined,
  types: Iterable<DeviceType>,
  selected?: string,
): Verdict {
  if (!image)
    return {
      reason: 'ImageNotFound',
      message: `there is no Image ${instance.spec.image}: create it, then this goes on`,
    };
  const decision = scheduler.decide(deviceRequest(instance, image, types, selected));
  if (decision.node !== undefined) return { reason: 'Claimed', device: decision.node };
  const { total, reasons } = decision.unschedulable;
  const list = reasons.map(({ reason, count }) => `${count} ${reason}`).join(', ');
  return { reason: 'Unschedulable', message: `0/${total} devices fit${list && `: ${list}`}` };
}

export const messageOf = (verdict: Verdict): string =>
  verdict.reason === 'Claimed' ? `has device ${verdict.device}` : verdict.message;

export type InstanceStatus = NonNullable<Instance['status']>;

/** The status with this verdict in it; undefined when it says so already. `now` is RFC 3339. */
export function withVerdict(instance: Instance, verdict: Verdict, now: string): InstanceStatus | undefined {
  const conditions = instance.status?.conditions ?? [];
  const { generation } = instance.metadata;
  // How much of a quota is used changes all the time: who waits was told once.
  if (!isNews(instance, verdict) && findCondition(conditions, SCHEDULED)?.observedGeneration === generation)
    return undefined;
  const update = {
    type: SCHEDULED,
    status: verdict.reason === 'Claimed' ? ('True' as const) : ('False' as const),
    reason: verdict.reason,
    message: messageOf(verdict),
    observedGeneration: generation,
  };
  const next = setCondition(conditions, update, now);
  return next === conditions
    ? undefined
    : { ...instance.status, conditions: [...next] as InstanceStatus['conditions'] & object };
}

/** Whether this verdict is news beside what the Instance's status says, so that an event is due. */
export function isNews(instance: Instance, verdict: Verdict): boolean {
  const old = findCondition(instance.status?.conditions, SCHEDULED);
  return old?.reason !== verdict.reason || withoutUse(old.message) !== withoutUse(messageOf(verdict));
}
