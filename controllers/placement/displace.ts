// Who gives up a place for others' sake: lower priorities where a higher one finds no room, and those on a host
// that is drained, as far as their group lets them move. Decides only; whoever is named waits anew, and the next round finds them a place.
//
// Nobody is named whom the caches do not know as bound, so that their stay, and with it their entry, ends by one write.
import type { DrainedFor } from '../../lib/api/draining.ts';
import type { Placement } from '../../lib/api/generated.ts';
import { priorityOf } from '../../lib/scheduler/kubernetes/placement-request.ts';
import type { Plan } from './plan.ts';
import { boundTo } from './status.ts';

export interface Displacement {
  readonly placement: Placement;
  readonly reason: 'Preempted' | 'Draining' | 'Moving';
  readonly why: string;
  /** The value of requests.move by which it moves. */
  readonly move?: string;
}

/** Each looks at all hosts: one round looks for few. */
const MOST_PREEMPTIONS = 8;
const MOST_MOVES = 32;

/** `refused`, in turn, found no host: single ones, and gangs. `byUid` has all Placements of the namespace. */
export function preempted(
  refused: readonly (readonly Placement[])[],
  byUid: ReadonlyMap<string, Placement>,
  plan: Plan,
): Displacement[] {
  if (refused.length === 0) return [];
  const named = new Map<string, Displacement>();
  let lowest = Number.POSITIVE_INFINITY;
  for (const placement of byUid.values()) if (isBound(placement)) lowest = Math.min(lowest, priorityOf(placement));
  const able = refused.filter((together) => together.some((placement) => priorityOf(placement) > lowest));
  for (const together of able.slice(0, MOST_PREEMPTIONS)) {
    const uids = plan.makeRoom(together) ?? [];
    const victims = uids.map((uid) => byUid.get(uid));
    // Somebody among them has no mark yet: the next round knows more.
    if (!victims.every((victim) => victim !== undefined && isBound(victim))) continue;
    const [{ metadata, spec }, ...others] = together as [Placement, ...Placement[]];
    const { namespace } = metadata;
    const whom = others.length > 0 ? `gang ${namespace}/${spec.group!.name}` : `${namespace}/${metadata.name}`;
    const why = `makes room for ${whom}, of priority ${Math.max(...together.map(priorityOf))}`;
    for (const victim of victims) named.set(victim!.metadata.uid!, { placement: victim!, reason: 'Preempted', why });
  }
  return [...named.values()];
}

/** Why Placements leave a host, in words. */
const LEAVES: Record<DrainedFor, string> = {
  Release: 'is given back',
  Reinstall: 'is installed anew',
  Maintenance: 'is in maintenance',
};

/** Those on hosts that are drained that fit elsewhere; of a group as many as it can do without, one where it says nothing. */
export function evicted(
  placements: readonly Placement[],
  leaves: (host: string) => DrainedFor | undefined,
  plan: Plan,
): Displacement[] {
  const bound = Map.groupBy(placements.filter(isBound), ({ spec }) => spec.group?.name);
  const moving: Displacement[] = [];
  for (const [group, members] of bound) {
    let away = 0;
    for (const placement of members) {
      if (moving.length === MOST_MOVES) return moving;
      const host = boundTo(placement)!;
      const drained = leaves(host);
      if (drained === undefined) continue;
      if (group !== undefined) {
        const { size, maxUnavailable = 1 } = placement.spec.group!;
        if (Math.max(0, size - members.length) + away >= maxUnavailable) continue;
      }
      if (!plan.canMove(placement)) continue;
      away++;
      moving.push({ placement, reason: 'Draining', why: `host ${host} ${LEAVES[drained]}: moves to another` });
    }
  }
  return moving;
}

const isBound = (placement: Placement): boolean =>
  boundTo(placement) !== undefined && placement.metadata.deletionTimestamp === undefined;
