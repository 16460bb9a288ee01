// What a round changes in the ledgers: gathered per host, so that each host is written once.
import type { Placement } from '../../lib/api/generated.ts';
import { QuantityError } from '../../lib/api/quantity.ts';
import { InvalidInputError } from '../../lib/scheduler/errors.ts';
import type { HostTable } from '../../lib/scheduler/kubernetes/hosts.ts';
import { placementOfReservation, reservationId } from '../../lib/scheduler/kubernetes/hosts.ts';
import { type HostObject, hostKey } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { placementRequest, profileOf } from '../../lib/scheduler/kubernetes/placement-request.ts';
import type { Configuration } from '../../lib/scheduler/profiles.ts';
import type { Scheduler } from '../../lib/scheduler/scheduler.ts';
import type { Request, Reservation, Resources } from '../../lib/scheduler/types.ts';
import { claimOf, entryFor, withEntries } from './ledger.ts';
import type { Refusals } from './refusals.ts';
import type { Listing } from './survey.ts';

export interface Bind {
  readonly placement: Placement;
  readonly score: number;
  /** The uid of the entry that goes out as this comes in. */
  readonly replaces?: string | undefined;
}

/** What becomes of one host's ledger. */
export interface HostChange {
  readonly host: HostObject;
  readonly removed: Set<string>;
  readonly binds: Bind[];
}

/** `isInvalid`: what it asks for is no request that any host could meet. */
export interface Refused {
  readonly refusal: string;
  readonly isInvalid: boolean;
}

export type Answer = { readonly host: string; readonly score: number } | Refused;

/** The changes of one round, and what the table looks like with them. */
export class Plan {
  readonly #hosts: HostTable;
  readonly #scheduler: Scheduler;
  readonly #configuration: Configuration;
  readonly #refusals: Refusals;
  readonly #changes = new Map<string, HostChange>();
  /** Reservations that end with the plan. */
  readonly #kept: string[] = [];

  constructor(hosts: HostTable, scheduler: Scheduler, configuration: Configuration, refusals: Refusals) {
    this.#refusals = refusals;
    refusals.begin();
    this.#hosts = hosts;
    this.#scheduler = scheduler;
    this.#configuration = configuration;
  }

  /** Why a Placement cannot be decided for yet: it names a profile that there is not. */
  missingProfile(placement: Placement): string | undefined {
    const { profiles } = this.#configuration;
    const name = profileOf(placement, this.#configuration);
    if (profiles.has(name)) return undefined;
    return `there is no profile ${name}: the scheduler's configuration has ${[...profiles.keys()].join(', ')}`;
  }

  get changes(): readonly HostChange[] {
    return [...this.#changes.values()];
  }

  /** How many Placements it gives a place. */
  get binds(): number {
    return this.changes.reduce((sum, { binds }) => sum + binds.length, 0);
  }

  /** Takes an entry out of the host's ledger; what it held is free for this round's binds on that host. */
  remove({ host, entry }: Listing): void {
    this.#change(host).removed.add(entry.uid);
    this.#hosts.table.release(reservationId(hostKey(host), entry.uid));
    this.#hosts.grew();
  }

  /** Puts all of them somewhere, or none. Gives why not, if so. */
  placeTogether(placements: readonly Placement[]): Refused | undefined {
    return this.#refusedStill(placements, () => {
      const requests = placements.map((placement) => this.#request(placement));
      const { places, unschedulable } = this.#scheduler.decideGang(requests);
      if (places === undefined) return { refusal: unschedulable.message, isInvalid: false };
      placements.forEach((placement, index) => {
        this.#bind(placement, requests[index]!, places[index]!);
      });
      return undefined;
    });
  }

  /** Finds the best host and puts the Placement there; on `host` or nowhere, where that is given. */
  place(placement: Placement, host?: string): Answer {
    if (host !== undefined) return this.#place(placement, host);
    return this.#refusedStill([placement], () => this.#place(placement, undefined));
  }

  /** Puts the Placement where this entry is, on that host: one goes out as the other comes in. */
  exchange({ host, entry }: Listing, placement: Placement): Answer {
    const key = hostKey(host);
    const lifted = this.#lift(key, entry.uid);
    const answer = this.#place(placement, key, entry.uid);
    if (!('refusal' in answer)) this.#hosts.grew();
    else if (lifted) this.#hosts.table.reserve(key, lifted);
    return answer;
  }

  /** Why `exchange` would be refused; undefined where not, and then what it takes beyond the entry is kept until the plan is over. */
  noRoomInPlaceOf({ host, entry }: Listing, placement: Placement): Refused | undefined {
    const key = hostKey(host);
    const lifted = this.#lift(key, entry.uid);
    const refused = unlessInvalid(() => {
      const request = this.#request(placement, key);
      const { node, unschedulable } = this.#scheduler.decide(request);
      if (node === undefined) return { refusal: unschedulable.message, isInvalid: false };
      this.#keep(node, { ...request, resources: beyond(request.resources, lifted?.resources) });
      return undefined;
    });
    if (lifted) this.#hosts.table.reserve(key, lifted);
    return refused;
  }

  /**
   * Whom to send away so that Placements that found no host, one or a gang, get their places: the uids of their Placements. The
   * room is kept for them until the plan is over. Undefined where no lower priorities are in the way, or they may not leave.
   */
  makeRoom(together: readonly Placement[]): readonly string[] | undefined {
    const requests = together.map((placement) => this.#request(placement));
    const [alone] = requests;
    const single = requests.length === 1 && alone ? this.#scheduler.preempt(alone) : undefined;
    const found = requests.length === 1 ? single && [single] : this.#scheduler.preemptGang(requests);
    if (found === undefined) return undefined;
    return found.flatMap(({ node, victims }, index) => {
      this.#keep(node, requests[index]!);
      return victims.map(placementOfReservation);
    });
  }

  /** Why a Placement that has a host cannot have one here; undefined where it can, and then its room is kept until the plan is over. */
  noRoomOn(placement: Placement, host: string): string | undefined {
    const request = this.#request(placement, host);
    const { node, unschedulable } = this.#scheduler.decide(request);
    if (node === undefined) return unschedulable.message;
    this.#keep(node, request);
    return undefined;
  }

  /** Whether there is another host for a Placement that has one. Its room is kept until the plan is over. */
  canMove(placement: Placement): boolean {
    const request = this.#request(placement);
    const { node } = this.#scheduler.decide(request);
    if (node === undefined) return false;
    this.#keep(node, request);
    return true;
  }

  /** The plan is over: what was kept for the next one is no fact yet. */
  end(): void {
    if (this.#kept.length > 0) this.#hosts.grew();
    for (const id of this.#kept.splice(0)) this.#hosts.table.release(id);
  }

  /** The refusal that is known of them, or what `attempt` comes to. */
  #refusedStill<T extends object | undefined>(together: readonly Placement[], attempt: () => T | Refused): T | Refused {
    const epoch = { growth: this.#hosts.growth, binds: this.#hosts.binds };
    const known = this.#refusals.recall(together, epoch);
    if (known) return known;
    const answer = unlessInvalid(attempt);
    if (answer !== undefined && 'refusal' in answer) this.#refusals.note(together, epoch, answer);
    return answer;
  }

  #place(placement: Placement, host: string | undefined, replaces?: string): Answer {
    return unlessInvalid(() => {
      const request = this.#request(placement, host);
      const decision = this.#scheduler.decide(request);
      if (decision.node === undefined) return { refusal: decision.unschedulable.message, isInvalid: false };
      this.#bind(placement, request, decision, replaces);
      return { host: decision.node, score: decision.score };
    });
  }

  /** Takes what an entry holds out of the table, for a moment. */
  #lift(host: string, uid: string): Reservation | undefined {
    const id = reservationId(host, uid);
    const held = this.#hosts.table.reservations(host).find((each) => each.id === id);
    this.#hosts.table.release(id);
    return held;
  }

  /** Where the profile of one that has a place is gone, it stays by the default one. */
  #request(placement: Placement, host?: string): Request {
    const { profiles } = this.#configuration;
    const profile = profileOf(placement, this.#configuration);
    return placementRequest(placement, profiles.has(profile) ? profile : 'default', host);
  }

  #bind(
    placement: Placement,
    request: Request,
    { node, score }: { node: string; score: number },
    replaces?: string,
  ): void {
    this.#hosts.table.reserve(node, { ...request, id: reservationId(node, claimOf(placement)) });
    this.#hosts.bound();
    this.#change(this.#hosts.host(node)!).binds.push({ placement, score, replaces });
  }

  #keep(node: string, request: Request): void {
    const id = `kept/${request.id}`;
    this.#hosts.table.reserve(node, { ...request, id });
    this.#kept.push(id);
  }

  #change(host: HostObject): HostChange {
    const name = hostKey(host);
    const change = this.#changes.get(name) ?? { host, removed: new Set(), binds: [] };
    this.#changes.set(name, change);
    return change;
  }
}

function unlessInvalid<T>(attempt: () => T): T | Refused {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof QuantityError || error instanceof InvalidInputError)
      return { refusal: error.message, isInvalid: true };
    throw error;
  }
}

const beyond = (wanted: Resources, held: Resources = {}): Resources =>
  Object.fromEntries(Object.entries(wanted).map(([name, amount]) => [name, Math.max(0, amount - (held[name] ?? 0))]));

/** The host's status with the change in its ledger. */
export const ledgerAfter = <H extends HostObject>(host: H, { removed, binds }: HostChange): NonNullable<H['status']> =>
  withEntries(
    host,
    new Set([...removed, ...binds.flatMap(({ replaces }) => replaces ?? [])]),
    binds.map(({ placement }) => entryFor(placement)),
  );
