// What a round may only do by the server's word: take out what is void, give up places that are lost.
//
// Caches lag behind. That an entry or a claim is void for good, or that a host is gone, is asked of the server; where it says
// otherwise, another round follows when the caches have caught up.
import type { Placement } from '../../lib/api/generated.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { type Claim, holderOf } from '../../lib/scheduler/kubernetes/allowance.ts';
import { type HostObject, homeOf, hostKey, placementOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { Plan } from './plan.ts';
import { isVoid, type PlacementQuotas } from './quotas.ts';
import type { Redemptions } from './redeem.ts';
import { boundTo, pending, waitingSince } from './status.ts';
import { isStray, type Listing, type Survey } from './survey.ts';
import type { Telling } from './tell.ts';

/** Plans the removal of entries that are void. Gives whether all that seemed so were. */
export async function clearStrays(
  { records, effort, signal }: Telling,
  { strays }: Survey,
  plan: Plan,
): Promise<boolean> {
  const isOver = async (listing: Listing) => {
    const placement = await records.livePlacement(listing.host.metadata.namespace, listing.entry.name, signal);
    return placement?.metadata.uid !== placementOf(listing.entry) || isStray(placement, listing);
  };
  let removed = 0;
  for (const [listing, over] of await effort.each(strays, ({ host }) => host, isOver)) {
    if (over) {
      plan.remove(listing);
      removed++;
    } else effort.again();
  }
  return removed === strays.length;
}

/** Drops claims on quotas that are void. */
export async function clearClaims(
  { records, effort, signal }: Telling,
  limits: PlacementQuotas,
  namespace: string,
): Promise<void> {
  const subject = (): KubeObject => limits.quotas[0]!;
  const isOver = async (claim: Claim) => {
    const placement = await records.livePlacement(namespace, claim.name, signal);
    return placement?.metadata.uid !== holderOf(claim) || isVoid(placement, claim);
  };
  for (const [claim, over] of await effort.each(limits.strays, subject, isOver)) {
    if (over) limits.clear(claim);
  }
  if (limits.isAnyUnclear) effort.again();
}

/**
 * Placements marked as bound where no ledger has them. The host is gone: they wait again. The ledger lost them: they get
 * their entry back where there is room.
 */
export async function bringBack(
  { records, effort, signal, events, now }: Telling,
  { homeless, unlisted }: Survey,
  plan: Plan,
): Promise<void> {
  const lost: { placement: Placement; why: string }[] = [];
  const those = [...homeless, ...unlisted.map(({ placement }) => placement)];
  const names = new Set(those.map((placement) => boundTo(placement)!));
  const asked = await effort.each(
    names,
    () => those[0]!,
    (key) => records.liveHost(those[0]!.metadata.namespace, key, signal),
  );
  const hosts = new Map(asked);
  for (const placement of homeless) {
    const home = boundTo(placement)!;
    if (!hosts.has(home)) continue;
    if (hosts.get(home)) effort.again();
    else lost.push({ placement, why: `host ${home} is gone` });
  }
  for (const { placement, host } of unlisted) {
    const home = hostKey(host);
    if (!hosts.has(home)) continue;
    const current = hosts.get(home);
    if (current?.metadata.resourceVersion !== host.metadata.resourceVersion) effort.again();
    else if ((waitingSince(placement) ?? '') < (host.metadata.creationTimestamp ?? '')) {
      lost.push({ placement, why: `host ${home} is another one now` });
    } else if ('refusal' in plan.place(placement, home))
      lost.push({ placement, why: `host ${home} has no room for it any more` });
  }
  await effort.each(
    lost,
    ({ placement }) => placement,
    async ({ placement, why }) => {
      await records.write(placement, pending(placement, 'HostGone', `${why}: waits for another`, now()), signal);
      events.event(placement, 'Warning', 'HostGone', why);
    },
  );
}

/** Where a reservation's room is gone with its host, or with that host's ledger, its redeemer is placed as any other. */
export async function findLost(
  { records, effort, signal }: Telling,
  redemptions: Redemptions,
  hosts: readonly HostObject[],
  limits: PlacementQuotas,
): Promise<void> {
  const known = new Map(hosts.map((host) => [hostKey(host), host.metadata.resourceVersion]));
  const asked = await effort.each(
    redemptions.missing,
    ({ redeemer }) => redeemer,
    ({ reservation }) => records.liveHost(reservation.metadata.namespace, homeOf(reservation) ?? '', signal),
  );
  for (const [held, host] of asked) {
    if (host?.metadata.resourceVersion === known.get(homeOf(held.reservation) ?? '')) {
      redemptions.lose(held);
      limits.release(held.reservation);
    } else effort.again();
  }
}
