// Own writes, expected in the cache: nobody acts on an object again before the cache shows what was written to it.
//
// A written version counts as seen when the very same one comes by, a later one where versions are numbers, or the end of
// the object. A deletion counts as seen when the object is gone, or is marked as leaving. Both may come by before the write
// is answered, so what passes meanwhile is remembered.
import { AsyncLocalStorage } from 'node:async_hooks';
import { aroundWrites } from '../kube/around-writes.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, keyOf, type Resource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Clock, Timer } from './clock.ts';

export interface Expectations {
  /** Runs a write to the object `key` and expects its outcome in the store: for undefined, the end of the object. */
  during<R extends KubeObject | undefined>(key: string, write: () => Promise<R>): Promise<R>;
  /** Undefined when nothing is expected of the object; else resolves once all of it was seen, or given up. */
  settling(key: string): Promise<void> | undefined;
}

/** A cache that is further behind than this is no reason to stand still: writes are guarded by resourceVersion anyway. */
const PATIENCE_MS = 10_000;

interface Expected {
  writing: number;
  /** Versions that passed while writes were not yet answered, and objects that ended. */
  readonly passed: Set<string>;
  readonly ended: Set<string | undefined>;
  /** Versions to come, in the order they were written. */
  awaited: string[];
  /** The object that has yet to be seen going. */
  leaving: { uid: string | undefined } | undefined;
  readonly settled: PromiseWithResolvers<void>;
  patience: Timer | undefined;
}

/** `selective`: the store may never show an object that it does not hold already. Those are not waited for. */
export function createExpectations(store: Store<KubeObject>, clock: Clock, { selective = false } = {}): Expectations {
  const expected = new Map<string, Expected>();

  store.subscribe(({ type, object }) => {
    const { namespace, name, uid, resourceVersion = '' } = object.metadata;
    const key = keyOf({ namespace, name });
    const entry = expected.get(key);
    if (!entry) return;
    if (type === 'deleted') {
      entry.awaited = [];
      if (entry.writing > 0) entry.ended.add(uid);
    } else {
      if (entry.writing > 0) entry.passed.add(resourceVersion);
      // Whoever shows a later write shows the earlier ones too.
      entry.awaited = entry.awaited.slice(
        entry.awaited.findLastIndex((version) => shows(resourceVersion, version)) + 1,
      );
    }
    if (entry.leaving && hasLeft(key, entry.leaving.uid)) entry.leaving = undefined;
    settle(key, entry);
  });

  /** The object that was there is gone, or marked as leaving. */
  function hasLeft(key: string, uid: string | undefined): boolean {
    const current = store.get(key);
    return !current || current.metadata.uid !== uid || current.metadata.deletionTimestamp !== undefined;
  }

  function settle(key: string, entry: Expected): void {
    if (entry.writing > 0 || entry.awaited.length > 0 || entry.leaving) return;
    entry.patience?.cancel();
    expected.delete(key);
    entry.settled.resolve();
  }

  function expect(key: string, entry: Expected, written: KubeObject): void {
    const { uid, resourceVersion } = written.metadata;
    if (resourceVersion === undefined || entry.ended.has(uid)) return;
    if ([...entry.passed].some((version) => shows(version, resourceVersion))) return;
    entry.awaited.push(resourceVersion);
    beginPatience(key, entry);
  }

  function expectEnd(key: string, entry: Expected, uid: string | undefined): void {
    if (hasLeft(key, uid)) return;
    entry.leaving = { uid };
    beginPatience(key, entry);
  }

  function beginPatience(key: string, entry: Expected): void {
    entry.patience?.cancel();
    entry.patience = clock.after(PATIENCE_MS, () => {
      entry.awaited = [];
      entry.leaving = undefined;
      settle(key, entry);
    });
  }

  function entryOf(key: string): Expected {
    const entry: Expected = expected.get(key) ?? {
      writing: 0,
      passed: new Set(),
      ended: new Set(),
      awaited: [],
      leaving: undefined,
      settled: Promise.withResolvers(),
      patience: undefined,
    };
    expected.set(key, entry);
    return entry;
  }

  return {
    async during(key, write) {
      const cached = store.get(key);
      if (selective && !cached) return write();
      const entry = entryOf(key);
      entry.passed.add(cached?.metadata.resourceVersion ?? '');
      entry.writing++;
      try {
        const written = await write();
        if (written) expect(key, entry, written);
        else expectEnd(key, entry, cached?.metadata.uid);
        return written;
      } finally {
        entry.writing--;
        if (entry.writing === 0) {
          entry.passed.clear();
          entry.ended.clear();
        }
        settle(key, entry);
      }
    },
    settling: (key) => expected.get(key)?.settled.promise,
  };
}

const isNumber = (version: string) => /^\d+$/.test(version);

/** Whether who shows the version `seen` of an object shows `written` too. */
function shows(seen: string, written: string): boolean {
  return seen === written || (isNumber(seen) && isNumber(written) && BigInt(seen) >= BigInt(written));
}

/** What one piece of work has written, of whatever kind. */
export class Written {
  readonly #writes = new Map<Expectations, Set<string>>();

  add(expectations: Expectations, key: string): void {
    const keys = this.#writes.get(expectations) ?? new Set();
    this.#writes.set(expectations, keys.add(key));
  }

  /** Undefined when the caches show all of it; else resolves once they do, or that is given up. */
  settling(): Promise<void> | undefined {
    const settling = [...this.#writes].flatMap(([expectations, keys]) =>
      [...keys].flatMap((key) => expectations.settling(key) ?? []),
    );
    return settling.length === 0 ? undefined : Promise.all(settling).then(() => undefined);
  }
}

const writers = new AsyncLocalStorage<Written>();

/** Runs `work` and notes in `written` what it writes through a client made by `expectingWrites`. */
export const noting = <R>(written: Written, work: () => Promise<R>): Promise<R> => writers.run(written, work);

/** A client whose writes are expected in the caches that `of` names for a kind and namespace. */
export function expectingWrites(
  client: KubeClient,
  of: (resource: Resource, namespace: string | undefined) => readonly Expectations[],
): KubeClient {
  return aroundWrites(client, ({ resource, name }, run) => {
    const key = keyOf(name);
    const written = writers.getStore();
    let whole = () => run();
    for (const expectations of of(resource, name.namespace)) {
      written?.add(expectations, key);
      const inner = whole;
      whole = () => expectations.during(key, inner);
    }
    return whole();
  });
}
