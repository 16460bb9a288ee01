// Garbage collection by owner references: dependents follow their owners, in the way the deletion asked for.
//
// An index from owner uids to dependents follows the store. Objects whose owners are all gone are deleted; owners deleted in
// the foreground wait for their blocking dependents; orphaned dependents lose the reference.
import { clone, type KubeObject, type OwnerReference, timestamp } from '../json.ts';
import { keyOf } from '../resources/resource.ts';
import { recordFields } from '../rest/admit.ts';
import type { Cluster } from '../rest/call.ts';
import type { Entry } from '../store/entry.ts';
import { KeyQueue } from './key-queue.ts';
import { marked } from './namespaces.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
const MANAGER = 'kube-controller-manager';

/** "collection key": an object anywhere in the store. */
type Place = string;

const place = (collection: string, key: string): Place => `${collection} ${key}`;
const parsePlace = (text: Place): [string, string] => {
  const index = text.indexOf(' ');
  return [text.slice(0, index), text.slice(index + 1)];
};

/** Sparing most objects a parse at start. */
const hasOwners = (entry: Entry) => entry.text.includes('"ownerReferences":[{');
const isEnding = (entry: Entry) => entry.text.includes('"deletionTimestamp":"');

export class GarbageCollector {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;
  readonly #dependents = new Map<string, Set<Place>>();
  readonly #owners = new Map<Place, readonly string[]>();

  constructor(cluster: Cluster, log: (line: string) => void) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue((text) => this.#reconcile(text), log);
    for (const collection of cluster.store.collections()) {
      for (const entry of cluster.store.list(collection, { prefix: '' })) this.#follow(collection, entry.key, entry);
    }
    this.#stop = cluster.store.watchAll(({ collection, key, next, previous }) => {
      this.#follow(collection, key, next);
      const uid = !next && previous ? uidOf(previous) : undefined;
      if (uid === undefined) return;
      for (const dependent of this.#dependents.get(uid) ?? []) this.#queue.add(dependent);
      // An owner that waits in the foreground may have lost its last dependent.
      if (previous && hasOwners(previous)) this.#wakeOwners(previous.object);
    });
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#queue.close();
  }

  #follow(collection: string, key: string, entry: Entry | undefined): void {
    const at = place(collection, key);
    const before = this.#owners.get(at);
    if (before) {
      for (const uid of before) {
        const set = this.#dependents.get(uid);
        set?.delete(at);
        if (set?.size === 0) this.#dependents.delete(uid);
      }
      this.#owners.delete(at);
    }
    if (!entry) return;
    if (hasOwners(entry)) {
      const uids = (entry.object.metadata.ownerReferences ?? []).map((owner) => owner.uid);
      this.#owners.set(at, uids);
      for (const uid of uids) {
        const set = this.#dependents.get(uid) ?? new Set();
        this.#dependents.set(uid, set.add(at));
      }
      this.#queue.add(at);
    } else if (isEnding(entry)) this.#queue.add(at);
  }

  #wakeOwners(dependent: KubeObject): void {
    for (const owner of dependent.metadata.ownerReferences ?? []) {
      const found = this.#find(owner, dependent.metadata.namespace ?? '');
      if (found !== 'unknown') this.#queue.add(found.at);
    }
  }

  async #reconcile(at: Place): Promise<void> {
    const [collection, key] = parsePlace(at);
    const object = this.#cluster.store.latest(collection, key)?.object;
    if (!object) return;
    const { finalizers = [], deletionTimestamp } = object.metadata;
    if (deletionTimestamp && finalizers.includes(ORPHAN)) await this.#orphan(collection, key, object);
    else if (deletionTimestamp && finalizers.includes(FOREGROUND)) await this.#foreground(collection, key, object);
    else if (!deletionTimestamp) await this.#collect(collection, key, object);
  }

  /** Deletes an object whose owners are all gone, or waiting for it; drops references to those that are gone. */
  async #collect(collection: string, key: string, object: KubeObject): Promise<void> {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const states = owners.map((owner) => this.#stateOf(owner, object.metadata.namespace ?? ''));
    if (states.includes('unknown')) return;
    const solid = owners.filter((_, index) => states[index] === 'solid');
    if (solid.length === owners.length) return;
    if (solid.length > 0) {
      const copy = clone(object);
      copy.metadata.ownerReferences = solid;
      await this.#put(collection, key, copy, object);
      return;
    }
    const waited = owners.some((owner, index) => states[index] === 'waiting' && owner.blockOwnerDeletion);
    const uid = object.metadata.uid ?? '';
    const blocked = waited && (this.#dependents.get(uid)?.size ?? 0) > 0;
    await this.#delete(collection, key, object, blocked);
  }

  async #delete(collection: string, key: string, object: KubeObject, foreground: boolean): Promise<void> {
    const { store, now } = this.#cluster;
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.length === 0 && !foreground) {
      await store.delete(collection, key);
      return;
    }
    const copy = marked(object, timestamp(now()));
    copy.metadata.finalizers = foreground ? [...finalizers, FOREGROUND] : finalizers;
    await store.put(collection, key, copy);
  }

  /** Deletes dependents; the object itself goes when none blocks it any more. */
  async #foreground(collection: string, key: string, object: KubeObject): Promise<void> {
    const uid = object.metadata.uid ?? '';
    const dependents = [...(this.#dependents.get(uid) ?? [])];
    for (const dependent of dependents) this.#queue.add(dependent);
    const blocking = dependents.some((at) => {
      const [theirs, name] = parsePlace(at);
      const owners = this.#cluster.store.latest(theirs, name)?.object.metadata.ownerReferences ?? [];
      return owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion);
    });
    if (!blocking) await this.#release(collection, key, object, FOREGROUND);
  }

  async #orphan(collection: string, key: string, object: KubeObject): Promise<void> {
    const { store } = this.#cluster;
    const { uid } = object.metadata;
    for (const at of Array.from(this.#dependents.get(uid ?? '') ?? [])) {
      const [theirs, name] = parsePlace(at);
      const dependent = store.latest(theirs, name)?.object;
      if (!dependent) continue;
      const copy = clone(dependent);
      const rest = (copy.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      if (rest.length > 0) copy.metadata.ownerReferences = rest;
      else delete copy.metadata.ownerReferences;
      await this.#put(theirs, name, copy, dependent);
    }
    const newest = store.latest(collection, key)?.object;
    if (newest) await this.#release(collection, key, newest, ORPHAN);
  }

  /** Writes an object with its owner references changed, booked as the collector's doing. */
  async #put(collection: string, key: string, object: KubeObject, before: KubeObject): Promise<void> {
    const { registry, store } = this.#cluster;
    const resource = registry.byCollection(collection);
    if (resource) {
      const booking = { resource, version: resource.storage, cluster: this.#cluster, request: { subresource: '' } };
      recordFields(booking, object, before, MANAGER);
    }
    await store.put(collection, key, object);
  }

  async #release(collection: string, key: string, object: KubeObject, finalizer: string): Promise<void> {
    const { store } = this.#cluster;
    const rest = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    if (rest.length === 0) {
      await store.delete(collection, key);
      return;
    }
    const copy = clone(object);
    copy.metadata.finalizers = rest;
    await store.put(collection, key, copy);
  }

  #stateOf(owner: OwnerReference, namespace: string): 'solid' | 'waiting' | 'absent' | 'unknown' {
    const found = this.#find(owner, namespace);
    if (found === 'unknown') return 'unknown';
    if (found?.entry?.object.metadata.uid !== owner.uid) return 'absent';
    const { deletionTimestamp, finalizers } = found.entry.object.metadata;
    return deletionTimestamp && finalizers?.includes(FOREGROUND) ? 'waiting' : 'solid';
  }

  /** The owner's place, and what is there; "unknown" while its kind is not served. */
  #find(owner: OwnerReference, namespace: string): { at: Place; entry: Entry | undefined } | 'unknown' {
    const group = owner.apiVersion.includes('/') ? owner.apiVersion.split('/')[0]! : '';
    const resource = this.#cluster.registry.byKind(group, owner.kind);
    if (!resource) return 'unknown';
    const key = keyOf(resource, namespace, owner.name);
    return { at: place(resource.collection, key), entry: this.#cluster.store.latest(resource.collection, key) };
  }
}

function uidOf(entry: Entry): string | undefined {
  return entry.object.metadata.uid;
}
