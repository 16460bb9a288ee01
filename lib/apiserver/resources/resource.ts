// What the server needs to know of a resource to serve it: built-in kinds and custom resources are described alike.
import type { Json, JsonObject, KubeObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import type { FieldError } from '../status.ts';

/** A column of `kubectl get` (meta/v1 TableColumnDefinition and where its cells come from). */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0: always shown; above: with -o wide. */
  readonly priority: number;
  /** @param now milliseconds since the epoch, for ages */
  readonly cell: (object: KubeObject, now: number) => Json;
}

export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  readonly labelSelector: readonly string[] | undefined;
}

export interface ResourceVersion {
  readonly name: string;
  /** Of the whole object; metadata is known apart from it. */
  readonly schema: Schema;
  /** The same with metadata spelt out: what managed fields are about. */
  readonly fields: Schema;
  /** Parts that are there even when nothing is in them: Go's structures. Nobody owns them. */
  readonly blank: JsonObject;
  /** Whether the schema has CEL rules. */
  readonly rules: boolean;
  readonly columns: readonly Column[];
  /** Fields for field selectors beside metadata.name and metadata.namespace: "status.phase". */
  readonly selectable: readonly string[] | undefined;
  readonly status: boolean;
  readonly scale: ScalePaths | undefined;
  /** Sent as a Warning header with every answer. */
  readonly deprecation: string | undefined;
  /** Between this version and the stored form; missing where only apiVersion differs. Both give new objects. */
  readonly convert?: {
    readonly fromStorage: (object: KubeObject) => KubeObject;
    readonly toStorage: (object: KubeObject) => KubeObject;
  };
}

/** What a kind does beyond its schema. All functions see objects in the storage version. */
export interface Behaviour {
  /** Fills in what a client may leave out; it then counts as the client's. Changes the object in place. */
  readonly defaults?: (object: KubeObject) => void;
  /** What the server itself sets or keeps, before validation; `old` is missing on creation. Changes the object in place. */
  readonly prepare?: (object: KubeObject, old: KubeObject | undefined, now: string) => void;
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => FieldError[];
  /** What a deletion leaves to be done before the object may go, as a finalizer. Changes the object in place. */
  readonly onDelete?: (object: KubeObject, now: string) => void;
  /** Whether an update may create the object. */
  readonly createOnUpdate?: boolean;
  /** What is wrong with a name; nothing when it is fine. */
  readonly validateName: (name: string, prefix: boolean) => string[];
}

export interface Resource {
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Served versions, the preferred one first. */
  readonly versions: ReadonlyMap<string, ResourceVersion>;
  /** The version that objects are stored in, served or not. */
  readonly storage: ResourceVersion;
  /** The apiVersion of stored objects. */
  readonly storageApiVersion: string;
  /** Of custom resources: the schema of each apiVersion that objects may be stored in, served or not. */
  readonly schemas?: ReadonlyMap<string, Schema>;
  /** The store's collection. */
  readonly collection: string;
  /** Defined by a CRD. */
  readonly custom: boolean;
  /** Never stored: it can be created only, and the answer is its status. */
  readonly review: boolean;
  /** Whether metadata.generation counts changes of the spec. */
  readonly generations: boolean;
  readonly behaviour: Behaviour;
}

/** "bmp.dev/v1alpha1", or "v1" in the core group. */
export function apiVersionOf(group: string, version: string): string {
  return group ? `${group}/${version}` : version;
}

/** The resource as status.ts names it. */
export function groupResource(resource: Resource): { group: string; resource: string } {
  return { group: resource.group, resource: resource.plural };
}

/** The store's key of an object. */
export function keyOf(resource: Resource, namespace: string, name: string): string {
  return resource.namespaced ? `${namespace}/${name}` : name;
}
