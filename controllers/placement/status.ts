// What a Placement's status says: bound, waiting, or why no host fits. Written only when it changes.
import type { Placement } from '../../lib/api/generated.ts';
import type { ReasonOf } from '../../lib/api/reasons.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { findCondition, setConditions } from '../../lib/runtime/conditions.ts';
import {
  type HostObject,
  hasPlace,
  homeOf,
  hostKey,
  isForeign,
} from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { withoutUse } from '../../lib/scheduler/quota.ts';

export type PlacementStatus = NonNullable<Placement['status']>;

export const SCHEDULED = 'Scheduled';

export type PlacementReason = ReasonOf<'Placement'>;

/** Key of the host that the Placement is marked as bound to. */
export const boundTo = (placement: Placement): string | undefined =>
  hasPlace(placement) ? homeOf(placement) : undefined;

export const isReservation = ({ spec }: Placement): boolean => spec.reservation === true;

/** A reservation that is given to somebody, for good. */
export const isRedeemed = ({ status }: Placement): boolean => status?.phase === 'Redeemed';

/** Key of the host whose ledger has its room: its own, or what it holds for its redeemer. */
export const heldAt = (placement: Placement): string | undefined =>
  isRedeemed(placement) ? homeOf(placement) : boundTo(placement);

/** Whether it waits for the room of a reservation. Once it had that, it is placed as any other. */
export const awaitsReservation = ({ metadata, spec, status }: Placement): boolean =>
  spec.from !== undefined && status?.from?.taken !== true && metadata.deletionTimestamp === undefined;

/** Since when it waits or is bound: RFC 3339. Undefined while the status says neither. */
export const waitingSince = ({ status }: Placement): string | undefined =>
  findCondition(status?.conditions, SCHEDULED)?.lastTransitionTime;

/** Whether the status says all that there is to say of its place on this host. An address that is not known now is kept. */
export function isMarked(placement: Placement, host: HostObject): boolean {
  const { address, deviceName } = placement.status ?? {};
  const { address: reached = address, deviceName: device = deviceName } = whereIs(host);
  return boundTo(placement) === hostKey(host) && address === reached && deviceName === device && isUpToDate(placement);
}

/** Whether the status goes by the spec as it is. */
export const isUpToDate = ({ metadata, status }: Placement): boolean =>
  (status?.observedGeneration ?? metadata.generation) === metadata.generation;

/** As far as it is known. */
const whereIs = (host: HostObject): { address?: string | undefined; deviceName?: string | undefined } =>
  isForeign(host)
    ? { address: host.spec.address }
    : { address: host.status?.addresses?.[0], deviceName: host.status?.deviceName };

/** `now` is RFC 3339. A score that is not given stays as it was while the host is the same. */
export function bound(placement: Placement, host: HostObject, now: string, score?: number): PlacementStatus {
  const { name } = host.metadata;
  const { address, deviceName } = whereIs(host);
  const before = boundTo(placement) === hostKey(host) ? placement.status?.score : undefined;
  const { from } = placement.status ?? {};
  return {
    ...placement.status,
    ...(isReservation(placement)
      ? { ...said(placement, 'True', 'Reserved', `holds room on ${name}`, now), phase: 'Reserved' }
      : { ...said(placement, 'True', 'Bound', `has a place on ${name}`, now), phase: 'Bound' }),
    nodeName: name,
    ...(isForeign(host) && { nodeKind: 'Host' }),
    ...optional('address', address),
    ...optional('deviceName', deviceName),
    ...optional('score', score ?? before),
    ...optional('from', from && { ...from, taken: true }),
    ...arrived(placement, host, now),
  };
}

/** What is told of a move that was under way. */
function arrived({ status }: Placement, host: HostObject, now: string): Pick<PlacementStatus, 'requests'> {
  const move = status?.requests?.move;
  if (move?.result !== 'Running') return {};
  const { value } = move;
  const [result, message] =
    hostIn(value) === hostKey(host)
      ? (['Succeeded', `has a place on ${host.metadata.name}`] as const)
      : (['Refused', `host ${hostIn(value)} has no room any more`] as const);
  return { requests: { move: { value, result, message, at: now } } };
}

/** Key of the host that a value of requests.move names. */
export const hostIn = (move: string): string => move.split('@', 1)[0]!;

/** It gives up its place to move to another host; `value` is that of requests.move. */
export const moving = (placement: Placement, value: string, message: string, now: string): PlacementStatus => ({
  ...pending(placement, 'Moving', message, now),
  requests: { move: { value, result: 'Running', at: now } },
});

/** It lost its place and waits for another. */
export const pending = (
  placement: Placement,
  reason: PlacementReason,
  message: string,
  now: string,
): PlacementStatus => ({
  phase: 'Pending',
  ...kept(placement),
  ...said(placement, 'False', reason, message, now),
});

/** It goes for the room of this reservation. */
export const takingUp = (placement: Placement, { metadata }: Placement, now: string): PlacementStatus => ({
  ...pending(placement, 'ReservationPending', `takes up reservation ${metadata.name}`, now),
  from: { name: metadata.name, uid: metadata.uid! },
});

/** The room that it holds is for `by`: its stay is over. Where it was is still said. */
export const redeemed = (
  reservation: Placement,
  by: NonNullable<PlacementStatus['redeemedBy']>,
  now: string,
): PlacementStatus => ({
  ...reservation.status,
  ...said(reservation, 'False', 'Redeemed', `taken up by ${by.name}`, now, { isReady: true }),
  phase: 'Redeemed',
  redeemedBy: by,
});

/** What was told of requests and of its reservation stays, whatever becomes of the place. */
const kept = ({ status }: Placement): Pick<PlacementStatus, 'requests' | 'from'> => ({
  ...optional('requests', status?.requests),
  ...optional('from', status?.from),
});

/** It waits anew, whatever it was told before: the stay that it was in is over, and so is what was entered for that. */
export const anew = (placement: Placement, reason: PlacementReason, message: string, now: string): PlacementStatus => {
  const told = findCondition(placement.status?.conditions, SCHEDULED)?.status;
  // Only another status starts another stay.
  return {
    phase: 'Pending',
    ...kept(placement),
    ...said(placement, told === 'False' ? 'Unknown' : 'False', reason, message, now),
  };
};

/** `isInvalid`: no host will ever have a place for it, so that a person has to make another one. */
export const unschedulable = (
  placement: Placement,
  message: string,
  now: string,
  isInvalid = false,
): PlacementStatus => ({
  phase: 'Unschedulable',
  ...kept(placement),
  ...said(placement, 'False', 'Unschedulable', message, now, { isStalled: isInvalid }),
});

function said(
  { metadata, status }: Placement,
  state: 'True' | 'False' | 'Unknown',
  reason: PlacementReason,
  message: string,
  now: string,
  { isReady = state === 'True', isStalled = false } = {},
): Pick<PlacementStatus, 'observedGeneration' | 'conditions'> {
  const { generation } = metadata;
  const told = { status: state, reason, message };
  const since = laterThan(findCondition(status?.conditions, SCHEDULED)?.lastTransitionTime, now);
  const conditions = setConditions(
    status?.conditions ?? [],
    {
      Ready: isReady ? { ...told, status: 'True' } : told,
      [SCHEDULED]: told,
      Stalled: isStalled ? { ...told, status: 'True' } : undefined,
    },
    generation,
    since,
  );
  return {
    ...optional('observedGeneration', generation),
    conditions: [...conditions] as NonNullable<PlacementStatus['conditions']>,
  };
}

/** `now`, or a second after `last` if that is not later: transitions never share a time, whoever's clock is behind. */
function laterThan(last: string | undefined, now: string): string {
  return last === undefined || last < now ? now : timestamp(Date.parse(last) + 1000);
}

/** With exact optional types, a field that is not known is left out. */
const optional = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<K, V>>;

/**
 * Whether people have been told this reason already, in these words where they matter. How much of a quota is used changes all
 * the time: who waits was told once.
 */
export function wasTold({ status }: Placement, reason: PlacementReason, message?: string): boolean {
  const told = findCondition(status?.conditions, SCHEDULED);
  return told?.reason === reason && withoutUse(told.message) === withoutUse(message ?? told.message);
}
