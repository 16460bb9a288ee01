// What becomes of those that wait, one after the other: a place, or a reason, and when that reason is news.
import type { Placement } from '../../lib/api/generated.ts';
import type { Gangs } from './gangs.ts';
import { movingTo } from './moves.ts';
import type { Answer, Plan } from './plan.ts';
import type { PlacementQuotas } from './quotas.ts';
import { isUpToDate, wasTold } from './status.ts';

export const UNSCHEDULABLE = 'Unschedulable';
const QUOTA_EXCEEDED = 'QuotaExceeded';
const NO_PROFILE = 'ProfileNotFound';
type Reason =
  | typeof UNSCHEDULABLE
  | typeof QUOTA_EXCEEDED
  | typeof NO_PROFILE
  | 'ReservationPending'
  | 'ReservationTaken';

export interface Refusal {
  readonly placement: Placement;
  readonly reason: Reason;
  readonly message: string;
  readonly isInvalid: boolean;
  /** Those of lower priority may be in its way, and nothing else is. */
  readonly wantsRoom: boolean;
}

/** Gives them their places; or why they cannot all have one. */
export function judge(
  together: readonly Placement[],
  gangs: Gangs,
  limits: PlacementQuotas,
  plan: Plan,
): Omit<Refusal, 'placement'> | undefined {
  const [placement] = together as [Placement];
  const waits = (reason: Reason, message: string) => ({ reason, message, isInvalid: false, wantsRoom: false });
  const missing = gangs.missing(placement);
  if (missing !== undefined) return waits(UNSCHEDULABLE, missing);
  for (const member of together) {
    const problem = plan.missingProfile(member);
    if (problem !== undefined) return waits(NO_PROFILE, problem);
  }
  const excess = limits.refusal(together);
  if (excess !== undefined) return waits(QUOTA_EXCEEDED, excess);
  const answer = together.length > 1 ? plan.placeTogether(together) : placeOne(placement, plan);
  if (answer === undefined || !('refusal' in answer)) return undefined;
  const { refusal, isInvalid } = answer;
  return { reason: UNSCHEDULABLE, message: refusal, isInvalid, wantsRoom: !isInvalid };
}

/** One that moves goes where it was asked to, if there is room. */
function placeOne(placement: Placement, plan: Plan): Answer {
  const to = movingTo(placement);
  const there = to === undefined ? undefined : plan.place(placement, to);
  return there && !('refusal' in there) ? there : plan.place(placement);
}

/** Nobody has told it this reason. */
export const isFirst = ({ placement, reason }: Refusal): boolean => !wasTold(placement, reason);

export const isChanged = ({ placement, reason, message }: Refusal): boolean =>
  !wasTold(placement, reason, message) || !isUpToDate(placement);
