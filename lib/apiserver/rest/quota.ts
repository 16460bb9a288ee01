// ResourceQuota: how many objects of a kind a namespace may hold. Counted here, over all that is stored and on its way to disk,
// so that creates at the same time cannot exceed a quota together.
//
// Counted are "count/PLURAL.GROUP" for every kind, custom ones too, and the old names of some core kinds. What pods ask for
// (cpu, memory) is not: there are no pods.
import { asText, at, isObject, type Json, type JsonObject } from '../json.ts';
import { groupResource, type Resource } from '../resources/resource.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { forbidden } from '../status.ts';
import type { Store } from '../store/store.ts';

export const QUOTAS = 'resourcequotas';

/** Core kinds that may be counted under their bare names. */
const OLD_NAMES = new Set(['configmaps', 'resourcequotas', 'secrets']);
/** Events come and go by themselves, and no quota stops them. */
const NOT_COUNTED = new Set(['events']);

/** The names under which quotas count a resource. */
export function countedAs({ group, plural, collection }: Pick<Resource, 'group' | 'plural' | 'collection'>): string[] {
  if (NOT_COUNTED.has(collection)) return [];
  const name = `count/${group ? `${plural}.${group}` : plural}`;
  return group === '' && OLD_NAMES.has(plural) ? [plural, name] : [name];
}

/** The limits that count objects, by the name they are counted under. Scopes are about pods: a quota with one counts nothing else. */
export function countLimits(quota: JsonObject): { readonly [name: string]: Json | undefined } {
  const hard = at(quota, ['spec', 'hard']);
  const scopes = at(quota, ['spec', 'scopes']);
  if (!isObject(hard) || (Array.isArray(scopes) && scopes.length > 0)) return {};
  return Object.fromEntries(Object.entries(hard).filter(([name]) => name.startsWith('count/') || OLD_NAMES.has(name)));
}

const splitKey = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')));
const place = (collection: string, namespace: string): string => `${collection} ${namespace}`;

export class Quotas {
  readonly #store: Store;
  /** "collection namespace" → how many are stored. */
  readonly #stored = new Map<string, number>();
  /** "collection namespace" → keys on their way to disk. */
  readonly #coming = new Map<string, Set<string>>();

  constructor(store: Store) {
    this.#store = store;
    for (const collection of store.collections()) {
      for (const { key } of store.list(collection, { prefix: '' })) this.#add(collection, splitKey(key), 1);
    }
    store.watchAll(({ collection, key, next, previous }) => {
      const namespace = splitKey(key);
      if (!namespace) return;
      if (next && !previous) {
        this.#add(collection, namespace, 1);
        this.#arrived(collection, namespace, key);
      } else if (previous && !next) this.#add(collection, namespace, -1);
    });
  }

  #add(collection: string, namespace: string, change: number): void {
    if (!namespace) return;
    const where = place(collection, namespace);
    const count = (this.#stored.get(where) ?? 0) + change;
    if (count > 0) this.#stored.set(where, count);
    else this.#stored.delete(where);
  }

  #arrived(collection: string, namespace: string, key: string): void {
    const where = place(collection, namespace);
    const coming = this.#coming.get(where);
    coming?.delete(key);
    if (coming?.size === 0) this.#coming.delete(where);
  }

  /** How many objects of a collection a namespace holds. */
  count(collection: string, namespace: string): number {
    return this.#stored.get(place(collection, namespace)) ?? 0;
  }

  /** @throws ApiError 403 when one more object would exceed a quota */
  check(resource: Resource, namespace: string, name: string): void {
    if (!resource.namespaced) return;
    const names = countedAs(resource);
    const used =
      this.count(resource.collection, namespace) + (this.#coming.get(place(resource.collection, namespace))?.size ?? 0);
    for (const { object: quota } of this.#store.list(QUOTAS, { prefix: `${namespace}/` })) {
      const hard = countLimits(quota);
      const exceeded = names.filter((counted) => used + 1 > limitOf(hard[counted])).sort();
      if (exceeded.length === 0) continue;
      const told = (amount: (counted: string) => string) =>
        exceeded.map((counted) => `${counted}=${amount(counted)}`).join(',');
      const why = [
        `exceeded quota: ${quota.metadata.name}`,
        `requested: ${told(() => '1')}`,
        `used: ${told(() => String(used))}`,
        `limited: ${told((counted) => asText(hard[counted]))}`,
      ];
      throw forbidden(groupResource(resource), name, why.join(', '));
    }
  }

  /** Counts an object while it is written, until it shows in the store or fails. */
  async reserve<T>(resource: Resource, namespace: string, key: string, write: () => Promise<T>): Promise<T> {
    if (!resource.namespaced) return write();
    const where = place(resource.collection, namespace);
    this.#coming.set(where, (this.#coming.get(where) ?? new Set()).add(key));
    try {
      return await write();
    } finally {
      this.#arrived(resource.collection, namespace, key);
    }
  }
}

function limitOf(hard: Json | undefined): number {
  if (hard === undefined) return Number.POSITIVE_INFINITY;
  return parseQuantity(typeof hard === 'number' ? String(hard) : asText(hard)) ?? Number.POSITIVE_INFINITY;
}
