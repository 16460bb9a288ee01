// Says why no node fits, the way Kubernetes does.
import type { Unschedulable } from './types.ts';

/** `0/5000 nodes fit: 3800 too little cpu, 900 other pool, 300 dedicated`: most frequent first, then by name. */
export function unschedulable(counts: ReadonlyMap<string, number>): Unschedulable {
  const reasons = [...counts]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => ({ reason, count }))
    .sort((left, right) => right.count - left.count || (left.reason < right.reason ? -1 : 1));
  const total = reasons.reduce((sum, { count }) => sum + count, 0);
  const list = reasons.map(({ reason, count }) => `${count} ${reason}`).join(', ');
  return { total, reasons, message: `0/${total} nodes fit${list && `: ${list}`}` };
}
