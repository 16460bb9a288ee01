// Whose turn it is: the higher priority first; within a priority fair between tenants; within a tenant the oldest first.
//
// Fair is dominant resource fairness (Ghodsi and others, NSDI 2011): next comes the tenant whose largest share of any
// resource, divided by its weight, is smallest; what it gets a turn for counts at once, whether or not it finds a place.
import { InvalidInputError } from './errors.ts';
import type { Resources } from './types.ts';

export interface Waiting {
  readonly tenant: string;
  readonly priority: number;
  /** Of a gang: of all its members together, since they have one turn. */
  readonly resources: Resources;
}

export interface Shares {
  /** All that there is. A resource that is missing here, or 0, makes no share. */
  readonly capacity: Resources;
  /** What tenants hold; nothing where missing. */
  readonly used: ReadonlyMap<string, Resources>;
  /** Above 0; 1 where missing. A tenant of weight 2 may have twice as much before others come first. */
  readonly weights?: ReadonlyMap<string, number>;
}

/**
 * The same items in the order of their turns; those of a tenant and priority stay in the order given. Throws
 * InvalidInputError for a weight that is none.
 */
export function inTurn<T extends Waiting>(waiting: readonly T[], shares: Shares): T[] {
  const standing = new Standing(shares);
  const byPriority = Map.groupBy(waiting, ({ priority }) => priority);
  const priorities = [...byPriority.keys()].sort((left, right) => right - left);
  return priorities.flatMap((priority) => takeTurns(byPriority.get(priority)!, standing));
}

function takeTurns<T extends Waiting>(waiting: readonly T[], standing: Standing): T[] {
  const queues = [...Map.groupBy(waiting, ({ tenant }) => tenant)].map(([tenant, items]) => ({
    tenant,
    items,
    next: 0,
  }));
  const heap = new Heap(queues, (left, right) => standing.compare(left.tenant, right.tenant));
  const turns: T[] = [];
  for (let first = heap.first; first !== undefined; first = heap.first) {
    const item = first.items[first.next++]!;
    turns.push(item);
    standing.add(item);
    if (first.next === first.items.length) heap.removeFirst();
    else heap.sinkFirst();
  }
  return turns;
}

/** Each tenant's dominant share, kept up to date. */
class Standing {
  readonly #shares: Shares;
  readonly #used = new Map<string, Map<string, number>>();
  readonly #dominant = new Map<string, number>();

  constructor(shares: Shares) {
    for (const [tenant, weight] of shares.weights ?? []) {
      if (!(weight > 0)) throw new InvalidInputError('quota', `weights.${tenant}`, 'must be above 0');
    }
    this.#shares = shares;
  }

  /** Among tenants with equal shares, by name. */
  compare(left: string, right: string): number {
    return this.#shareOf(left) - this.#shareOf(right) || (left < right ? -1 : 1);
  }

  add({ tenant, resources }: Waiting): void {
    const used = this.#usedBy(tenant);
    for (const [name, amount] of Object.entries(resources)) used.set(name, (used.get(name) ?? 0) + amount);
    this.#dominant.set(tenant, this.#compute(tenant));
  }

  #shareOf(tenant: string): number {
    const known = this.#dominant.get(tenant);
    if (known !== undefined) return known;
    const share = this.#compute(tenant);
    this.#dominant.set(tenant, share);
    return share;
  }

  #compute(tenant: string): number {
    const { capacity, weights } = this.#shares;
    let share = 0;
    for (const [name, amount] of this.#usedBy(tenant)) {
      const all = capacity[name] ?? 0;
      if (all > 0) share = Math.max(share, amount / all);
    }
    return share / (weights?.get(tenant) ?? 1);
  }

  #usedBy(tenant: string): Map<string, number> {
    const known = this.#used.get(tenant);
    if (known) return known;
    const used = new Map(Object.entries(this.#shares.used.get(tenant) ?? {}));
    this.#used.set(tenant, used);
    return used;
  }
}

/** A binary heap whose first item's place may change. */
class Heap<T> {
  readonly #items: T[];
  readonly #compare: (left: T, right: T) => number;

  constructor(items: readonly T[], compare: (left: T, right: T) => number) {
    this.#compare = compare;
    this.#items = items.toSorted(compare);
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  removeFirst(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.sinkFirst();
  }

  /** The first item became larger: puts it where it belongs. */
  sinkFirst(): void {
    const items = this.#items;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && this.#compare(items[child]!, items[least]!) < 0) least = child;
      }
      if (least === at) return;
      [items[at], items[least]] = [items[least]!, items[at]!];
      at = least;
    }
  }
}
