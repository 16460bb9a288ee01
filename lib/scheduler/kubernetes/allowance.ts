// The CapacityQuotas of one namespace as one round sees and changes them: who stands in their ledgers, and what is left.
//
// A ledger is `status.claims` of a CapacityQuota. A claim is entered before what it counts is bound, under the quota's
// resourceVersion, and taken out when what it was entered for can never be bound any more. So whoever else writes it, and
// wherever anybody is interrupted, what is bound within a quota is in its ledger, and a ledger grows by new binds up to its
// limits only. What was bound before there was a quota, or while its ledger was lost, is entered as the fact that it is.
import type { CapacityQuota } from '../../api/generated.ts';
import { QuantityError } from '../../api/quantity.ts';
import type { ReasonOf } from '../../api/reasons.ts';
import { type Excess, QuotaAccount, quantity, quotaMessage } from '../quota.ts';
import type { Resources } from '../types.ts';
import { amountsIn, quantitiesOf, sumOf } from './amounts.ts';

export type QuotaStatus = NonNullable<CapacityQuota['status']>;
type Entry = NonNullable<QuotaStatus['claims']>[number];

/**
 * What counts against quotas. `uid` is its holder's, and after an `@` for what the holder was entered: a Placement's stay in the
 * queue, an Instance's device in one version. A ledger has one claim of a holder at most.
 */
export interface Claim {
  readonly uid: string;
  readonly kind: Entry['kind'];
  readonly name: string;
  readonly amounts: Resources;
}

/** As many as an API object can hold with ease. */
export const MOST_CLAIMS = 4000;

/** The uid of the object that a claim is of. */
export const holderOf = ({ uid }: Pick<Claim, 'uid'>): string => uid.split('@', 1)[0]!;

/** What a Placement counts that asks for these. */
export const placementAmounts = (resources: Resources): Resources => ({ placements: 1, ...resources });

/** What a whole device of a type counts. */
export const deviceAmounts = (type: string | undefined): Resources => ({
  devices: 1,
  ...(type !== undefined && { [`devices.${type}`]: 1 }),
});

interface Ledger {
  /** As it is known to be written. */
  quota: CapacityQuota;
  readonly account: QuotaAccount;
  readonly claims: Map<string, Claim>;
  /** Uids of those that are not known to be written. */
  readonly fresh: Set<string>;
}

export class Allowance {
  readonly #ledgers: Ledger[] = [];
  /** By quota, why it cannot be counted by. */
  readonly #unreadable = new Map<CapacityQuota, string>();

  constructor(quotas: readonly CapacityQuota[]) {
    for (const quota of quotas.toSorted(byName)) {
      try {
        this.#ledgers.push(ledgerOf(quota));
      } catch (error) {
        if (!(error instanceof QuantityError)) throw error;
        this.#unreadable.set(quota, error.message);
      }
    }
  }

  /** All claims of a kind, each once, whatever ledgers they stand in. */
  claims(kind: Claim['kind']): readonly Claim[] {
    const all = new Map<string, Claim>();
    for (const { claims } of this.#ledgers) for (const claim of claims.values()) all.set(claim.uid, claim);
    return [...all.values()].filter((claim) => claim.kind === kind);
  }

  /** Why these cannot all be entered; undefined when they can. What is entered already costs nothing more. */
  refusal(wanted: readonly Claim[]): string | undefined {
    for (const [{ metadata }, problem] of this.#unreadable) return `quota ${metadata.name} cannot be read: ${problem}`;
    const excess: Excess[] = [];
    for (const { account, claims } of this.#ledgers) {
      const more = wanted.filter(({ uid, amounts }) => !claims.has(uid) && account.concerns(amounts));
      if (more.length === 0) continue;
      excess.push(...account.excess(sumOf(more.map(({ amounts }) => amounts))));
      if (claims.size + more.length > MOST_CLAIMS)
        return `quota ${account.name} holds ${claims.size} claims, the most that it can`;
    }
    return excess.length === 0 ? undefined : quotaMessage(excess);
  }

  /** Enters a claim where it concerns a limit. What there is too much of is entered too: ask `refusal` first, unless it is a fact. */
  enter(claim: Claim): void {
    for (const { account, claims, fresh } of this.#concerned(claim)) {
      if (!claims.has(claim.uid)) {
        if (claims.size >= MOST_CLAIMS) continue;
        fresh.add(claim.uid);
      }
      claims.set(claim.uid, claim);
      account.charge(claim.uid, claim.amounts);
    }
  }

  /** Takes a claim out of all ledgers. */
  drop(uid: string): void {
    for (const { account, claims } of this.#ledgers) if (claims.delete(uid)) account.refund(uid);
  }

  /** Takes a claim out where it was entered in vain: where it stood before, somebody else may be about to bind by it. */
  undo(uid: string): void {
    for (const { account, claims, fresh } of this.#ledgers) {
      if (!fresh.delete(uid)) continue;
      claims.delete(uid);
      account.refund(uid);
    }
  }

  /** What there is to write: quotas as they are known to be, and what their status should say. `now` is RFC 3339. */
  changes(now: string): { readonly quota: CapacityQuota; readonly status: QuotaStatus }[] {
    return [
      ...this.#ledgers.map((ledger) => ({ quota: ledger.quota, status: statusOf(ledger, now) })),
      ...[...this.#unreadable].map(([quota, problem]) => ({
        quota,
        status: { ...quota.status, ...told(quota, problem, now) },
      })),
    ];
  }

  /** Notes that a quota's change was written. */
  wrote(quota: CapacityQuota, written: CapacityQuota): void {
    for (const ledger of this.#ledgers) {
      if (ledger.quota !== quota) continue;
      ledger.quota = written;
      ledger.fresh.clear();
    }
  }

  #concerned({ amounts }: Claim): Ledger[] {
    return this.#ledgers.filter(({ account }) => account.concerns(amounts));
  }
}

const byName = (a: CapacityQuota, b: CapacityQuota): number => (a.metadata.name < b.metadata.name ? -1 : 1);

function ledgerOf(quota: CapacityQuota): Ledger {
  const account = new QuotaAccount(quota.metadata.name, amountsIn(quota.spec.hard));
  const claims = new Map<string, Claim>();
  for (const entry of quota.status?.claims ?? []) {
    const amounts = amountsIn(entry.amounts);
    claims.set(entry.uid, { ...entry, amounts });
    account.charge(entry.uid, amounts);
  }
  return { quota, account, claims, fresh: new Set() };
}

function statusOf({ quota, account, claims }: Ledger, now: string): QuotaStatus {
  const { used, limits } = account;
  const names = Object.keys(limits).sort();
  return {
    ...told(quota, undefined, now),
    summary: names.map((name) => `${name}: ${quantity(name, used[name]!)}/${quantity(name, limits[name]!)}`).join(', '),
    used: quantitiesOf(used),
    claims: [...claims.values()].map(({ uid, kind, name, amounts }) => ({
      uid,
      kind,
      name,
      amounts: quantitiesOf(amounts),
    })),
  };
}

function told(
  { metadata, status }: CapacityQuota,
  problem: string | undefined,
  now: string,
): Pick<QuotaStatus, 'observedGeneration' | 'conditions'> {
  const { generation } = metadata;
  const observedGeneration = generation === undefined ? {} : { observedGeneration: generation };
  const since = (type: string, state: string) => {
    const old = status?.conditions?.find((condition) => condition.type === type);
    return old?.status === state ? old.lastTransitionTime : now;
  };
  const condition = (type: string, state: 'True' | 'False', reason: ReasonOf<'CapacityQuota'>, message: string) => ({
    type,
    status: state,
    reason,
    message,
    lastTransitionTime: since(type, state),
    ...observedGeneration,
  });
  const conditions =
    problem === undefined
      ? [condition('Ready', 'True', 'Counting', 'claims are held to it')]
      : [condition('Ready', 'False', 'Unreadable', problem), condition('Stalled', 'True', 'Unreadable', problem)];
  return { ...observedGeneration, conditions };
}
