// Restoring: a store takes on the state that a backup has, in one commit and as ordinary changes. So revisions go on, a crash leaves
// all of it or none, and whoever watches is told what became of each object.
import { clone, equal, type KubeObject } from '../json.ts';
import type { Store } from './store.ts';

/** Above what a lost server may have given out after its backup was made; etcd's tools use the same. */
const REVISIONS_LOST = 1_000_000_000;

/** How many objects became what. */
export interface Restored {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
}

function withoutVersion(object: KubeObject): KubeObject {
  const copy = clone(object);
  delete copy.metadata.resourceVersion;
  return copy;
}

function same(a: KubeObject | undefined, b: KubeObject): boolean {
  return a !== undefined && equal(withoutVersion(a), withoutVersion(b));
}

/**
 * Makes the store's objects those of another store. Where that is not this one's own past, versions of before are answered 410
 * and higher ones follow: clients may remember some that were given out after the backup, by a server that is lost.
 * @throws StorageError; then nothing has changed
 */
export async function restore(store: Store, from: Store): Promise<Restored> {
  const counts = { created: 0, updated: 0, deleted: 0, unchanged: 0 };
  const writes: Promise<unknown>[] = [];
  store.together(() => {
    if (store.lineage !== from.lineage || store.revision < from.revision)
      store.beginAt(Math.max(store.latestRevision, from.revision) + REVISIONS_LOST);
    for (const collection of new Set([...store.collections(), ...from.collections()])) {
      for (const { key, object } of from.list(collection, { prefix: '' })) {
        const present = store.latest(collection, key)?.object;
        if (same(present, object)) counts.unchanged++;
        else {
          counts[present ? 'updated' : 'created']++;
          writes.push(store.put(collection, key, clone(object)));
        }
      }
      for (const key of store.latestKeys(collection)) {
        if (from.get(collection, key)) continue;
        counts.deleted++;
        writes.push(store.delete(collection, key));
      }
    }
  });
  await Promise.all(writes);
  return counts;
}
