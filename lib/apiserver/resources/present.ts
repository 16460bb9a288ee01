// Stored objects as a served version shows them: converted, and pruned and defaulted by today's schema.
import { clone, equal, type KubeObject } from '../json.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { prune } from '../schema/prune.ts';
import type { Entry } from '../store/entry.ts';
import { apiVersionOf, type Resource, type ResourceVersion } from './resource.ts';

export interface Presented {
  readonly object: KubeObject;
  readonly text: string;
}

/** Per version: what entries look like in it. An entry that looks as it is stored maps to itself. */
const presented = new WeakMap<ResourceVersion, WeakMap<Entry, Presented>>();

/** The entry in a version. Nobody may change the object. */
export function present(entry: Entry, resource: Resource, version: ResourceVersion): Presented {
  if (!resource.custom && !version.convert) return entry;
  let cache = presented.get(version);
  if (!cache) {
    cache = new WeakMap();
    presented.set(version, cache);
  }
  let found = cache.get(entry);
  if (!found) {
    found = convert(entry, resource, version);
    cache.set(entry, found);
  }
  return found;
}

/** Says that an entry was just written in this version's form, so that nothing needs to be looked at again. */
export function presentsAsStored(entry: Entry, version: ResourceVersion): void {
  if (version.convert) return;
  const cache = presented.get(version) ?? new WeakMap<Entry, Presented>();
  presented.set(version, cache.set(entry, entry));
}

function convert(entry: Entry, resource: Resource, version: ResourceVersion): Presented {
  const object = clone(version.convert ? version.convert.fromStorage(entry.object) : entry.object);
  if (resource.custom) {
    // What an object has is told by the version that it was stored in, whichever is asked for.
    const stored = resource.schemas?.get(entry.object.apiVersion) ?? version.schema;
    prune(object, stored, true);
    applyDefaults(object, stored);
    if (stored !== version.schema) prune(object, version.schema, true);
    object.apiVersion = apiVersionOf(resource.group, version.name);
  }
  return equal(object, entry.object) ? entry : { object, text: JSON.stringify(object) };
}

/** An object of a served version as it is to be stored. */
export function toStorage(object: KubeObject, version: ResourceVersion): KubeObject {
  return version.convert ? version.convert.toStorage(object) : object;
}

/** The object of a deletion's event: the last state, under the deletion's own resourceVersion. */
export function withResourceVersion(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
