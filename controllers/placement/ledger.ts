// The ledger of a VM host: `status.allocated` of its Instance or Host, the one record of what Placements have of it.
//
// An entry is for one stay of a Placement in the queue: after its host was lost, a Placement waits anew, and what was
// entered for the stay before is void for good. So an entry's uid is the Placement's, and since when it waited where its
// status said so: `uid` or `uid@2026-01-31T12:00:00Z`. Whoever takes a void entry out can therefore never take out one that
// has become valid meanwhile.
import type { Placement } from '../../lib/api/generated.ts';
import { quantitiesOf, sumOf } from '../../lib/scheduler/kubernetes/amounts.ts';
import {
  amountsOf,
  type Entry,
  entriesOf,
  type HostObject,
  type Ledger,
} from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { resourcesOf } from '../../lib/scheduler/kubernetes/placement-request.ts';
import type { Resources } from '../../lib/scheduler/types.ts';
import { waitingSince } from './status.ts';

/** The uid of a Placement's entry for the stay that it is in. */
export function claimOf(placement: Placement): string {
  const since = waitingSince(placement);
  return since === undefined ? placement.metadata.uid! : `${placement.metadata.uid}@${since}`;
}

/** What a Placement takes of its host. Throws QuantityError. */
export const entryFor = (placement: Placement): Entry => ({
  uid: claimOf(placement),
  name: placement.metadata.name,
  ...written(resourcesOf(placement)),
});

/** The status with entries taken out (by uid) and added. One that is added again is there once. */
export function withEntries<H extends HostObject>(
  host: H,
  removed: ReadonlySet<string>,
  added: readonly Entry[],
): NonNullable<H['status']> {
  const replaced = new Set(added.map(({ uid }) => uid));
  const kept = entriesOf(host).filter(({ uid }) => !removed.has(uid) && !replaced.has(uid));
  return { ...(host.status as NonNullable<H['status']>), allocated: ledgerOf([...kept, ...added]) };
}

const ledgerOf = (claims: Entry[]): Ledger => ({
  ...written(sumOf(claims.map(amountsOf))),
  placements: claims.length,
  claims,
});

/** CPUs and memory have fields of their own. */
function written({ cpu = 0, memory = 0, ...others }: Resources): Pick<Entry, 'cpu' | 'memory' | 'others'> {
  const amounts = quantitiesOf({ cpu, memory, ...others });
  const { cpu: cpus, memory: ram, ...rest } = amounts as { cpu: string; memory: string };
  return { cpu: cpus, memory: ram, ...(Object.keys(rest).length > 0 && { others: rest }) };
}
