// The revision log in memory: what is committed, what is on its way to disk, and the recent past that watches resume from.
//
// A write is decided against the newest state, committed or not, and becomes visible to readers and watchers, and is
// answered, only after it is on disk. So nobody ever sees what a crash could take back.
import type { KubeObject } from '../json.ts';
import { type Change, Entry } from './entry.ts';
import { Log, type StorageError } from './log.ts';
import type { LogRecord } from './records.ts';
import { SortedKeys } from './sorted-keys.ts';

export interface StoreOptions {
  /** The database file. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How much of the past is kept for watches and continued lists; whichever ends first. */
  readonly history?: { readonly milliseconds: number; readonly bytes: number };
  /** The most that the file may grow to; writes beyond fail. As etcd's quota, but larger by default. */
  readonly maxBytes?: number;
  /** Collections whose objects are encrypted in the file. */
  readonly sealed?: readonly string[];
  /** The keys for that; made where there is none. By default the database's path and ".key". */
  readonly keyFile?: string;
}

/** The most characters that an object's JSON may have: a request's body at its limit, and what the server adds. */
export const OBJECT_LIMIT = 4 * 2 ** 20;

/** An object that has grown beyond OBJECT_LIMIT, patch by patch. */
export class ObjectTooLarge extends Error {
  override readonly name = 'ObjectTooLarge';
}

const MAX_BYTES = 8 * 2 ** 30;

const HISTORY = { milliseconds: 10 * 60_000, bytes: 48 * 2 ** 20 };

/** All objects of one resource, across namespaces. Keys are "namespace/name", or "name" for cluster-scoped ones. */
class Collection {
  readonly entries = new Map<string, Entry>();
  readonly keys = new SortedKeys();
  /** The newest state of keys with writes on their way to disk; undefined means deleted. */
  readonly pending = new Map<string, { revision: number; entry: Entry | undefined; done: Promise<void> }>();
  readonly listeners = new Set<(change: Change) => void>();

  set(key: string, entry: Entry | undefined): Entry | undefined {
    const previous = this.entries.get(key);
    if (entry) {
      this.entries.set(key, entry);
      if (!previous) this.keys.add(key);
    } else if (previous) {
      this.entries.delete(key);
      this.keys.delete(key);
    }
    return previous;
  }
}

/** An item of a snapshot in key order. */
export interface Range {
  /** "" for all, "namespace/" for one namespace. */
  readonly prefix: string;
  /** Starts behind this key. */
  readonly after?: string;
}

export class Store {
  #log!: Log;
  readonly #now: () => number;
  readonly #limits: { milliseconds: number; bytes: number };
  readonly #collections = new Map<string, Collection>();
  readonly #everything = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #historyStart = 0;
  #historyBytes = 0;
  #sequenced = 0;
  /** The last write that was begun; they end in order. */
  #newest: Promise<void> = Promise.resolve();
  #visible = 0;
  #compacted = 0;
  #lineage = 0;

  private constructor(options: StoreOptions) {
    this.#now = options.now;
    this.#limits = options.history ?? HISTORY;
  }

  /** @throws StorageError when the file is locked by another server, damaged or not writable, or its keys are not there. */
  static async open(options: StoreOptions): Promise<Store> {
    const store = new Store(options);
    const leftovers: number[] = [];
    const { path, maxBytes = MAX_BYTES, sealed = [], keyFile = `${path}.key` } = options;
    store.#log = await Log.open(
      { path, maxBytes, sealed, keyFile },
      ({ compacted, lineage }) => {
        store.#compacted = compacted;
        store.#visible = compacted;
        store.#lineage = lineage;
      },
      (record) => {
        const change = store.#apply(record, entryOf(record));
        if (record.revision > store.#compacted) store.#remember(change);
        else leftovers.push(...rowsBehind(change));
      },
    );
    store.#visible = Math.max(store.#visible, store.#compacted);
    store.#sequenced = store.#visible;
    // A crash, or a failed commit, may have left rows that were given up already.
    if (leftovers.length > 0) store.#log.compact(leftovers, store.#compacted);
    return store;
  }

  /** The newest revision that readers can see. */
  get revision(): number {
    return this.#visible;
  }

  /** The newest revision given out, on disk or not. */
  get latestRevision(): number {
    return this.#sequenced;
  }

  /** Changes up to this revision are forgotten. */
  get compacted(): number {
    return this.#compacted;
  }

  /** Tells this database from others; its backups have the same. */
  get lineage(): number {
    return this.#lineage;
  }

  get(collection: string, key: string): Entry | undefined {
    return this.#collections.get(collection)?.entries.get(key);
  }

  /** The newest state, on disk or not: what a write must be decided against. */
  latest(collection: string, key: string): Entry | undefined {
    const found = this.#collections.get(collection);
    const pending = found?.pending.get(key);
    return pending ? pending.entry : found?.entries.get(key);
  }

  /** Keys of the newest state, on disk or not. */
  latestKeys(collection: string): string[] {
    const { entries, pending } = this.#collection(collection);
    return [...new Set([...entries.keys(), ...pending.keys()])].filter((key) => this.latest(collection, key));
  }

  /** How many objects the collection holds. */
  count(collection: string): number {
    return this.#collections.get(collection)?.entries.size ?? 0;
  }

  /** Entries in key order, as they are now. Consume it before yielding to the event loop. */
  *list(collection: string, range: Range): Generator<Entry> {
    const found = this.#collections.get(collection);
    if (!found) return;
    for (const key of found.keys.range(range.prefix, range.after)) yield found.entries.get(key)!;
  }

  /**
   * Entries in key order, as they were at a revision.
   * @returns undefined when that revision is compacted.
   */
  listAt(collection: string, range: Range, revision: number): Iterable<Entry> | undefined {
    if (revision >= this.#visible) return this.list(collection, range);
    if (revision < this.#compacted) return undefined;
    const then = new Map<string, Entry | undefined>();
    for (let index = this.#history.length - 1; index >= this.#historyStart; index--) {
      const change = this.#history[index]!;
      if (change.revision <= revision) break;
      if (change.collection === collection) then.set(change.key, change.previous);
    }
    const inRange = (key: string) => key.startsWith(range.prefix) && key > (range.after ?? '');
    const entries = new Map<string, Entry>();
    for (const entry of this.list(collection, range)) if (!then.has(entry.key)) entries.set(entry.key, entry);
    for (const [key, entry] of then) if (entry && inRange(key)) entries.set(key, entry);
    return [...entries.keys()].sort((a, b) => (a < b ? -1 : 1)).map((key) => entries.get(key)!);
  }

  /**
   * Changes after a revision, oldest first.
   * @returns undefined when some of them are forgotten.
   */
  since(collection: string, revision: number): Change[] | undefined {
    if (revision < this.#compacted) return undefined;
    let [low, high] = [this.#historyStart, this.#history.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low).filter((change) => change.collection === collection);
  }

  /** Calls back for each change from now on, in order, until the returned function is called. */
  watch(collection: string, listener: (change: Change) => void): () => void {
    const { listeners } = this.#collection(collection);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** As watch, over all collections. */
  watchAll(listener: (change: Change) => void): () => void {
    this.#everything.add(listener);
    return () => this.#everything.delete(listener);
  }

  /** Names of the collections that hold or held something. */
  collections(): string[] {
    return [...this.#collections.keys()];
  }

  /**
   * Writes a version of an object. The caller has decided on it against latest() in the same turn of the event loop, and
   * gives up the object, whose resourceVersion is set here. Settles when the write is on disk and visible.
   * @throws StorageError when it could not be made durable, ObjectTooLarge; then it has not happened.
   */
  put(collection: string, key: string, object: KubeObject): Promise<Entry> {
    const revision = ++this.#sequenced;
    object.metadata.resourceVersion = String(revision);
    const text = JSON.stringify(object);
    if (text.length > OBJECT_LIMIT) return Promise.reject(new ObjectTooLarge(`${collection} ${key} is too large`));
    const entry = new Entry(key, revision, text, object);
    return this.#commit({ revision, collection, key, at: this.#now(), text }, entry).then(() => entry);
  }

  /** Deletes an object; settles with the revision of the deletion. */
  async delete(collection: string, key: string): Promise<number> {
    const revision = ++this.#sequenced;
    await this.#commit({ revision, collection, key, at: this.#now(), text: null }, undefined);
    return revision;
  }

  /** Waits until the newest state of a key, as latest() gives it, is on disk. @throws StorageError when it will not be */
  async settled(collection: string, key: string): Promise<void> {
    await this.#collections.get(collection)?.pending.get(key)?.done;
  }

  /** Waits until all that latest() gives is on disk, and what it shows can be read. @throws StorageError when it will not be */
  async allSettled(): Promise<void> {
    await this.#newest;
  }

  /** Writes that are begun while this runs become durable together, or none of them happens. */
  together(writing: () => void): void {
    this.#log.together(writing);
  }

  /** Gives out revisions above this one from now on, and forgets the past, so that whoever asks for it begins anew. */
  beginAt(revision: number): void {
    if (revision < this.#sequenced) throw new RangeError(`revision ${revision} is in the past`);
    this.#sequenced = revision;
    const rows = this.#history.slice(this.#historyStart).flatMap(rowsBehind);
    this.#compacted = revision;
    this.#forget(this.#history.length);
    this.#log.compact(rows, revision);
  }

  /** Copies the database into a new file, encrypted as it is, while it is in use. @throws StorageError */
  async backup(path: string): Promise<void> {
    await this.#log.backup(path);
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  #collection(name: string): Collection {
    let found = this.#collections.get(name);
    if (!found) {
      found = new Collection();
      this.#collections.set(name, found);
    }
    return found;
  }

  #commit(record: LogRecord, entry: Entry | undefined): Promise<void> {
    const collection = this.#collection(record.collection);
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    this.#newest = done;
    collection.pending.set(record.key, { revision: record.revision, entry, done });
    this.#log.append(record, (error: StorageError | undefined) => {
      if (collection.pending.get(record.key)?.revision === record.revision) collection.pending.delete(record.key);
      if (error) {
        reject(error);
        return;
      }
      const change = this.#apply(record, entry);
      this.#remember(change);
      this.#compact();
      resolve();
      for (const listener of collection.listeners) listener(change);
      for (const listener of this.#everything) listener(change);
      // Whoever watches from the past later makes its own.
      change.renderings = undefined;
    });
    return done;
  }

  #apply(record: LogRecord, entry: Entry | undefined): Change {
    const { revision, key, at } = record;
    const previous = this.#collection(record.collection).set(key, entry);
    previous?.release();
    this.#visible = revision;
    return { revision, collection: record.collection, key, at, next: entry, previous, renderings: undefined };
  }

  #remember(change: Change): void {
    this.#history.push(change);
    this.#historyBytes += size(change);
  }

  /** Forgets changes that are too old or too many, and tells the log which rows nobody can reach any more. */
  #compact(): void {
    const oldest = this.#now() - this.#limits.milliseconds;
    let index = this.#historyStart;
    let bytes = this.#historyBytes;
    while (index < this.#history.length) {
      const change = this.#history[index]!;
      if (change.at > oldest && bytes <= this.#limits.bytes) break;
      bytes -= size(change);
      index++;
    }
    if (index === this.#historyStart) return;
    const rows = this.#history.slice(this.#historyStart, index).flatMap(rowsBehind);
    this.#compacted = this.#history[index - 1]!.revision;
    this.#forget(index);
    this.#log.compact(rows, this.#compacted);
  }

  #forget(until: number): void {
    for (let index = this.#historyStart; index < until; index++) this.#historyBytes -= size(this.#history[index]!);
    this.#historyStart = until;
    if (this.#historyStart > 1024 && this.#historyStart * 2 > this.#history.length) {
      this.#history = this.#history.slice(this.#historyStart);
      this.#historyStart = 0;
    }
  }
}

function entryOf(record: LogRecord): Entry | undefined {
  return record.text === null ? undefined : new Entry(record.key, record.revision, record.text);
}

/** Rows that nobody needs once a change can no longer be watched from: what it replaced, and itself if it deleted. */
function rowsBehind({ revision, previous, next }: Change): number[] {
  return [...(previous ? [previous.revision] : []), ...(next ? [] : [revision])];
}

/** What remembering a change costs beyond the current state: the text of the version that it replaced. */
function size(change: Change): number {
  return 200 + (change.previous?.text.length ?? 0);
}
