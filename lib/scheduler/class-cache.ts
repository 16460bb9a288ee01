// Keeps the indexes of the classes that are in use, within a bound of memory.
//
// A class is kept from its second request on: one that comes once (or somebody who sends nothing but new ones) costs a look
// at all nodes, and pushes nothing out. The one not used for longest goes first.
import { ClassIndex } from './class-index.ts';
import { Layout, type Scope } from './layout.ts';
import { compileClass, type Profile, signatureOf } from './pipeline.ts';
import { nodeName, pool } from './plugins/location.ts';
import { hashOf, type Part, SignatureMap } from './signature.ts';
import type { NodeTable } from './table.ts';
import type { Lease } from './topology.ts';
import type { Request } from './types.ts';

/** About 12 bytes each: 256 classes over 100,000 nodes. */
const MAX_LEAVES = 2 ** 25;
const REMEMBERED = 1024;

interface Entry {
  /** Of its signature. */
  readonly hash: number;
  /** The number of its latest use. */
  usedAt: number;
  /** That it was counted with. */
  leaves: number;
  readonly index: ClassIndex;
  readonly layout: SharedLayout;
  readonly lease: Lease;
}

interface SharedLayout {
  readonly name: string;
  readonly layout: Layout;
  readonly lease: Lease;
  users: number;
}

export class ClassCache {
  readonly #table: NodeTable;
  readonly #maxLeaves: number;
  readonly #entries = new SignatureMap<Entry>();
  readonly #layouts = new Map<string, SharedLayout>();
  /** Hashes of signatures met once, lately. */
  readonly #met = new Set<number>();
  readonly #signature: Part[] = [];
  #leaves = 0;
  #uses = 0;

  constructor(table: NodeTable, maxLeaves: number = MAX_LEAVES) {
    this.#table = table;
    this.#maxLeaves = maxLeaves;
  }

  /** How many classes are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Lends the index of the request's class. */
  use<T>(profile: Profile, request: Request, take: (index: ClassIndex) => T): T {
    const signature = signatureOf(profile, request, this.#table, this.#signature);
    const hash = hashOf(signature);
    const kept = this.#entries.get(hash, signature);
    if (kept === undefined) return this.#useNew(hash, [...signature], profile, request, take);
    kept.usedAt = ++this.#uses;
    const result = take(kept.index);
    if (kept.index.leaves !== kept.leaves) this.#makeRoom(kept);
    return result;
  }

  clear(): void {
    for (const entry of this.#entries.values()) this.#dispose(entry);
    this.#entries.clear();
    this.#met.clear();
    this.#leaves = 0;
  }

  #useNew<T>(
    hash: number,
    signature: readonly Part[],
    profile: Profile,
    request: Request,
    take: (index: ClassIndex) => T,
  ): T {
    const entry = this.#create(hash, profile, request);
    try {
      return take(entry.index);
    } finally {
      if (this.#isMetAgain(hash)) {
        this.#entries.add(hash, signature, entry);
        this.#makeRoom(entry);
      } else {
        this.#dispose(entry);
      }
    }
  }

  #isMetAgain(hash: number): boolean {
    if (this.#met.delete(hash)) return true;
    this.#met.add(hash);
    if (this.#met.size > REMEMBERED) this.#met.delete(this.#met.values().next().value!);
    return false;
  }

  /** Counts an entry's leaves as they are now; lets go of the classes that were not used for longest, save the one in use. */
  #makeRoom(entry: Entry): void {
    this.#leaves += entry.index.leaves - entry.leaves;
    entry.leaves = entry.index.leaves;
    while (this.#leaves > this.#maxLeaves && this.#entries.size > 1) {
      const oldest = [...this.#entries.values()].reduce((one, other) => (other.usedAt < one.usedAt ? other : one));
      this.#leaves -= oldest.leaves;
      this.#entries.delete(oldest.hash, oldest);
      this.#dispose(oldest);
    }
  }

  #create(hash: number, profile: Profile, request: Request): Entry {
    const lease = this.#table.lease();
    const requestClass = compileClass(profile, request, this.#table, lease);
    const layout = this.#shareLayout(profile, scopeOf(profile, request), requestClass.keys);
    const index = new ClassIndex(requestClass, layout.layout);
    return { hash, usedAt: ++this.#uses, leaves: 0, index, layout, lease };
  }

  #shareLayout(profile: Profile, scope: Scope, keys: readonly string[]): SharedLayout {
    const name = JSON.stringify([profile.name, scope, keys]);
    const shared = this.#layouts.get(name) ?? this.#createLayout(name, profile, scope, keys);
    shared.users++;
    return shared;
  }

  #createLayout(name: string, profile: Profile, scope: Scope, keys: readonly string[]): SharedLayout {
    const lease = this.#table.lease();
    const shared = { name, layout: new Layout(this.#table, profile, scope, keys, lease), lease, users: 0 };
    this.#layouts.set(name, shared);
    return shared;
  }

  #dispose({ index, layout, lease }: Entry): void {
    index.dispose();
    lease.end();
    layout.users--;
    if (layout.users > 0) return;
    layout.lease.end();
    this.#layouts.delete(layout.name);
  }
}

/** What the first two filters leave, if the profile has them. */
function scopeOf(profile: Profile, request: Request): Scope {
  if (request.node !== undefined && profile.filters.includes(nodeName)) return { node: request.node };
  return profile.filters.includes(pool) ? { pool: request.pool } : {};
}
