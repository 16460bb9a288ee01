// What there is to do in a namespace: its Placements held against the ledgers of its hosts.
import type { Instance, Placement } from '../../lib/api/generated.ts';
import { isDeleting } from '../../lib/runtime/finalizers.ts';
import { isHost } from './hosts.ts';
import { entriesOf } from './ledger.ts';
import { boundTo, isMarked } from './status.ts';

/** An entry of a host's ledger whose Placement is not there, or is bound to another host. */
export interface StrayEntry {
  readonly host: Instance;
  readonly uid: string;
  /** Of the Placement. */
  readonly name: string;
}

export interface Survey {
  /** Without a place, and in no ledger. */
  readonly waiting: Placement[];
  /** In a ledger, but not marked as bound there: what was interrupted is finished. Also marks that are out of date. */
  readonly unmarked: { placement: Placement; host: Instance }[];
  /** Marked as bound to a host whose ledger knows nothing of it. */
  readonly unlisted: { placement: Placement; host: Instance }[];
  /** Marked as bound to a host that is not there. */
  readonly homeless: Placement[];
  /** On their way out, with the hosts whose ledgers still have them. */
  readonly leaving: { placement: Placement; hosts: readonly Instance[] }[];
  readonly strays: StrayEntry[];
}

export function survey(hosts: readonly Instance[], placements: readonly Placement[]): Survey {
  const result: Survey = { waiting: [], unmarked: [], unlisted: [], homeless: [], leaving: [], strays: [] };
  const byUid = new Map(placements.map((placement) => [placement.metadata.uid!, placement]));
  const byName = new Map(hosts.map((host) => [host.metadata.name, host]));
  const listedOn = new Map<string, Instance[]>();
  for (const host of hosts) {
    for (const { uid, name } of entriesOf(host)) {
      const listing = listedOn.get(uid);
      if (listing) listing.push(host);
      else listedOn.set(uid, [host]);
      const placement = byUid.get(uid);
      const home = placement && boundTo(placement);
      const isStray = !placement || (home !== undefined && home !== host.metadata.name && !isDeleting(placement));
      if (isStray) result.strays.push({ host, uid, name });
    }
  }
  for (const placement of placements) {
    const listing = listedOn.get(placement.metadata.uid!) ?? [];
    const home = boundTo(placement);
    if (isDeleting(placement)) result.leaving.push({ placement, hosts: listing });
    else if (home === undefined) {
      // Whoever looks picks the same one.
      const host = listing.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0];
      if (host) result.unmarked.push({ placement, host });
      else result.waiting.push(placement);
    } else {
      const host = byName.get(home);
      if (!host) result.homeless.push(placement);
      else if (!listing.includes(host)) result.unlisted.push({ placement, host });
      else if (!isMarked(placement, host)) result.unmarked.push({ placement, host });
    }
  }
  return result;
}

/** Hosts of Placements, and those that were one and still have some. */
export const keepsLedger = (instance: Instance): boolean => isHost(instance) || entriesOf(instance).length > 0;
