// OpenAPI definitions of kinds: names as kube-apiserver gives them, schemas as each OpenAPI version can say them.
import type { Json, JsonObject } from '../json.ts';
import { OBJECT_META } from '../resources/metadata.ts';
import type { Served } from '../resources/registry.ts';
import type { Schema } from '../schema/schema.ts';

export type Dialect = 'v2' | 'v3';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const OBJECT_META_NAME = `${META}.ObjectMeta`;
const LIST_META_NAME = `${META}.ListMeta`;

export function reference(name: string, dialect: Dialect): string {
  return dialect === 'v2' ? `#/definitions/${name}` : `#/components/schemas/${name}`;
}

/** "dev.bmp.v1alpha1.Device"; built-in kinds keep the names of their Go packages. */
export function definitionName({ resource, version }: Served): string {
  if (!resource.custom) {
    if (resource.group === 'apiextensions.k8s.io') {
      return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version.name}.${resource.kind}`;
    }
    const group = resource.group === '' ? 'core' : resource.group.split('.')[0]!;
    return `io.k8s.api.${group}.${version.name}.${resource.kind}`;
  }
  return `${resource.group.split('.').reverse().join('.')}.${version.name}.${resource.kind}`;
}

export function groupVersionKind(served: Served, kind = served.resource.kind): JsonObject {
  return { group: served.resource.group, kind, version: served.version.name };
}

/** Definitions of a kind and its list. */
export function definitionsOf(served: Served, dialect: Dialect): { [name: string]: JsonObject } {
  const { resource, version } = served;
  const name = definitionName(served);
  const properties = { ...version.schema.properties };
  const described = properties['metadata']?.description ?? "Standard object's metadata.";
  const own = dialectSchema({ ...version.schema, properties }, dialect);
  const shown = { ...(own['properties'] as JsonObject | undefined) };
  shown['apiVersion'] ??= { type: 'string', description: 'Version of the schema that the object is written in.' };
  shown['kind'] ??= { type: 'string', description: 'Kind of the object.' };
  shown['metadata'] = link(OBJECT_META_NAME, dialect, described);
  const item = { [name]: { ...own, properties: shown, 'x-kubernetes-group-version-kind': [groupVersionKind(served)] } };
  const list: JsonObject = {
    type: 'object',
    description: `${resource.listKind} is a list of ${resource.kind}`,
    required: ['items'],
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema that the list is written in.' },
      items: { type: 'array', description: `List of ${resource.plural}.`, items: { $ref: reference(name, dialect) } },
      kind: { type: 'string', description: 'Kind of the list.' },
      metadata: link(LIST_META_NAME, dialect, "Standard list's metadata."),
    },
    'x-kubernetes-group-version-kind': [groupVersionKind(served, resource.listKind)],
  };
  return { ...item, [`${name}List`]: list };
}

/** OpenAPI 3.0 allows nothing beside $ref, so that a described link is an allOf. */
function link(name: string, dialect: Dialect, description: string): JsonObject {
  const $ref = reference(name, dialect);
  return dialect === 'v2' ? { description, $ref } : { description, allOf: [{ $ref }], default: {} };
}

/** Definitions that all kinds share. */
export function sharedDefinitions(dialect: Dialect): { [name: string]: JsonObject } {
  const text = (description: string): JsonObject => ({ type: 'string', description });
  const everywhere: Json[] = [{ group: '', kind: 'DeleteOptions', version: 'v1' }];
  return {
    [OBJECT_META_NAME]: dialectSchema(OBJECT_META, dialect),
    [LIST_META_NAME]: {
      type: 'object',
      description: 'Metadata of lists.',
      properties: {
        continue: text('Token that the next page starts from; empty on the last one.'),
        remainingItemCount: { type: 'integer', format: 'int64', description: 'How many items follow, where known.' },
        resourceVersion: text('Version of the whole list.'),
        selfLink: text('No longer used.'),
      },
    },
    [`${META}.Status`]: {
      type: 'object',
      description: 'The outcome of a request.',
      properties: {
        apiVersion: text('Always v1.'),
        code: { type: 'integer', format: 'int32', description: 'HTTP status.' },
        kind: text('Always Status.'),
        message: text('What happened, for people.'),
        reason: text('Why, as one word for machines.'),
        status: text('Success or Failure.'),
      },
      'x-kubernetes-group-version-kind': [{ group: '', kind: 'Status', version: 'v1' }],
    },
    [`${META}.DeleteOptions`]: {
      type: 'object',
      description: 'How an object is to be deleted.',
      properties: {
        apiVersion: text('Always v1.'),
        dryRun: { type: 'array', items: { type: 'string' }, description: 'All: nothing is kept.' },
        gracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Seconds to shut down gracefully.' },
        kind: text('Always DeleteOptions.'),
        orphanDependents: { type: 'boolean', description: 'No longer used: see propagationPolicy.' },
        propagationPolicy: text('Orphan, Background or Foreground: what becomes of dependents.'),
      },
      'x-kubernetes-group-version-kind': everywhere,
    },
    [`${META}.Patch`]: { type: 'object', description: 'A patch.' },
  };
}

/** What clients of Swagger 2.0 would misread. */
const V2_OMITS = new Set(['nullable', 'anyOf', 'oneOf', 'not', 'allOf', 'default']);

/**
 * A structural schema in a dialect. Swagger 2.0 knows neither null nor alternatives nor fields that are not named: values of
 * which one is allowed have no type there, so that clients that check against it refuse nothing that the server takes.
 */
function dialectSchema(schema: Schema, dialect: Dialect): JsonObject {
  if (dialect === 'v2' && (schema.nullable || schema['x-kubernetes-preserve-unknown-fields'])) {
    const { type: _type, properties: _properties, items: _items, ...rest } = schema;
    return Object.fromEntries(Object.entries(rest).filter(([key]) => !V2_OMITS.has(key))) as JsonObject;
  }
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (dialect === 'v2' && V2_OMITS.has(key)) continue;
    result[key] = value as Json;
  }
  if (schema.properties) {
    result['properties'] = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, dialectSchema(property, dialect)]),
    );
  }
  if (schema.items) result['items'] = dialectSchema(schema.items, dialect);
  if (typeof schema.additionalProperties === 'object') {
    result['additionalProperties'] = dialectSchema(schema.additionalProperties, dialect);
  }
  return result;
}

export function listName(served: Served): string {
  return `${definitionName(served)}List`;
}

export function pathOf(served: Served): string {
  const { resource, version } = served;
  const root = resource.group ? `/apis/${resource.group}/${version.name}` : `/api/${version.name}`;
  return `${root}/${resource.namespaced ? 'namespaces/{namespace}/' : ''}${resource.plural}`;
}

export const metaDefinition = (kind: string): string => `${META}.${kind}`;
