// Own writes, expected in the cache: nobody acts on an object again before the cache shows what was written to it.
//
// Versions are opaque, so a written one counts as seen when the very same one comes by, or the object is deleted. It may
// come by before the write is answered, so what passes meanwhile is remembered.
import { aroundWrites } from '../kube/around-writes.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, keyOf, type Resource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Clock, Timer } from './clock.ts';

export interface Expectations {
  /** Runs a write to the object `key` and expects its outcome in the store. */
  during<R extends KubeObject | undefined>(key: string, write: () => Promise<R>): Promise<R>;
  /** Undefined when nothing is expected of the object; else resolves once all of it was seen, or given up. */
  settling(key: string): Promise<void> | undefined;
}

/** A cache that is further behind than this is no reason to stand still: writes are guarded by resourceVersion anyway. */
const PATIENCE_MS = 10_000;

interface Expected {
  writing: number;
  /** Versions that passed while writes were not yet answered. */
  readonly passed: Set<string>;
  /** Versions to come, in the order they were written. */
  awaited: string[];
  readonly settled: PromiseWithResolvers<void>;
  patience: Timer | undefined;
}

/** `selective`: the store may never show an object that it does not hold already. Those are not waited for. */
export function createExpectations(store: Store<KubeObject>, clock: Clock, { selective = false } = {}): Expectations {
  const expected = new Map<string, Expected>();

  store.subscribe((event) => {
    const { namespace, name, resourceVersion = '' } = event.object.metadata;
    const key = keyOf({ namespace, name });
    const entry = expected.get(key);
    if (!entry) return;
    if (event.type === 'deleted') entry.awaited = [];
    else {
      if (entry.writing > 0) entry.passed.add(resourceVersion);
      // Whoever shows a later write shows the earlier ones too.
      entry.awaited = entry.awaited.slice(entry.awaited.indexOf(resourceVersion) + 1);
    }
    settle(key, entry);
  });

  function settle(key: string, entry: Expected): void {
    if (entry.writing > 0 || entry.awaited.length > 0) return;
    entry.patience?.cancel();
    expected.delete(key);
    entry.settled.resolve();
  }

  function expect(key: string, entry: Expected, version: string): void {
    if (entry.passed.has(version)) return;
    entry.awaited.push(version);
    entry.patience?.cancel();
    entry.patience = clock.after(PATIENCE_MS, () => {
      entry.awaited = [];
      settle(key, entry);
    });
  }

  return {
    async during(key, write) {
      if (selective && !store.get(key)) return write();
      const entry: Expected = expected.get(key) ?? {
        writing: 0,
        passed: new Set(),
        awaited: [],
        settled: Promise.withResolvers(),
        patience: undefined,
      };
      expected.set(key, entry);
      entry.passed.add(store.get(key)?.metadata.resourceVersion ?? '');
      entry.writing++;
      try {
        const written = await write();
        if (written?.metadata.resourceVersion) expect(key, entry, written.metadata.resourceVersion);
        return written;
      } finally {
        entry.writing--;
        if (entry.writing === 0) entry.passed.clear();
        settle(key, entry);
      }
    },
    settling: (key) => expected.get(key)?.settled.promise,
  };
}

/** A client whose writes are expected in the caches that `of` names for a kind and namespace. */
export function expectingWrites(
  client: KubeClient,
  of: (resource: Resource, namespace: string | undefined) => readonly Expectations[],
): KubeClient {
  return aroundWrites(client, ({ resource, name }, run) =>
    of(resource, name.namespace).reduce((inner, expectations) => () => expectations.during(keyOf(name), inner), run)(),
  );
}
