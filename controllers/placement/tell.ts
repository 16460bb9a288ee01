// What a round writes into Placements, and tells people in events, once it is decided: each its own write, many at once.
import type { Placement } from '../../lib/api/generated.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { type HostObject, hostKey } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { Displacement } from './displace.ts';
import type { Effort } from './effort.ts';
import { isChanged, isFirst, type Refusal, UNSCHEDULABLE } from './judge.ts';
import type { MoveAnswer } from './moves.ts';
import type { Records } from './records.ts';
import type { Redemptions } from './redeem.ts';
import {
  anew,
  bound,
  boundTo,
  moving,
  type PlacementReason,
  pending,
  redeemed,
  takingUp,
  unschedulable,
  wasTold,
} from './status.ts';

/** What one round writes with. */
export interface Telling {
  readonly records: Records;
  readonly effort: Effort;
  readonly events: EventRecorder;
  readonly signal: AbortSignal;
  /** RFC 3339. */
  readonly now: () => string;
}

/** A Placement whose host's ledger has it. */
export interface Mark {
  readonly placement: Placement;
  readonly host: HostObject;
  readonly score?: number;
}

/** Refusals told in one round at most: whoever comes meanwhile waits for so many writes, however many there are to tell. */
const MOST_REFUSALS = 64;

export async function mark({ records, effort, events, signal, now }: Telling, marks: readonly Mark[]): Promise<void> {
  await effort.each(
    marks,
    ({ placement }) => placement,
    async ({ placement, host, score }) => {
      await records.write(placement, bound(placement, host, now(), score), signal);
      if (boundTo(placement) === hostKey(host)) return;
      const { namespace, name } = placement.metadata;
      const note = `Successfully assigned ${namespace}/${name} to ${hostKey(host)}`;
      events.event(placement, 'Normal', 'Scheduled', note);
    },
  );
}

/** Tells why there is no host: first those who have not heard it at all. */
export async function refuse(telling: Telling, refusals: readonly Refusal[]): Promise<void> {
  const { records, effort, events, signal, now } = telling;
  const first = refusals.filter(isFirst);
  const news = [...first, ...refusals.filter((refusal) => !isFirst(refusal) && isChanged(refusal))];
  if (news.length > MOST_REFUSALS) effort.again(0);
  await effort.each(
    news.slice(0, MOST_REFUSALS),
    ({ placement }) => placement,
    async ({ placement, reason, message, isInvalid }) => {
      const status =
        reason === UNSCHEDULABLE
          ? unschedulable(placement, message, now(), isInvalid)
          : pending(placement, reason, message, now());
      await records.write(placement, status, signal);
      if (wasTold(placement, reason, message)) return;
      events.event(placement, 'Warning', 'FailedScheduling', message);
    },
  );
}

/** Has them wait anew: what they were entered for is over, and the next round gives their room to others. */
export async function displace(telling: Telling, displaced: readonly Displacement[]): Promise<void> {
  const { records, effort, events, signal, now } = telling;
  if (displaced.length > 0) effort.again(0);
  await effort.each(
    displaced,
    ({ placement }) => placement,
    async ({ placement, reason, why, move }) => {
      const status = move === undefined ? pending(placement, reason, why, now()) : moving(placement, move, why, now());
      await records.write(placement, status, signal);
      events.event(placement, move === undefined ? 'Warning' : 'Normal', reason, why);
    },
  );
}

/** Tells what became of requests by which nobody moves. */
export async function answer({ records, effort, signal }: Telling, answers: readonly MoveAnswer[]): Promise<void> {
  await effort.each(
    answers,
    ({ placement }) => placement,
    ({ placement, handled }) => records.write(placement, { ...placement.status, requests: { move: handled } }, signal),
  );
}

/** They hold up no longer what they were entered for, of hosts or of quotas, and cannot use. */
export async function giveUp(
  { records, effort, signal, now }: Telling,
  those: readonly Placement[],
  reason: PlacementReason,
  why: string,
): Promise<void> {
  if (those.length > 0) effort.again(0);
  await effort.each(
    those,
    (placement) => placement,
    (placement) => records.write(placement, anew(placement, reason, why, now()), signal),
  );
}

/** Notes who goes for which reservation, and who gets it. The next round goes on from there. */
export async function redeem(
  { records, effort, events, signal, now }: Telling,
  { begun, given, size }: Redemptions,
  outdated: readonly Placement[],
): Promise<void> {
  if (size > 0) effort.again(0);
  await effort.each(
    begun,
    ({ redeemer }) => redeemer,
    ({ redeemer, reservation }) => records.write(redeemer, takingUp(redeemer, reservation, now()), signal),
  );
  await effort.each(
    given,
    ({ reservation }) => reservation,
    async ({ reservation, redeemer }) => {
      const { name, uid } = redeemer.metadata;
      await records.write(reservation, redeemed(reservation, { name, uid: uid! }, now()), signal);
      events.event(reservation, 'Normal', 'Redeemed', `taken up by ${name}`);
    },
  );
  await effort.each(
    outdated,
    (reservation) => reservation,
    (reservation) => records.write(reservation, redeemed(reservation, reservation.status!.redeemedBy!, now()), signal),
  );
}
