// What a tenant may have: one quota's limits by amount, and what counts against them (a namespace's CapacityQuota).
//
// Amounts are by name, as resources are: `cpu` in millicores, `memory` in bytes, and counts such as `placements`, `devices` or
// `devices.gp.large`. A tenant may have several quotas; all of them hold. What one does not name it does not limit.
import { formatBytes, formatMillicores } from '../api/quantity.ts';
import type { Resources } from './types.ts';
import { checkResources } from './validate.ts';

export interface Excess {
  readonly quota: string;
  readonly name: string;
  readonly asked: number;
  readonly used: number;
  readonly limit: number;
}

export class QuotaAccount {
  readonly name: string;
  readonly limits: Resources;
  readonly #charges = new Map<string, Resources>();
  readonly #used = new Map<string, number>();

  constructor(name: string, limits: Resources) {
    checkResources('quota', name, limits);
    this.name = name;
    this.limits = { ...limits };
  }

  /** Whether it limits any of these amounts. */
  concerns(amounts: Resources): boolean {
    return Object.entries(amounts).some(([name, amount]) => amount > 0 && Object.hasOwn(this.limits, name));
  }

  has(id: string): boolean {
    return this.#charges.has(id);
  }

  /** Counts what is claimed, under an id; the same id again replaces what it counted before. Never refused: it is a fact. */
  charge(id: string, amounts: Resources): void {
    checkResources('reservation', 'amounts', amounts);
    this.refund(id);
    const charge = { ...amounts };
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

  /** Of what it limits. */
  get used(): Resources {
    return Object.fromEntries(Object.keys(this.limits).map((name) => [name, this.#used.get(name) ?? 0]));
  }

  /** Where that much more would go beyond a limit; nothing when it may be had. Amounts of 0 are never too much. */
  excess(amounts: Resources): Excess[] {
    return Object.entries(this.limits).flatMap(([name, limit]) => {
      const [asked, used] = [amounts[name] ?? 0, this.#used.get(name) ?? 0];
      return asked > 0 && used + asked > limit ? [{ quota: this.name, name, asked, used, limit }] : [];
    });
  }

  #count(amounts: Resources, sign: 1 | -1): void {
    for (const [name, amount] of Object.entries(amounts)) {
      const sum = (this.#used.get(name) ?? 0) + sign * amount;
      if (sum === 0) this.#used.delete(name);
      else this.#used.set(name, sum);
    }
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

/** The same words without how much is used, which changes all the time: what is refused, and by which limits. */
export const withoutUse = (message: string): string => message.replaceAll(/ used: [^;]*?, limited:/g, ' limited:');

function messageOf(quota: string, excess: readonly Excess[]): string {
  const list = (of: (each: Excess) => number) =>
    excess.map((each) => `${each.name}=${quantity(each.name, of(each))}`).join(',');
  const [asked, used, limit] = [list((each) => each.asked), list((each) => each.used), list((each) => each.limit)];
  return `exceeded quota: ${quota}, requested: ${asked}, used: ${used}, limited: ${limit}`;
}

/** As a Kubernetes quantity. */
export function quantity(name: string, amount: number): string {
  if (name === 'cpu') return formatMillicores(amount);
  return name === 'memory' || name === 'storage' ? formatBytes(amount) : String(amount);
}
