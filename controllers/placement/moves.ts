// Moves that people ask for: `requests.move` names the host that a Placement is to go to, and after an `@` whatever makes the
// request a new one.
//
// One moves by waiting anew, as everyone does who gives up a place: nothing is ever entered for two stays at once, and what a
// crash interrupts any round finishes. While it waits, its new host is tried first; where that has no room any more, it gets
// another. Its group has to be able to do without it meanwhile.
import type { Placement } from '../../lib/api/generated.ts';
import type { Displacement } from './displace.ts';
import type { Plan } from './plan.ts';
import { boundTo, hostIn, type PlacementStatus } from './status.ts';

type Handled = NonNullable<NonNullable<PlacementStatus['requests']>['move']>;

/** What becomes of the request, where the Placement keeps its place. */
export interface MoveAnswer {
  readonly placement: Placement;
  readonly handled: Handled;
}

export interface Moves {
  readonly displaced: readonly Displacement[];
  readonly answers: readonly MoveAnswer[];
}

/** In one round at most. */
const MOST_MOVES = 32;

/** Key of the host that it is on its way to. */
export function movingTo({ status }: Placement): string | undefined {
  const move = status?.requests?.move;
  return move?.result === 'Running' ? hostIn(move.value) : undefined;
}

/** Who moves now, and who does not move at all. `leaving` give up their places in this round already; `now` is RFC 3339. */
export function requestedMoves(
  placements: readonly Placement[],
  leaving: readonly Displacement[],
  plan: Plan,
  now: string,
): Moves {
  const displaced: Displacement[] = [];
  const answers: MoveAnswer[] = [];
  const out = new Set(leaving.map(({ placement }) => placement));
  for (const placement of placements) {
    const value = asked(placement);
    const from = boundTo(placement);
    if (value === undefined || from === undefined || out.has(placement)) continue;
    const to = hostIn(value);
    const tell = (result: 'Succeeded' | 'Refused', message: string) =>
      answers.push({ placement, handled: { value, result, message, at: now } });
    if (to === from) {
      tell('Succeeded', 'it is there already');
      continue;
    }
    if (displaced.length === MOST_MOVES) break;
    const problem = missedBy(placement, placements, out) ?? plan.noRoomOn(placement, to);
    if (problem !== undefined) {
      tell('Refused', problem);
      continue;
    }
    out.add(placement);
    displaced.push({ placement, reason: 'Moving', why: `moves from host ${from} to ${to}`, move: value });
  }
  return { displaced, answers };
}

/** A request that was not handled yet. */
function asked({ metadata, spec, status }: Placement): string | undefined {
  const move = spec.requests?.move;
  const isNews = move !== undefined && move !== status?.requests?.move?.value;
  return isNews && metadata.deletionTimestamp === undefined ? move : undefined;
}

/** Why its group cannot do without it now. */
function missedBy(
  { spec }: Placement,
  placements: readonly Placement[],
  out: ReadonlySet<Placement>,
): string | undefined {
  if (spec.group === undefined) return undefined;
  const { name, size, maxUnavailable = 0 } = spec.group;
  const there = placements.filter(
    (other) => other.spec.group?.name === name && boundTo(other) !== undefined && !out.has(other),
  );
  if (Math.max(0, size - there.length) < maxUnavailable) return undefined;
  return `group ${name} has ${there.length} of ${size} members, and may miss ${maxUnavailable}`;
}
