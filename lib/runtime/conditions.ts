// metav1.Condition: how an object says what is true of it, and since when.
import type { Reason } from '../api/reasons.ts';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

export interface Condition {
  type: string;
  status: ConditionStatus;
  /** CamelCase, for machines. */
  reason: string;
  /** For people. */
  message: string;
  /** RFC 3339: when the status last changed, not the reason or message. */
  lastTransitionTime: string;
  observedGeneration?: number | undefined;
}

/** What is written: its reason is one of the table's. */
export type ConditionUpdate = Omit<Condition, 'lastTransitionTime' | 'reason'> & { reason: Reason };

/**
 * The list with `update` in it: `lastTransitionTime` moves only when the status changes. `Ready` stands first, the others
 * keep their places. The very same array comes back when nothing changes.
 */
export function setCondition(
  conditions: readonly Condition[],
  update: ConditionUpdate,
  now: string,
): readonly Condition[] {
  const old = conditions.find((condition) => condition.type === update.type);
  if (old && sameCondition(old, update)) return conditions;
  const next: Condition = {
    ...update,
    lastTransitionTime: old?.status === update.status ? old.lastTransitionTime : now,
  };
  const rest = old ? conditions.map((condition) => (condition === old ? next : condition)) : [...conditions, next];
  return [...rest.filter(isReady), ...rest.filter((condition) => !isReady(condition))];
}

/**
 * The list with each of these conditions as it is told, and without those that are told as undefined. Made for conditions
 * that stand there only while they are true, as kstatus' Reconciling and Stalled do.
 */
export function setConditions(
  conditions: readonly Condition[],
  told: Readonly<Record<string, Omit<ConditionUpdate, 'type' | 'observedGeneration'> | undefined>>,
  observedGeneration: number | undefined,
  now: string,
): readonly Condition[] {
  return Object.entries(told).reduce(
    (list, [type, update]) =>
      update ? setCondition(list, { type, ...update, observedGeneration }, now) : removeCondition(list, type),
    conditions,
  );
}

/** The list without the condition `type`; the very same array when it is not there. */
export function removeCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  return findCondition(conditions, type) ? conditions.filter((condition) => condition.type !== type) : conditions;
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

const isReady = (condition: Condition) => condition.type === 'Ready';

const sameCondition = (old: Condition, update: ConditionUpdate) =>
  old.status === update.status &&
  old.reason === update.reason &&
  old.message === update.message &&
  old.observedGeneration === update.observedGeneration;
