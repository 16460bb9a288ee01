// Objects as this process last wrote them, for as long as the cache does not show it: for reconciles that write one object
// more than once, or go on from what they have just written.
import { type KubeObject, objectKey } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';

interface Ahead<T> {
  object: T;
  /** Versions that the written one has replaced. Versions are opaque: these are the only ones known to be older. */
  readonly superseded: Set<string | undefined>;
}

/** For writes guarded by the resourceVersion: only then is the version written from the one that was replaced. */
export class OwnWrites<T extends KubeObject> {
  readonly #store: Store<T>;
  readonly #ahead = new Map<string, Ahead<T>>();

  constructor(store: Store<T>) {
    this.#store = store;
    store.subscribe(({ type, object }) => {
      const ahead = this.#ahead.get(objectKey(object));
      if (type === 'deleted' || !ahead?.superseded.has(object.metadata.resourceVersion))
        this.#ahead.delete(objectKey(object));
    });
  }

  /** The newer one of the cached object and what was written to it. */
  latest(cached: T): T {
    return this.#ahead.get(objectKey(cached))?.object ?? cached;
  }

  /** Notes that `base` was replaced by `written`; gives `written`. */
  note(base: T, written: T): T {
    if (base.metadata.resourceVersion === written.metadata.resourceVersion) return written;
    const key = objectKey(written);
    const ahead = this.#ahead.get(key) ?? { object: written, superseded: new Set() };
    ahead.object = written;
    ahead.superseded.add(base.metadata.resourceVersion);
    const cached = this.#store.get(key);
    if (cached && ahead.superseded.has(cached.metadata.resourceVersion)) this.#ahead.set(key, ahead);
    else this.#ahead.delete(key);
    return written;
  }
}
