// Keeps the indexes of the classes that are in use, within a bound of memory.
//
// A class is kept from its second request on: one that comes once (or somebody who sends nothing but new ones) costs a look
// at all nodes, and pushes nothing out. The one not used for longest goes first.
import { Appraisal } from './appraisal.ts';
import { ClassIndex } from './class-index.ts';
import type { Winner } from './lane.ts';
import { Layouts } from './layouts.ts';
import { compileClass, type Profile, signatureOf } from './pipeline.ts';
import { hashOf, type Part, SignatureMap } from './signature.ts';
import type { NodeTable } from './table.ts';
import type { Lease } from './topology.ts';
import type { Request } from './types.ts';

const MAX_BYTES = 2 ** 29;
const REMEMBERED = 1024;

/** What a request asks of its class, the best first. */
export interface Answers {
  best(): Winner | undefined;
  /** Why nodes were turned away, by reason, when none is best. */
  refusals(): ReadonlyMap<string, number>;
}

interface Entry {
  /** Of its signature. */
  readonly hash: number;
  /** The number of its latest use. */
  usedAt: number;
  /** That it was counted with. */
  bytes: number;
  readonly index: ClassIndex;
  readonly lease: Lease;
}

export class ClassCache {
  readonly #table: NodeTable;
  readonly #maxBytes: number;
  readonly #entries = new SignatureMap<Entry>();
  readonly #layouts: Layouts;
  /** Hashes of signatures met once, lately. */
  readonly #met = new Set<number>();
  readonly #signature: Part[] = [];
  /** Of entries. */
  #bytes = 0;
  #uses = 0;

  constructor(table: NodeTable, maxBytes: number = MAX_BYTES) {
    this.#table = table;
    this.#layouts = new Layouts(table);
    this.#maxBytes = maxBytes;
  }

  /** How many classes are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Lends what answers for the request's class. */
  use<T>(profile: Profile, request: Request, take: (answers: Answers) => T): T {
    const signature = signatureOf(profile, request, this.#table, this.#signature);
    const hash = hashOf(signature);
    const kept = this.#entries.get(hash, signature);
    if (kept === undefined && !this.#isMetAgain(hash)) return this.#useOnce(profile, request, take);
    const entry = kept ?? this.#create(hash, [...signature], profile, request);
    entry.usedAt = ++this.#uses;
    const result = take(entry.index);
    if (entry.index.bytes !== entry.bytes) this.#makeRoom(entry);
    return result;
  }

  clear(): void {
    for (const entry of this.#entries.values()) this.#dispose(entry);
    this.#entries.clear();
    this.#met.clear();
    this.#layouts.tidy();
    this.#bytes = 0;
  }

  #useOnce<T>(profile: Profile, request: Request, take: (answers: Answers) => T): T {
    const appraisal = new Appraisal(this.#table, profile, request);
    try {
      return take(appraisal);
    } finally {
      appraisal.end();
    }
  }

  #isMetAgain(hash: number): boolean {
    if (this.#met.delete(hash)) return true;
    this.#met.add(hash);
    if (this.#met.size > REMEMBERED) this.#met.delete(this.#met.values().next().value!);
    return false;
  }

  /** Counts an entry as it is now; lets go of the classes that were not used for longest, save the one in use. */
  #makeRoom(entry: Entry): void {
    this.#bytes += entry.index.bytes - entry.bytes;
    entry.bytes = entry.index.bytes;
    while (this.#bytes + this.#layouts.bytes > this.#maxBytes && this.#entries.size > 1) {
      const oldest = [...this.#entries.values()].reduce((one, other) => (other.usedAt < one.usedAt ? other : one));
      this.#bytes -= oldest.bytes;
      this.#entries.delete(oldest.hash, oldest);
      this.#dispose(oldest);
      this.#layouts.tidy();
    }
  }

  #create(hash: number, signature: readonly Part[], profile: Profile, request: Request): Entry {
    const lease = this.#table.lease();
    const index = new ClassIndex(profile, compileClass(profile, request, this.#table, lease), this.#layouts);
    const entry = { hash, usedAt: 0, bytes: 0, index, lease };
    this.#entries.add(hash, signature, entry);
    return entry;
  }

  #dispose({ index, lease }: Entry): void {
    index.dispose();
    lease.end();
  }
}
