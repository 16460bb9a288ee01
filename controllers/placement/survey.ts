// What there is to do in a namespace: its Placements held against the ledgers of its hosts.
import type { Placement } from '../../lib/api/generated.ts';
import { isDeleting } from '../../lib/runtime/finalizers.ts';
import { isHost } from '../../lib/scheduler/kubernetes/hosts.ts';
import {
  type Entry,
  entriesOf,
  type HostObject,
  hostKey,
  placementOf,
} from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { claimOf } from './ledger.ts';
import { awaitsReservation, boundTo, heldAt, isMarked, isRedeemed, isReservation, isUpToDate } from './status.ts';

/** An entry, and the host in whose ledger it stands. */
export interface Listing {
  readonly host: HostObject;
  readonly entry: Entry;
}

/** What a reservation holds for its redeemer; without a listing where its host's ledger does not have it. */
export interface Held {
  readonly reservation: Placement;
  readonly redeemer: Placement;
  readonly listing: Listing | undefined;
}

export interface Survey {
  /** Without a place, and in no ledger. */
  readonly waiting: Placement[];
  /** In a ledger, but not marked as bound there: what was interrupted is finished. Also marks that are out of date. */
  readonly unmarked: { placement: Placement; host: HostObject }[];
  /** Marked as bound to a host whose ledger knows nothing of it. */
  readonly unlisted: { placement: Placement; host: HostObject }[];
  /** Marked as bound to a host that is not there. */
  readonly homeless: Placement[];
  /** On their way out, or redeemed and done with, with what ledgers still have of them. */
  readonly leaving: { placement: Placement; entries: readonly Listing[] }[];
  /** Entries that are void, as far as the caches know. */
  readonly strays: Listing[];
  /** By uid, what reservations hold that nobody redeems yet. */
  readonly reserved: Map<string, Listing>;
  /** By uid of the redeemer, what is held for it. */
  readonly held: Map<string, Held>;
  /** Redeemed ones whose status does not go by their spec as it is. */
  readonly outdated: Placement[];
}

export function survey(hosts: readonly HostObject[], placements: readonly Placement[]): Survey {
  const result: Survey = {
    waiting: [],
    unmarked: [],
    unlisted: [],
    homeless: [],
    leaving: [],
    strays: [],
    reserved: new Map(),
    held: new Map(),
    outdated: [],
  };
  const known = new Map(placements.map((placement) => [placement.metadata.uid!, placement]));
  const byName = new Map(hosts.map((host) => [hostKey(host), host]));
  const listed = Map.groupBy(
    hosts.flatMap((host) => entriesOf(host).map((entry) => ({ host, entry }))),
    ({ entry }) => placementOf(entry),
  );
  for (const [uid, entries] of listed) if (!known.has(uid)) result.strays.push(...entries);
  for (const placement of placements) {
    const entries = listed.get(placement.metadata.uid!) ?? [];
    const home = boundTo(placement);
    if (isDeleting(placement)) {
      result.leaving.push({ placement, entries });
      continue;
    }
    const place = placeOf(placement, entries);
    result.strays.push(...entries.filter((entry) => entry !== place && isStray(placement, entry)));
    if (isRedeemed(placement)) {
      if (!isUpToDate(placement)) result.outdated.push(placement);
      const redeemer = known.get(placement.status?.redeemedBy?.uid ?? '');
      // Who is gone, or has its place, never comes back to this: what is left here is void for good.
      if (redeemer && awaitsReservation(redeemer))
        result.held.set(redeemer.metadata.uid!, { reservation: placement, redeemer, listing: place });
      else result.leaving.push({ placement, entries: place ? [place] : [] });
      continue;
    }
    if (place && home !== undefined && isReservation(placement)) result.reserved.set(placement.metadata.uid!, place);
    if (home === undefined) {
      if (place) result.unmarked.push({ placement, host: place.host });
      else result.waiting.push(placement);
    } else if (!byName.has(home)) result.homeless.push(placement);
    else if (!place) result.unlisted.push({ placement, host: byName.get(home)! });
    else if (!isMarked(placement, place.host)) result.unmarked.push({ placement, host: place.host });
  }
  return result;
}

/** The entry that holds the Placement's place: where it is bound to or holds room, or for the stay that it is in. */
function placeOf(placement: Placement, entries: readonly Listing[]): Listing | undefined {
  const home = heldAt(placement);
  if (home === undefined) {
    // Should two schedulers have entered it, whoever looks picks the same host.
    return entries.filter(({ entry }) => entry.uid === claimOf(placement)).sort(byHost)[0];
  }
  return entries.filter(({ host }) => hostKey(host) === home).sort(byAge)[0];
}

const byHost = (a: Listing, b: Listing): number => (hostKey(a.host) < hostKey(b.host) ? -1 : 1);

/** The latest stay first. */
const byAge = (a: Listing, b: Listing): number => (a.entry.uid > b.entry.uid ? -1 : 1);

/**
 * Whether an entry is void for good: the stay that it was entered for is over. While the Placement is still in that stay,
 * any of its entries may become its place.
 */
export function isStray(placement: Placement, { host, entry }: Listing): boolean {
  const home = heldAt(placement);
  if (home === undefined) return entry.uid !== claimOf(placement);
  const isLater = (other: Entry) => placementOf(other) === placementOf(entry) && other.uid > entry.uid;
  return home !== hostKey(host) || entriesOf(host).some(isLater);
}

/** Hosts of Placements, and those that were one and still have some. */
export const keepsLedger = (host: HostObject): boolean => isHost(host) || entriesOf(host).length > 0;
