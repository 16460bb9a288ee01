// One round of a namespace: ledgers are set right, Placements that wait get a place, and all are told.
//
// Flow: survey → plan (which entry leaves or enters which ledger) → quotas → ledgers, one guarded write a host → marks.
// Guarantees: a host's ledger is the truth about its capacity and is written under its object's resourceVersion, on the
// version that the plan was made on; so whoever else writes it, its sum never exceeds what was there. A Placement is marked
// as bound only to a host whose ledger has it, and entered there only when its namespace's quotas have it. An entry leaves only when its Placement, by the server's word, is gone,
// leaving, or past the stay that it was entered for: whoever is sent away starts another stay first. What a crash interrupts, the next round finishes from the ledger.
import type { Caches } from '../../lib/api/caches.ts';
import { drainedFor } from '../../lib/api/draining.ts';
import type { Placement } from '../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, HOSTS, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { replaceStatus } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isNotFound } from '../../lib/kube/errors.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { KubeObject, ObjectName, Resource } from '../../lib/kube/resource.ts';
import type { Log } from '../../lib/observe/log.ts';
import { type Clock, timestamp } from '../../lib/runtime/clock.ts';
import { OwnWrites } from '../../lib/runtime/own-writes.ts';
import { done, type Result } from '../../lib/runtime/reconcile.ts';
import { type Claim, holderOf } from '../../lib/scheduler/kubernetes/allowance.ts';
import type { Configured } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { type HostFacts, HostTable, isHost } from '../../lib/scheduler/kubernetes/hosts.ts';
import {
  type HostObject,
  homeOf,
  hostKey,
  isForeign,
  isForeignKey,
  nameIn,
  placementOf,
} from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { Configuration } from '../../lib/scheduler/profiles.ts';
import { Scheduler } from '../../lib/scheduler/scheduler.ts';
import { type Displacement, evicted, preempted } from './displace.ts';
import { createEffort, type Effort } from './effort.ts';
import { Gangs, isGangMember } from './gangs.ts';
import { isChanged, isFirst, judge, type Refusal, UNSCHEDULABLE } from './judge.ts';
import { type MoveAnswer, requestedMoves } from './moves.ts';
import { type HostChange, ledgerAfter, Plan } from './plan.ts';
import { isVoid, PlacementQuotas } from './quotas.ts';
import { Redemptions } from './redeem.ts';
import {
  anew,
  awaitsReservation,
  bound,
  boundTo,
  moving,
  type PlacementReason,
  type PlacementStatus,
  pending,
  redeemed,
  takingUp,
  unschedulable,
  waitingSince,
  wasTold,
} from './status.ts';
import { isStray, keepsLedger, type Listing, type Survey, survey } from './survey.ts';

/** The index of hosts, Placements and quotas that rounds use. */
export const BY_NAMESPACE = 'placement/namespace';

type PlacementCaches = Pick<Caches, 'instances' | 'hosts' | 'placements' | 'quotas' | 'devices' | 'sites'>;

export interface RoundDeps {
  readonly client: KubeClient;
  readonly caches: PlacementCaches;
  readonly events: EventRecorder;
  readonly log: Log;
  readonly clock: Clock;
  readonly configured: Configured;
}

/** Binds of one round at most: whoever comes meanwhile with a higher priority does not wait for the whole queue. */
const MOST_BINDS = 500;
/** Refusals told in one round at most. */
const MOST_REFUSALS = 200;

interface Table {
  readonly hosts: HostTable;
  readonly scheduler: Scheduler;
  readonly configuration: Configuration;
}

interface Mark {
  readonly placement: Placement;
  readonly host: HostObject;
  readonly score?: number;
}

/** Gives the function that runs one round of a namespace. Never run two at once for the same one. */
export function createRounds({
  client,
  caches,
  events,
  log,
  clock,
  configured,
}: RoundDeps): (namespace: string, signal: AbortSignal) => Promise<Result> {
  const ownInstances = new OwnWrites(caches.instances);
  const ownForeign = new OwnWrites(caches.hosts);
  const latest = (host: HostObject): HostObject =>
    isForeign(host) ? ownForeign.latest(host) : ownInstances.latest(host);
  const ownPlacements = new OwnWrites(caches.placements);
  const ownQuotas = new OwnWrites(caches.quotas);
  /** Kept for speed alone: brought up to date from the caches at the start of each round. */
  const tables = new Map<string, Table>();
  const now = () => timestamp(clock.now());

  async function round(namespace: string, signal: AbortSignal): Promise<Result> {
    try {
      return await inNamespace(namespace, signal);
    } catch (error) {
      // It may have ended anywhere, with the table ahead of the ledgers.
      tables.delete(namespace);
      throw error;
    }
  }

  async function inNamespace(namespace: string, signal: AbortSignal): Promise<Result> {
    const ledgers = [
      ...caches.instances.byIndex(BY_NAMESPACE, namespace),
      ...caches.hosts.byIndex(BY_NAMESPACE, namespace),
    ]
      .map(latest)
      .filter(keepsLedger);
    const placements = caches.placements
      .byIndex(BY_NAMESPACE, namespace)
      .map((placement) => ownPlacements.latest(placement));
    const quotas = caches.quotas.byIndex(BY_NAMESPACE, namespace).map((quota) => ownQuotas.latest(quota));
    if (ledgers.length === 0 && placements.length === 0 && quotas.length === 0) {
      tables.delete(namespace);
      return done;
    }
    const configuration = configured.current();
    const { hosts, scheduler } = tableOf(namespace, configuration);
    for (const [host, error] of hosts.update(ledgers.filter(isHost).map(factsOf), placements)) {
      log.error({ namespace, host, err: error }, 'host left out: its amounts cannot be read');
    }
    const effort = createEffort(log, signal);
    const found = survey(ledgers, placements);
    const plan = new Plan(hosts, scheduler, configuration);
    const isClear = await clearStrays(found, plan, effort, signal);
    for (const { entries } of found.leaving) for (const listing of entries) plan.remove(listing);
    const limits = new PlacementQuotas(quotas, found, placements);
    await clearClaims(limits, namespace, effort, signal);
    await bringBack(found, plan, effort, signal);
    const gangs = new Gangs(found, placements);
    const redemptions = new Redemptions(found, placements);
    await findLost(redemptions, ledgers, limits, effort, signal);
    const refusals = placeWaiting(found.waiting, redemptions, gangs, limits, plan, effort);
    // Where an entry is void and still there, its room is about to be free.
    const displaced = isClear ? displacements(refusals, placements, hosts, plan) : [];
    const moves = isClear ? requestedMoves(placements, displaced, plan, now()) : { displaced: [], answers: [] };
    plan.end();
    const marks = await commit(plan.changes, hosts, limits, effort, signal);
    const marked = gangs.whole([...found.unmarked, ...marks]);
    if (marked.length < found.unmarked.length + marks.length) effort.again();
    await mark(marked, effort, signal);
    const refused = refusals.map(({ placement }) => placement);
    await giveUp(gangs.halves(refused), 'GangIncomplete', 'others of its gang found no place', effort, signal);
    await redeem(redemptions, found.outdated, effort, signal);
    const unused = new Set(limits.holding(refused.filter((each) => !redemptions.isCommitted(each))));
    await giveUp([...unused], 'NoPlace', 'others may have its part of the quota', effort, signal);
    await displace([...displaced, ...moves.displaced], effort, signal);
    await answer(moves.answers, effort, signal);
    // Where a bind failed, only the next round knows what is left for the others.
    const news = refusals.filter((refusal) => !unused.has(refusal.placement));
    if (marks.length === plan.binds) await refuse(plan.binds > 0 ? news.filter(isFirst) : news, effort, signal);
    return effort.result();
  }

  function tableOf(namespace: string, configuration: Configuration): Table {
    const kept = tables.get(namespace);
    if (kept?.configuration === configuration) return kept;
    const hosts = kept?.hosts ?? new HostTable();
    const made = { hosts, scheduler: new Scheduler(hosts.table, configuration.profiles), configuration };
    tables.set(namespace, made);
    return made;
  }

  function factsOf(host: HostObject): HostFacts {
    const device = isForeign(host) ? undefined : caches.devices.get(host.status?.deviceName ?? '');
    return { host, device, site: device && caches.sites.get(device.spec.site) };
  }

  async function live<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    try {
      return await client.get(resource, name, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The host of this key, by the server's word. */
  const liveHost = (
    namespace: string | undefined,
    key: string,
    signal: AbortSignal,
  ): Promise<HostObject | undefined> => {
    const name = nameIn(key);
    return isForeignKey(key) ? live(HOSTS, { namespace, name }, signal) : live(INSTANCES, { namespace, name }, signal);
  };

  async function writeLedger(change: HostChange, signal: AbortSignal): Promise<HostObject> {
    const { host } = change;
    if (isForeign(host))
      return ownForeign.note(host, await replaceStatus(client, HOSTS, host, ledgerAfter(host, change), { signal }));
    return ownInstances.note(host, await replaceStatus(client, INSTANCES, host, ledgerAfter(host, change), { signal }));
  }

  /** Plans the removal of entries that are void by the server's word. Gives whether all were. */
  async function clearStrays({ strays }: Survey, plan: Plan, effort: Effort, signal: AbortSignal): Promise<boolean> {
    const isOver = async (listing: Listing) => {
      const { namespace } = listing.host.metadata;
      const placement = await live(PLACEMENTS, { namespace, name: listing.entry.name }, signal);
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

  /** Plans the removal of claims that are void by the server's word. */
  async function clearClaims(
    limits: PlacementQuotas,
    namespace: string,
    effort: Effort,
    signal: AbortSignal,
  ): Promise<void> {
    const subject = (): KubeObject => limits.quotas[0]!;
    const isOver = async (claim: Claim) => {
      const placement = await live(PLACEMENTS, { namespace, name: claim.name }, signal);
      return placement?.metadata.uid !== holderOf(claim) || isVoid(placement, claim);
    };
    for (const [claim, over] of await effort.each(limits.strays, subject, isOver)) {
      if (over) limits.clear(claim);
    }
    if (limits.isAnyUnclear) effort.again();
  }

  /** Gives whether all quotas are as they were planned. */
  async function writeQuotas(limits: PlacementQuotas, effort: Effort, signal: AbortSignal): Promise<boolean> {
    const changes = limits.allowance.changes(now());
    const written = await effort.each(
      changes,
      ({ quota }) => quota,
      async ({ quota, status }) =>
        ownQuotas.note(quota, await replaceStatus(client, CAPACITY_QUOTAS, quota, status, { signal })),
    );
    for (const [{ quota }, now] of written) limits.allowance.wrote(quota, now);
    return written.length === changes.length;
  }

  function displacements(
    refusals: readonly Refusal[],
    placements: readonly Placement[],
    hosts: HostTable,
    plan: Plan,
  ): Displacement[] {
    const byUid = new Map(placements.map((placement) => [placement.metadata.uid!, placement]));
    const refused = refusals.filter(({ wantsRoom }) => wantsRoom).map(({ placement }) => placement);
    const units = Map.groupBy(refused, (placement) =>
      isGangMember(placement) ? placement.spec.group?.name : placement,
    );
    const leaves = (key: string) => {
      const host = hosts.host(key);
      if (!host || isForeign(host)) return undefined;
      const { deviceName } = host.status ?? {};
      return drainedFor(host, deviceName === undefined ? undefined : caches.devices.get(deviceName));
    };
    const victims = preempted([...units.values()], byUid, plan);
    const stay = placements.filter((placement) => !victims.some((victim) => victim.placement === placement));
    return [...victims, ...evicted(stay, leaves, plan)];
  }

  /** Has them wait anew: what they were entered for is over, and the next round gives their room to others. */
  async function displace(displaced: readonly Displacement[], effort: Effort, signal: AbortSignal): Promise<void> {
    if (displaced.length > 0) effort.again(0);
    await effort.each(
      displaced,
      ({ placement }) => placement,
      async ({ placement, reason, why, move }) => {
        const status =
          move === undefined ? pending(placement, reason, why, now()) : moving(placement, move, why, now());
        await write(placement, status, signal);
        events.event(placement, move === undefined ? 'Warning' : 'Normal', reason, why);
      },
    );
  }

  /** Tells what became of requests by which nobody moves. */
  async function answer(answers: readonly MoveAnswer[], effort: Effort, signal: AbortSignal): Promise<void> {
    await effort.each(
      answers,
      ({ placement }) => placement,
      ({ placement, handled }) => write(placement, { ...placement.status, requests: { move: handled } }, signal),
    );
  }

  /**
   * Placements marked as bound where no ledger has them. The host is gone: they wait again. The ledger lost them: they get
   * their entry back where there is room.
   */
  async function bringBack(
    { homeless, unlisted }: Survey,
    plan: Plan,
    effort: Effort,
    signal: AbortSignal,
  ): Promise<void> {
    const lost: { placement: Placement; why: string }[] = [];
    const names = new Set(
      [...homeless, ...unlisted.map(({ placement }) => placement)].map((placement) => boundTo(placement)!),
    );
    const namespace = (homeless[0] ?? unlisted[0]?.placement)?.metadata.namespace;
    const subject = () => (homeless[0] ?? unlisted[0]?.placement)!;
    const asked = await effort.each(names, subject, (key) => liveHost(namespace, key, signal));
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
        await write(placement, pending(placement, 'HostGone', `${why}: waits for another`, now()), signal);
        events.event(placement, 'Warning', 'HostGone', why);
      },
    );
  }

  /** Where a reservation's room is gone with its host, or with that host's ledger, its redeemer is placed as any other. */
  async function findLost(
    redemptions: Redemptions,
    hosts: readonly HostObject[],
    limits: PlacementQuotas,
    effort: Effort,
    signal: AbortSignal,
  ): Promise<void> {
    const known = new Map(hosts.map((host) => [hostKey(host), host.metadata.resourceVersion]));
    const now = await effort.each(
      redemptions.missing,
      ({ redeemer }) => redeemer,
      ({ reservation }) => liveHost(reservation.metadata.namespace, homeOf(reservation) ?? '', signal),
    );
    for (const [held, host] of now) {
      if (host?.metadata.resourceVersion === known.get(homeOf(held.reservation) ?? '')) {
        redemptions.lose(held);
        limits.release(held.reservation);
      } else effort.again();
    }
  }

  /** Notes who goes for which reservation, and who gets it. The next round goes on from there. */
  async function redeem(
    { begun, given, size }: Redemptions,
    outdated: readonly Placement[],
    effort: Effort,
    signal: AbortSignal,
  ): Promise<void> {
    if (size > 0) effort.again(0);
    await effort.each(
      begun,
      ({ redeemer }) => redeemer,
      ({ redeemer, reservation }) => write(redeemer, takingUp(redeemer, reservation, now()), signal),
    );
    await effort.each(
      given,
      ({ reservation }) => reservation,
      async ({ reservation, redeemer }) => {
        const { name, uid } = redeemer.metadata;
        await write(reservation, redeemed(reservation, { name, uid: uid! }, now()), signal);
        events.event(reservation, 'Normal', 'Redeemed', `taken up by ${name}`);
      },
    );
    await effort.each(
      outdated,
      (reservation) => reservation,
      (reservation) => write(reservation, redeemed(reservation, reservation.status!.redeemedBy!, now()), signal),
    );
  }

  /** Decides for one after the other, in turn. Gives those for which there is no host. */
  function placeWaiting(
    waiting: readonly Placement[],
    redemptions: Redemptions,
    gangs: Gangs,
    limits: PlacementQuotas,
    plan: Plan,
    effort: Effort,
  ): Refusal[] {
    const refusals: Refusal[] = [];
    let binds = 0;
    for (const placement of redemptions.inTurn(waiting)) {
      const together = gangs.turnOf(placement);
      if (together.length === 0 || together.some((member) => limits.isUnclear(member))) continue;
      const turn = awaitsReservation(placement) ? redemptions.serve(placement, limits, plan) : 'ordinary';
      const refusal = turn === 'ordinary' ? judge(together, gangs, limits, plan) : turn;
      if (typeof refusal === 'object') refusals.push(...together.map((member) => ({ placement: member, ...refusal })));
      else if (refusal === undefined) limits.enter(together);
      if (refusal === undefined || refusal === 'placed') binds += together.length;
      if (binds + redemptions.size >= MOST_BINDS) {
        effort.again(0);
        break;
      }
    }
    return refusals;
  }

  /** They hold up no longer what they were entered for, of hosts or of quotas, and cannot use. */
  async function giveUp(
    those: readonly Placement[],
    reason: PlacementReason,
    why: string,
    effort: Effort,
    signal: AbortSignal,
  ): Promise<void> {
    if (those.length > 0) effort.again(0);
    await effort.each(
      those,
      (placement) => placement,
      (placement) => write(placement, anew(placement, reason, why, now()), signal),
    );
  }

  /** Writes the ledgers. Gives what to mark: Placements whose host's ledger has them now. */
  async function commit(
    changes: readonly HostChange[],
    hosts: HostTable,
    limits: PlacementQuotas,
    effort: Effort,
    signal: AbortSignal,
  ): Promise<Mark[]> {
    const isCounted = await writeQuotas(limits, effort, signal);
    const safe = isCounted ? changes : changes.map((change) => ({ ...change, binds: [] }));
    const written = await effort.each(
      safe,
      ({ host }) => host,
      (change) => writeLedger(change, signal),
    );
    const changed = new Set(written.map(([change]) => hostKey(change.host)));
    for (const { host, binds } of changes) {
      const isWhole = changed.has(hostKey(host)) && (isCounted || binds.length === 0);
      // The table is ahead of the ledger.
      if (!isWhole) hosts.forget(hostKey(host));
    }
    return written.flatMap(([{ binds }, host]) => binds.map(({ placement, score }) => ({ placement, host, score })));
  }

  async function mark(marks: readonly Mark[], effort: Effort, signal: AbortSignal): Promise<void> {
    await effort.each(
      marks,
      ({ placement }) => placement,
      async ({ placement, host, score }) => {
        await write(placement, bound(placement, host, now(), score), signal);
        if (boundTo(placement) === hostKey(host)) return;
        const { namespace, name } = placement.metadata;
        events.event(
          placement,
          'Normal',
          'Scheduled',
          `Successfully assigned ${namespace}/${name} to ${hostKey(host)}`,
        );
      },
    );
  }

  /** Tells why there is no host: first those who have not heard it at all. */
  async function refuse(refusals: readonly Refusal[], effort: Effort, signal: AbortSignal): Promise<void> {
    const first = refusals.filter(isFirst);
    const news = [...first, ...refusals.filter((refusal) => !isFirst(refusal) && isChanged(refusal))];
    if (news.length > MOST_REFUSALS) effort.again(0);
    await effort.each(
      news.slice(0, MOST_REFUSALS),
      ({ placement }) => placement,
      async ({ placement, reason, message, isInvalid }) => {
        const status =
          reason === UNSCHEDULABLE
            ? unschedulable(placement, message, now(), isInvalid)
            : pending(placement, reason, message, now());
        await write(placement, status, signal);
        if (wasTold(placement, reason, message)) return;
        events.event(placement, 'Warning', 'FailedScheduling', message);
      },
    );
  }

  async function write(placement: Placement, status: PlacementStatus, signal: AbortSignal): Promise<void> {
    ownPlacements.note(placement, await replaceStatus(client, PLACEMENTS, placement, status, { signal }));
  }

  return round;
}
