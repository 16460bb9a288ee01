// Turns a short definition of a built-in kind into a Resource.
import type { JsonObject } from '../json.ts';
import { dnsSubdomain } from '../resources/names.ts';
import {
  apiVersionOf,
  type Behaviour,
  type Column,
  type Resource,
  type ResourceVersion,
} from '../resources/resource.ts';
import type { Schema } from '../schema/schema.ts';
import { AGE, NAME } from './columns.ts';

export interface Definition {
  readonly group?: string;
  readonly version?: string;
  readonly plural: string;
  readonly kind: string;
  readonly schema: Schema;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly columns?: readonly Column[];
  readonly selectable?: readonly string[];
  readonly status?: boolean;
  readonly generations?: boolean;
  /** Never stored: creating one is a question. */
  readonly review?: boolean;
  readonly behaviour?: Partial<Behaviour>;
  /** Of another resource that shows the same objects. */
  readonly storedAs?: { readonly apiVersion: string; readonly collection: string };
  /** Where the top-level structures are not all that is always there. */
  readonly blank?: JsonObject;
  readonly convert?: ResourceVersion['convert'];
}

const STRUCTURES = ['spec', 'status', 'involvedObject', 'source', 'regarding', 'deprecatedSource', 'roleRef'];

function structuresOf(schema: Schema): JsonObject {
  const found = STRUCTURES.filter((name) => schema.properties?.[name]);
  return Object.fromEntries(found.map((name) => [name, {}]));
}

export function define(definition: Definition): Resource {
  const { group = '', version = 'v1', plural, kind } = definition;
  const served: ResourceVersion = {
    name: version,
    schema: definition.schema,
    fields: definition.schema,
    blank: definition.blank ?? structuresOf(definition.schema),
    rules: false,
    columns: definition.columns ?? [NAME, AGE],
    selectable: definition.selectable,
    status: definition.status ?? false,
    scale: undefined,
    deprecation: undefined,
    ...(definition.convert ? { convert: definition.convert } : {}),
  };
  return {
    group,
    plural,
    singular: kind.toLowerCase(),
    kind,
    listKind: `${kind}List`,
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    namespaced: definition.namespaced,
    versions: new Map([[version, served]]),
    storage: served,
    storageApiVersion: definition.storedAs?.apiVersion ?? apiVersionOf(group, version),
    collection: definition.storedAs?.collection ?? (group ? `${plural}.${group}` : plural),
    custom: false,
    review: definition.review ?? false,
    generations: definition.generations ?? false,
    behaviour: { validateName: dnsSubdomain, ...definition.behaviour },
  };
}
