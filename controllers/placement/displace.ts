// Who gives up a place for others' sake: lower priorities where a higher one finds no room, and those on a host in
// maintenance whose group lets them move. Decides only; whoever is named waits anew, and the next round finds them a place.
//
// Nobody is named whom the caches do not know as bound, so that their stay, and with it their entry, ends by one write.
import type { Placement } from '../../lib/api/generated.ts';
import type { Plan } from './plan.ts';
import { boundTo } from './status.ts';

export interface Displacement {
  readonly placement: Placement;
  readonly reason: 'Preempted' | 'Maintenance' | 'Moving';
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

/** Members of groups on hosts in maintenance, as many as their groups can do without, that fit elsewhere. */
export function evicted(
  placements: readonly Placement[],
  isInMaintenance: (host: string) => boolean,
  plan: Plan,
): Displacement[] {
  const bound = Map.groupBy(placements.filter(isBound), ({ spec }) => spec.group?.name);
  const moving: Displacement[] = [];
  for (const [group, members] of bound) {
    if (group === undefined) continue;
    for (const placement of members) {
      const { size, maxUnavailable = 0 } = placement.spec.group!;
      const away = moving.filter((each) => each.placement.spec.group?.name === group).length;
      const missing = Math.max(0, size - members.length) + away;
      const host = boundTo(placement)!;
      if (moving.length === MOST_MOVES || missing >= maxUnavailable || !isInMaintenance(host)) continue;
      if (!plan.canMove(placement)) continue;
      moving.push({ placement, reason: 'Maintenance', why: `host ${host} is in maintenance: moves to another` });
    }
  }
  return moving;
}

const isBound = (placement: Placement): boolean =>
  boundTo(placement) !== undefined && placement.metadata.deletionTimestamp === undefined;

const priorityOf = ({ spec }: Placement): number => spec.priority ?? 0;
