// What wakes a controller: sources turn changes into keys.
import { equal } from '../kube/merge-patch.ts';
import { type KubeObject, objectKey, resourceName } from '../kube/resource.ts';
import type { Store, StoreEvent } from '../kube/store.ts';

export interface EnqueueOptions {
  /** Higher goes first; default 0. What was there at the start has {@link START_PRIORITY}. */
  priority?: number | undefined;
  delayMs?: number | undefined;
}
export type Enqueue = (key: string, options?: EnqueueOptions) => void;

/** Below changes, so that a start with thousands of objects does not hold up what happens now. */
export const START_PRIORITY = -100;

/** Anything that gives keys to look at. */
export interface Source {
  readonly name: string;
  /** The cache behind it, where there is one. */
  readonly store?: Store<KubeObject> | undefined;
  /** Starts giving keys, first those of what is there; returns how to end it. `report` gets what predicates and mappers throw. */
  start(enqueue: Enqueue, report: (error: unknown) => void): () => void;
}

export interface WatchOptions<T extends KubeObject> {
  /** Which changes matter; default all. */
  when?: ((event: StoreEvent<T>) => boolean) | undefined;
  /** Which keys a change wakes; default the object's own. After an update it is asked for the old object too. */
  keys?: ((object: T) => readonly string[]) | undefined;
  priority?: number | undefined;
}

/** A store as a source. */
export function watch<T extends KubeObject>(store: Store<T>, options: WatchOptions<T> = {}): Source {
  const { when = () => true, keys = (object) => [objectKey(object)], priority } = options;

  const keysOf = (event: StoreEvent<T>): Iterable<string> =>
    event.type === 'updated' ? new Set([...keys(event.old), ...keys(event.object)]) : keys(event.object);

  return {
    name: resourceName(store.resource),
    store: store as Store<KubeObject>,
    start(enqueue, report) {
      const give = (event: StoreEvent<T>, how: EnqueueOptions) => {
        try {
          if (when(event)) for (const key of keysOf(event)) enqueue(key, how);
        } catch (error) {
          report(error);
        }
      };
      for (const object of store.values()) give({ type: 'added', object }, { priority: START_PRIORITY });
      return store.subscribe((event) => give(event, { priority }));
    },
  };
}

/** A key that is looked at once from the start, whether or not there is anything yet. */
export function atStart(key: string): Source {
  return {
    name: 'start',
    start(enqueue) {
      enqueue(key);
      return () => undefined;
    },
  };
}

/** For `when`: true unless an update changed nothing but the status. */
export function exceptStatus<T extends KubeObject>(event: StoreEvent<T>): boolean {
  return event.type !== 'updated' || !equal(withoutStatus(event.old), withoutStatus(event.object));
}

/** For `when`: true unless an update left the part that `pick` gives as it was. */
export function whenChanged<T extends KubeObject>(pick: (object: T) => unknown): (event: StoreEvent<T>) => boolean {
  return (event) => event.type !== 'updated' || !equal(pick(event.old), pick(event.object));
}

function withoutStatus(object: KubeObject): unknown {
  return {
    ...object,
    status: undefined,
    metadata: { ...object.metadata, resourceVersion: undefined, managedFields: undefined },
  };
}
