// One round of a namespace: ledgers are set right, Placements that wait get a place, and all are told.
//
// Flow: survey → plan (which entry leaves or enters which ledger) → quotas → ledgers, one guarded write a host → marks.
// Guarantees: a host's ledger is the truth about its capacity and is written under its object's resourceVersion, on the
// version that the plan was made on; so whoever else writes it, its sum never exceeds what was there. A Placement is marked
// as bound only to a host whose ledger has it, and entered there only when its namespace's quotas have it. An entry leaves only when its Placement, by the server's word, is gone,
// leaving, or past the stay that it was entered for: whoever is sent away starts another stay first. What a crash interrupts, the next round finishes from the ledger.
import { drainedFor } from '../../lib/api/draining.ts';
import type { Placement } from '../../lib/api/generated.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { Log } from '../../lib/observe/log.ts';
import { type Clock, timestamp } from '../../lib/runtime/clock.ts';
import { done, type Result } from '../../lib/runtime/reconcile.ts';
import type { Configured } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { type HostFacts, HostTable, isHost } from '../../lib/scheduler/kubernetes/hosts.ts';
import { type HostObject, isForeign } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { Configuration } from '../../lib/scheduler/profiles.ts';
import { Scheduler } from '../../lib/scheduler/scheduler.ts';
import { commit } from './commit.ts';
import { type Displacement, evicted, preempted } from './displace.ts';
import { createEffort, type Effort } from './effort.ts';
import { Gangs, isGangMember } from './gangs.ts';
import { isFirst, judge, type Refusal } from './judge.ts';
import { requestedMoves } from './moves.ts';
import { Plan } from './plan.ts';
import { PlacementQuotas } from './quotas.ts';
import { type PlacementCaches, Records } from './records.ts';
import { Redemptions } from './redeem.ts';
import { Refusals } from './refusals.ts';
import { awaitsReservation } from './status.ts';
import { survey } from './survey.ts';
import { answer, displace, giveUp, mark, redeem, refuse, type Telling } from './tell.ts';
import { bringBack, clearClaims, clearStrays, findLost } from './verify.ts';

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

interface Table {
  readonly hosts: HostTable;
  readonly scheduler: Scheduler;
  readonly configuration: Configuration;
  readonly refusals: Refusals;
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
  const records = new Records(client, caches);
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
    const ledgers = records.hosts(namespace);
    const placements = records.placements(namespace);
    const quotas = records.quotas(namespace);
    if (ledgers.length === 0 && placements.length === 0 && quotas.length === 0) {
      tables.delete(namespace);
      return done;
    }
    const configuration = configured.current();
    const { hosts, scheduler, refusals: known } = tableOf(namespace, configuration);
    for (const [host, error] of hosts.update(ledgers.filter(isHost).map(factsOf), placements)) {
      log.error({ namespace, host, err: error }, 'host left out: its amounts cannot be read');
    }
    const effort = createEffort(log, signal);
    const telling: Telling = { records, effort, events, signal, now };
    const found = survey(ledgers, placements);
    const plan = new Plan(hosts, scheduler, configuration, known);
    const isClear = await clearStrays(telling, found, plan);
    for (const { entries } of found.leaving) for (const listing of entries) plan.remove(listing);
    const limits = new PlacementQuotas(quotas, found, placements);
    await clearClaims(telling, limits, namespace);
    await bringBack(telling, found, plan);
    const gangs = new Gangs(found, placements);
    const redemptions = new Redemptions(found, placements);
    await findLost(telling, redemptions, ledgers, limits);
    const refusals = placeWaiting(found.waiting, { redemptions, gangs, limits, plan, known, effort });
    if (known.isBehind) effort.again();
    // Where an entry is void and still there, its room is about to be free.
    const displaced = isClear ? displacements(refusals, placements, hosts, plan) : [];
    const moves = isClear ? requestedMoves(placements, displaced, plan, now()) : { displaced: [], answers: [] };
    plan.end();
    const marks = await commit(telling, plan.changes, hosts, limits);
    const marked = gangs.whole([...found.unmarked, ...marks]);
    if (marked.length < found.unmarked.length + marks.length) effort.again();
    await mark(telling, marked);
    const refused = refusals.map(({ placement }) => placement);
    await giveUp(telling, gangs.halves(refused), 'GangIncomplete', 'others of its gang found no place');
    await redeem(telling, redemptions, found.outdated);
    const unused = new Set(limits.holding(refused.filter((each) => !redemptions.isCommitted(each))));
    await giveUp(telling, [...unused], 'NoPlace', 'others may have its part of the quota');
    await displace(telling, [...displaced, ...moves.displaced]);
    await answer(telling, moves.answers);
    // Where a bind failed, only the next round knows what is left for the others.
    const news = refusals.filter((refusal) => !unused.has(refusal.placement));
    if (marks.length === plan.binds) await refuse(telling, plan.binds > 0 ? news.filter(isFirst) : news);
    return effort.result();
  }

  function tableOf(namespace: string, configuration: Configuration): Table {
    const kept = tables.get(namespace);
    if (kept?.configuration === configuration) return kept;
    const hosts = kept?.hosts ?? new HostTable();
    const scheduler = new Scheduler(hosts.table, configuration.profiles);
    const made = { hosts, scheduler, configuration, refusals: new Refusals() };
    tables.set(namespace, made);
    return made;
  }

  function factsOf(host: HostObject): HostFacts {
    const device = isForeign(host) ? undefined : caches.devices.get(host.status?.deviceName ?? '');
    return { host, device, site: device && caches.sites.get(device.spec.site) };
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

  return round;
}

interface Deciding {
  readonly redemptions: Redemptions;
  readonly gangs: Gangs;
  readonly limits: PlacementQuotas;
  readonly plan: Plan;
  readonly known: Refusals;
  readonly effort: Effort;
}

/** Decides for one after the other, in turn. Gives those for which there is no host. */
function placeWaiting(
  waiting: readonly Placement[],
  { redemptions, gangs, limits, plan, known, effort }: Deciding,
): Refusal[] {
  const refusals: Refusal[] = [];
  let binds = 0;
  for (const placement of redemptions.inTurn(waiting)) {
    const together = gangs.turnOf(placement);
    if (together.length === 0 || together.some((member) => limits.isUnclear(member))) continue;
    if (known.wouldOvertake(placement)) break;
    const turn = awaitsReservation(placement) ? redemptions.serve(placement, limits, plan) : 'ordinary';
    const refusal = turn === 'ordinary' ? judge(together, gangs, limits, plan) : turn;
    if (typeof refusal === 'object') refusals.push(...together.map((member) => ({ placement: member, ...refusal })));
    else if (refusal === undefined) limits.enter(together);
    if (refusal === undefined || refusal === 'placed') binds += together.length;
    if (binds + redemptions.size >= MOST_BINDS || known.isSpent) {
      effort.again(0);
      break;
    }
  }
  return refusals;
}
