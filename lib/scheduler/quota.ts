// What a tenant may have: limits by amount, and what counts against them (a namespace's CapacityQuotas).
//
// Amounts are by name, as resources are: `cpu` in millicores, `memory` in bytes, and counts such as `placements`, `devices` or
// `devices/gp.large`. A tenant may have several quotas; all of them hold. What they do not name is not limited.
import type { Resources } from './types.ts';
import { checkResources } from './validate.ts';

export interface Excess {
  readonly quota: string;
  readonly name: string;
  readonly asked: number;
  readonly used: number;
  readonly limit: number;
}

interface Charge {
  readonly tenant: string;
  readonly amounts: Resources;
}

export class QuotaLedger {
  readonly #limits = new Map<string, Map<string, Resources>>();
  readonly #charges = new Map<string, Charge>();
  readonly #used = new Map<string, Map<string, number>>();

  /** Sets one of a tenant's quotas, or takes it away. Lowering one below what is used takes nothing from anybody. */
  setLimits(tenant: string, quota: string, limits: Resources | undefined): void {
    if (limits) checkResources('quota', quota, limits);
    const ofTenant = this.#limits.get(tenant) ?? new Map<string, Resources>();
    if (limits) ofTenant.set(quota, { ...limits });
    else ofTenant.delete(quota);
    if (ofTenant.size > 0) this.#limits.set(tenant, ofTenant);
    else this.#limits.delete(tenant);
  }

  /** Counts what is bound, under an id; the same id again replaces what it counted before. Never refused: it is a fact. */
  charge(id: string, tenant: string, amounts: Resources): void {
    checkResources('reservation', 'amounts', amounts);
    this.refund(id);
    const charge = { tenant, amounts: { ...amounts } };
    this.#charges.set(id, charge);
    this.#count(charge, 1);
  }

  /** Takes back what an id counted; false when it counted nothing. */
  refund(id: string): boolean {
    const charge = this.#charges.get(id);
    if (charge === undefined) return false;
    this.#charges.delete(id);
    this.#count(charge, -1);
    return true;
  }

  used(tenant: string): Resources {
    return Object.fromEntries(this.#used.get(tenant) ?? []);
  }

  /** Where that much more would go beyond a limit; nothing when it may be had. Amounts of 0 are never too much. */
  excess(tenant: string, amounts: Resources): Excess[] {
    const used = this.#used.get(tenant);
    return [...(this.#limits.get(tenant) ?? [])].flatMap(([quota, limits]) =>
      Object.entries(limits).flatMap(([name, limit]) => {
        const [asked, now] = [amounts[name] ?? 0, used?.get(name) ?? 0];
        return asked > 0 && now + asked > limit ? [{ quota, name, asked, used: now, limit }] : [];
      }),
    );
  }

  #count({ tenant, amounts }: Charge, sign: 1 | -1): void {
    const used = this.#used.get(tenant) ?? new Map<string, number>();
    for (const [name, amount] of Object.entries(amounts)) {
      const sum = (used.get(name) ?? 0) + sign * amount;
      if (sum === 0) used.delete(name);
      else used.set(name, sum);
    }
    if (used.size > 0) this.#used.set(tenant, used);
    else this.#used.delete(tenant);
  }
}

/** `exceeded quota: small, requested: cpu=8, used: cpu=60, limited: cpu=64`, as Kubernetes' ResourceQuota says it. */
export function quotaMessage(excess: readonly Excess[]): string {
  const quotas = [...new Set(excess.map(({ quota }) => quota))];
  return quotas
    .map((quota) =>
      messageOf(
        quota,
        excess.filter((each) => each.quota === quota),
      ),
    )
    .join('; ');
}

function messageOf(quota: string, excess: readonly Excess[]): string {
  const list = (of: (each: Excess) => number) =>
    excess.map((each) => `${each.name}=${quantity(each.name, of(each))}`).join(',');
  const [asked, used, limit] = [list((each) => each.asked), list((each) => each.used), list((each) => each.limit)];
  return `exceeded quota: ${quota}, requested: ${asked}, used: ${used}, limited: ${limit}`;
}

const SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** As a Kubernetes quantity: millicores for cpu, the largest binary suffix that leaves a whole number for bytes. */
function quantity(name: string, amount: number): string {
  if (name === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  if (name !== 'memory' && name !== 'storage') return String(amount);
  let power = 0;
  let left = amount;
  while (left > 0 && left % 1024 === 0 && power < SUFFIXES.length - 1) {
    left /= 1024;
    power++;
  }
  return `${left}${SUFFIXES[power]}`;
}
