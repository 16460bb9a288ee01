// Whose term each write took hold in: what an operator writes counts only while the Lease is its own. Pure.
import { type Lease, leases } from '../../../lib/kube/lease.ts';
import type { Write } from '../../../lib/testing/hostile-proxy/proxy.ts';

/** A write that was answered. */
export interface Entry {
  readonly replica: string;
  /** Method and path. */
  readonly what: string;
  /** Of what it wrote. Revisions of one etcd, or of one embedded server, are of one sequence over all kinds. */
  readonly revision: number;
  /** Of a Lease: whether it is held from now on. */
  readonly isHeld?: boolean;
}

/** Undefined for what is no part of a term: Events are for people, and the last of them are told after it. */
export function entryOf(replica: string, { method, path, object }: Write): Entry | undefined {
  const revision = Number(object.metadata?.resourceVersion);
  if (!Number.isInteger(revision) || path.includes('/events')) return undefined;
  const entry = { replica, what: `${method} ${path}`, revision };
  return path.includes(`/${leases.plural}`)
    ? { ...entry, isHeld: Boolean((object as Lease).spec?.holderIdentity) }
    : entry;
}

/**
 * Writes of a replica that took hold after another one had taken the Lease, and before it was its own again.
 * @param entries in the order in which they were answered
 */
export function strayWrites(entries: readonly Entry[]): string[] {
  const strays: string[] = [];
  let holder: string | undefined;
  for (const { replica, what, revision, isHeld } of effective(entries)) {
    if (isHeld !== undefined) holder = isHeld ? replica : undefined;
    else if (holder !== undefined && holder !== replica)
      strays.push(`${replica}: ${what} became revision ${revision} in the term of ${holder}`);
  }
  return strays;
}

/**
 * Those that changed something, in the order in which they took hold. A write that changes nothing is answered with the object
 * as it was, so maybe with a revision from before the replica last renewed.
 */
function effective(entries: readonly Entry[]): Entry[] {
  const renewed = new Map<string, number>();
  return entries
    .filter(({ replica, revision, isHeld }) => {
      const last = renewed.get(replica) ?? 0;
      if (isHeld !== undefined) renewed.set(replica, Math.max(last, revision));
      return revision >= last;
    })
    .toSorted((a, b) => a.revision - b.revision);
}
