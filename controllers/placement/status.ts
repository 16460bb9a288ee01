// What a Placement's status says: bound, waiting, or why no host fits. Written only when it changes.
import type { Instance, Placement } from '../../lib/api/generated.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { findCondition, setCondition } from '../../lib/runtime/conditions.ts';

export type PlacementStatus = NonNullable<Placement['status']>;

export const SCHEDULED = 'Scheduled';

/** Name of the host that the Placement is marked as bound to. */
export const boundTo = ({ status }: Placement): string | undefined =>
  status?.phase === 'Bound' ? status.nodeName : undefined;

/** Since when it waits or is bound: RFC 3339. Undefined while the status says neither. */
export const waitingSince = ({ status }: Placement): string | undefined =>
  findCondition(status?.conditions, SCHEDULED)?.lastTransitionTime;

/** Whether the status says all that there is to say of its place on this host. An address that is not known now is kept. */
export function isMarked(placement: Placement, host: Instance): boolean {
  const { address, deviceName } = placement.status ?? {};
  const { addresses, deviceName: device = deviceName } = host.status ?? {};
  return boundTo(placement) === host.metadata.name && address === (addresses?.[0] ?? address) && deviceName === device;
}

/** `now` is RFC 3339. A score that is not given stays as it was while the host is the same. */
export function bound(placement: Placement, host: Instance, now: string, score?: number): PlacementStatus {
  const { name } = host.metadata;
  const { addresses, deviceName } = host.status ?? {};
  const kept = boundTo(placement) === name ? placement.status?.score : undefined;
  return {
    ...placement.status,
    ...said(placement, 'True', 'Bound', `has a place on ${name}`, now),
    phase: 'Bound',
    nodeName: name,
    ...optional('address', addresses?.[0]),
    ...optional('deviceName', deviceName),
    ...optional('score', score ?? kept),
  };
}

/** It lost its place and waits for another. */
export const pending = (placement: Placement, reason: string, message: string, now: string): PlacementStatus => ({
  phase: 'Pending',
  ...said(placement, 'False', reason, message, now),
});

export const unschedulable = (placement: Placement, message: string, now: string): PlacementStatus => ({
  phase: 'Unschedulable',
  ...said(placement, 'False', 'Unschedulable', message, now),
});

function said(
  { metadata, status }: Placement,
  state: 'True' | 'False',
  reason: string,
  message: string,
  now: string,
): Pick<PlacementStatus, 'observedGeneration' | 'conditions'> {
  const { generation } = metadata;
  const update = { type: SCHEDULED, status: state, reason, message, observedGeneration: generation };
  const since = laterThan(findCondition(status?.conditions, SCHEDULED)?.lastTransitionTime, now);
  const conditions = [...setCondition(status?.conditions ?? [], update, since)] as NonNullable<
    PlacementStatus['conditions']
  >;
  return { ...optional('observedGeneration', generation), conditions };
}

/** `now`, or a second after `last` if that is not later: transitions never share a time, whoever's clock is behind. */
function laterThan(last: string | undefined, now: string): string {
  return last === undefined || last < now ? now : timestamp(Date.parse(last) + 1000);
}

/** With exact optional types, a field that is not known is left out. */
const optional = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<K, V>>;

/** Whether people have been told this reason already; the message's numbers may differ. */
export const wasTold = ({ status }: Placement, reason: string): boolean =>
  findCondition(status?.conditions, SCHEDULED)?.reason === reason;
