// VM hosts of one namespace as the scheduler sees them: one node each, its ledger's entries as reservations.
import { isDeepStrictEqual } from 'node:util';
import { drainedFor } from '../../api/draining.ts';
import type { Device, Host, Instance, Placement, Site } from '../../api/generated.ts';
import { QuantityError } from '../../api/quantity.ts';
import { InvalidInputError } from '../errors.ts';
import { NodeTable } from '../table.ts';
import type { Node, NodeHold } from '../types.ts';
import { amountsIn } from './amounts.ts';
import {
  amountsOf,
  type Entry,
  entriesOf,
  type HostObject,
  homeOf,
  hostKey,
  isForeign,
  placementOf,
} from './ledger-entries.ts';
import { traitsOf } from './placement-request.ts';

/** What is known of one host: all that its node is made of. */
export interface HostFacts {
  readonly host: HostObject;
  readonly device?: Device | undefined;
  readonly site?: Site | undefined;
}

export const isHost = (host: HostObject): boolean => isForeign(host) || host.spec.vmHost?.enabled === true;

/** The host's node. Ties go to the lowest name. Throws QuantityError. */
export function hostNode({ host, device, site }: HostFacts): Node {
  return isForeign(host) ? foreignNode(host) : instanceNode(host, device, site);
}

function foreignNode(host: Host): Node {
  const { metadata, spec } = host;
  const hold = foreignHold(host);
  return {
    id: hostKey(host),
    name: metadata.name,
    labels: metadata.labels ?? {},
    pool: spec.pool ?? 'default',
    site: spec.site ?? '',
    region: spec.region ?? '',
    zone: spec.zone ?? '',
    rack: spec.rack ?? '',
    dedicated: spec.dedicated ?? false,
    taints: spec.taints ?? [],
    capacity: amountsIn(spec.resources),
    reserved: amountsIn(spec.reserved ?? {}),
    overcommit: factorsOf(spec.overcommit),
    maxPlacements: spec.maxPlacements ?? 100,
    schedulable: hold === undefined,
    hold,
  };
}

/** One that nobody has said anything of is taken for ready: it was written by hand. */
function foreignHold({ metadata, spec, status }: Host): NodeHold | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (metadata.deletionTimestamp !== undefined) return 'being deleted';
  if (spec.unschedulable) return 'cordoned';
  return (ready?.status ?? 'True') === 'True' ? undefined : 'not ready';
}

function instanceNode(instance: Instance, device: Device | undefined, site: Site | undefined): Node {
  const { metadata, spec, status } = instance;
  const { capacity } = status ?? {};
  const { resources, overcommit, reserved, taints, maxPlacements, dedicated } = spec.vmHost ?? {};
  const hold = holdOf(instance, device);
  return {
    id: metadata.name,
    name: metadata.name,
    labels: metadata.labels ?? {},
    pool: device?.spec.pool ?? 'default',
    site: device?.spec.site ?? '',
    region: site?.spec.region ?? '',
    zone: site?.spec.zone ?? device?.spec.site ?? '',
    rack: device?.spec.location?.rack ?? '',
    dedicated: dedicated ?? false,
    taints: taints ?? [],
    capacity: amountsIn({ ...resources, cpu: capacity?.cpu ?? 0, memory: capacity?.memory ?? 0 }),
    reserved: amountsIn(reserved ?? {}),
    overcommit: factorsOf(overcommit),
    maxPlacements: maxPlacements ?? 100,
    schedulable: hold === undefined,
    hold,
  };
}

const factorsOf = (overcommit: Readonly<Record<string, number | undefined>> = {}): Record<string, number> =>
  Object.fromEntries(
    Object.entries(overcommit).flatMap(([name, factor]) => (factor === undefined ? [] : [[name, factor]])),
  );

/** Why the host takes nothing new. What it has stays. */
export function holdOf(instance: Instance, device: Device | undefined): NodeHold | undefined {
  const { phase, conditions } = instance.status ?? {};
  const isReady = conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (instance.metadata.deletionTimestamp !== undefined) return 'being deleted';
  const leaving = drainedFor(instance, device);
  if (leaving) return leaving === 'Maintenance' ? 'in maintenance' : 'to be reinstalled';
  return phase === 'Running' && isReady ? undefined : 'not ready';
}

/** Above what any Placement may have: nobody takes the place of one that is not known, nor room that was promised. */
const HIGHEST = 2 ** 31 - 1;

/** Its room is for whoever redeems it, who is about to take it up. */
const isPromised = ({ status }: Placement): boolean => status?.phase === 'Redeemed';

/** The node table of a namespace, kept from round to round: only hosts of which something changed are looked at again. */
export class HostTable {
  readonly table = new NodeTable();
  readonly #known = new Map<string, HostFacts>();
  /** By uid. */
  #placements: ReadonlyMap<string, Placement> = new Map();
  #growth = 0;
  #binds = 0;

  /** Changes whenever there may be room for one for whom there was none: whatever happens but that something is given away. */
  get growth(): number {
    return this.#growth;
  }

  /** Changes whenever something is given away. */
  get binds(): number {
    return this.#binds;
  }

  /** Something that was taken is free. */
  grew(): void {
    this.#growth++;
  }

  /** Something that was free is taken. */
  bound(): void {
    this.#binds++;
  }

  /**
   * Makes the table say what `hosts` and `placements`, all there are, say. Gives the hosts that it cannot make a node of; they
   * are left out.
   */
  update(hosts: Iterable<HostFacts>, placements: readonly Placement[]): ReadonlyMap<string, Error> {
    const before = this.#placements;
    this.#placements = new Map(placements.map((placement) => [placement.metadata.uid!, placement]));
    for (const [uid, placement] of this.#placements) {
      const home = homeOf(placement);
      const known = before.get(uid);
      if (known === placement || home === undefined) continue;
      // What a Placement is to others may have changed while its host has not.
      this.#describe(home, uid);
      this.bound();
      if (known && !isDeepStrictEqual(traitsOf(known), traitsOf(placement))) this.grew();
    }
    const gone = new Set(this.#known.keys());
    const unreadable = new Map<string, Error>();
    for (const facts of hosts) {
      const name = hostKey(facts.host);
      const known = this.#known.get(name);
      if (known && sameFacts(known, facts)) gone.delete(name);
      else {
        const error = this.#take(facts);
        if (error) unreadable.set(name, error);
        else gone.delete(name);
      }
    }
    for (const name of gone) this.forget(name);
    return unreadable;
  }

  /** The host as the table has it. */
  host(key: string): HostObject | undefined {
    return this.#known.get(key)?.host;
  }

  /** Has the host looked at again by the next update, as if it had never been seen. */
  forget(name: string): void {
    this.#known.delete(name);
    this.grew();
    for (const { id } of this.table.reservations(name)) this.table.release(id);
    this.table.remove(name);
  }

  /** Enters again what a host that is known holds for a Placement. */
  #describe(host: string, uid: string): void {
    const known = this.#known.get(host)?.host;
    for (const entry of known ? entriesOf(known) : []) {
      if (placementOf(entry) === uid) this.#enter(host, known?.metadata.namespace ?? '', entry);
    }
  }

  /** An entry whose Placement is not known counts for what it takes, and for nothing else. */
  #enter(host: string, tenant: string, entry: Entry): void {
    const placement = this.#placements.get(placementOf(entry));
    this.table.reserve(host, {
      id: reservationId(host, entry.uid),
      tenant,
      resources: amountsOf(entry),
      ...(placement && traitsOf(placement)),
      priority: placement === undefined || isPromised(placement) ? HIGHEST : (placement.spec.priority ?? 0),
    });
  }

  #take(facts: HostFacts): Error | undefined {
    const { host } = facts;
    const { namespace = '' } = host.metadata;
    const name = hostKey(host);
    try {
      const node = hostNode(facts);
      const known = this.#known.get(name);
      if (!known || !isDeepStrictEqual(hostNode(known), node)) this.grew();
      const entries = new Set(entriesOf(host).map(({ uid }) => reservationId(name, uid)));
      this.table.upsert(node);
      for (const { id } of this.table.reservations(name)) {
        if (entries.has(id)) continue;
        this.table.release(id);
        this.grew();
      }
      for (const entry of entriesOf(host)) this.#enter(name, namespace, entry);
      this.bound();
      this.#known.set(name, facts);
      return undefined;
    } catch (error) {
      if (error instanceof QuantityError || error instanceof InvalidInputError) return error;
      throw error;
    }
  }
}

/** By host too: while two schedulers race, a Placement may stand in two ledgers, and counts in both. */
export const reservationId = (host: string, uid: string): string => `${host}/${uid}`;

/** The uid of the Placement that a reservation is for. */
export const placementOfReservation = (id: string): string => id.slice(id.lastIndexOf('/') + 1).split('@', 1)[0]!;

/** Objects in caches never change: a change is another object. */
const sameFacts = (a: HostFacts, b: HostFacts): boolean =>
  a.host === b.host && a.device === b.device && a.site === b.site;
