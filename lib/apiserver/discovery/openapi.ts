// OpenAPI v2 and v3: what kubectl explains, validates and completes from.
import { createHash } from 'node:crypto';
import type { JsonObject } from '../json.ts';
import type { Registry, Served } from '../resources/registry.ts';
import {
  type Dialect,
  definitionName,
  definitionsOf,
  groupVersionKind,
  listName,
  metaDefinition,
  pathOf,
  reference,
  sharedDefinitions,
} from './definitions.ts';

const JSON_TYPES = ['application/json', 'application/yaml'];
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const STRATEGIC = 'application/strategic-merge-patch+json';

type Parameter = readonly [name: string, type: string, description: string];

const WRITE: readonly Parameter[] = [
  ['dryRun', 'string', 'All: nothing is kept.'],
  ['fieldManager', 'string', 'Who makes the change.'],
  ['fieldValidation', 'string', 'Ignore, Warn or Strict: what becomes of unknown fields.'],
];
const LIST: readonly Parameter[] = [
  ['allowWatchBookmarks', 'boolean', 'Whether a watch gets bookmarks.'],
  ['continue', 'string', 'Token that the page starts from.'],
  ['fieldSelector', 'string', 'Selects by fields.'],
  ['labelSelector', 'string', 'Selects by labels.'],
  ['limit', 'integer', 'The most items of a page.'],
  ['resourceVersion', 'string', 'How new the answer must be.'],
  ['resourceVersionMatch', 'string', 'How resourceVersion is meant.'],
  ['sendInitialEvents', 'boolean', 'Whether a watch begins with the current state.'],
  ['timeoutSeconds', 'integer', 'When the call ends.'],
  ['watch', 'boolean', 'Whether changes follow.'],
];
const DELETE: readonly Parameter[] = [
  ['dryRun', 'string', 'All: nothing is kept.'],
  ['gracePeriodSeconds', 'integer', 'Seconds to shut down gracefully.'],
  ['orphanDependents', 'boolean', 'No longer used: see propagationPolicy.'],
  ['propagationPolicy', 'string', 'Orphan, Background or Foreground.'],
];
const FORCE: Parameter = ['force', 'boolean', 'Takes fields from other managers; for apply.'];

interface Action {
  readonly method: string;
  readonly action: string;
  readonly parameters: readonly Parameter[];
  /** Definition of the body and of the answer. */
  readonly body?: string;
  readonly consumes?: readonly string[];
  readonly answer: string;
}

function collectionActions(served: Served): Action[] {
  const name = definitionName(served);
  return [
    { method: 'get', action: 'list', parameters: LIST, answer: listName(served) },
    { method: 'post', action: 'post', parameters: WRITE, body: name, answer: name },
    {
      method: 'delete',
      action: 'deletecollection',
      parameters: [...LIST.filter(([parameter]) => parameter !== 'watch'), ...DELETE],
      body: metaDefinition('DeleteOptions'),
      answer: metaDefinition('Status'),
    },
  ];
}

function objectActions(served: Served, subresource: boolean): Action[] {
  const name = definitionName(served);
  const consumes = served.resource.custom ? PATCH_TYPES : [...PATCH_TYPES, STRATEGIC];
  const actions: Action[] = [
    { method: 'get', action: 'get', parameters: [], answer: name },
    { method: 'put', action: 'put', parameters: WRITE, body: name, answer: name },
    {
      method: 'patch',
      action: 'patch',
      parameters: [...WRITE, FORCE],
      body: metaDefinition('Patch'),
      consumes,
      answer: name,
    },
  ];
  if (!subresource) {
    actions.push({
      method: 'delete',
      action: 'delete',
      parameters: DELETE,
      body: metaDefinition('DeleteOptions'),
      answer: metaDefinition('Status'),
    });
  }
  return actions;
}

function operation(served: Served, action: Action, dialect: Dialect, id: string): JsonObject {
  const query = action.parameters.map(
    ([name, type, description]): JsonObject =>
      dialect === 'v2'
        ? { uniqueItems: true, type, description, name, in: 'query' }
        : { name, in: 'query', description, schema: { type, uniqueItems: true } },
  );
  const consumes = [...(action.consumes ?? JSON_TYPES)];
  const produces = action.action === 'list' ? [...JSON_TYPES, 'application/json;stream=watch'] : JSON_TYPES;
  const body = action.body && { $ref: reference(action.body, dialect) };
  const answer = { $ref: reference(action.answer, dialect) };
  const content = (types: readonly string[], schema: JsonObject) =>
    Object.fromEntries(types.map((type) => [type, { schema }]));
  const shared: JsonObject = {
    tags: [tag(served)],
    operationId: id,
    'x-kubernetes-action': action.action,
    'x-kubernetes-group-version-kind': groupVersionKind(served),
  };
  if (dialect === 'v3') {
    return {
      ...shared,
      parameters: query,
      ...(body ? { requestBody: { content: content(consumes, body) } } : {}),
      responses: { '200': { description: 'OK', content: content(produces, answer) } },
    };
  }
  const bodyParameter: JsonObject[] = body
    ? [{ name: 'body', in: 'body', required: action.method !== 'delete', schema: body }]
    : [];
  return {
    ...shared,
    consumes: body ? consumes : ['*/*'],
    produces: [...produces],
    schemes: ['https'],
    parameters: [...bodyParameter, ...query],
    responses: { '200': { description: 'OK', schema: answer } },
  };
}

function tag({ resource, version }: Served): string {
  const group = resource.group ? resource.group.split('.').map(capital).join('') : 'core';
  return `${group[0]!.toLowerCase()}${group.slice(1)}_${version.name}`;
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

function pathParameters(path: string, dialect: Dialect): JsonObject[] {
  return ['name', 'namespace']
    .filter((name) => path.includes(`{${name}}`))
    .map((name): JsonObject => {
      const shared: JsonObject = { name, in: 'path', required: true };
      return dialect === 'v2'
        ? { ...shared, uniqueItems: true, type: 'string' }
        : { ...shared, schema: { type: 'string', uniqueItems: true } };
    });
}

/** Paths of a resource with their operations. */
function pathsOf(served: Served, dialect: Dialect): JsonObject {
  const { resource, version } = served;
  const base = pathOf(served);
  const scope = `${capital(tag(served)).replace('_', '')}${resource.namespaced ? 'Namespaced' : ''}${resource.kind}`;
  const one = (path: string, actions: readonly Action[], suffix: string): [string, JsonObject] => {
    const operations = actions.map((action) => [
      action.method,
      operation(served, action, dialect, `${action.action}${scope}${suffix}`),
    ]);
    return [path, { ...Object.fromEntries(operations), parameters: pathParameters(path, dialect) }];
  };
  return Object.fromEntries([
    one(base, collectionActions(served), ''),
    one(`${base}/{name}`, objectActions(served, false), ''),
    ...(version.status ? [one(`${base}/{name}/status`, objectActions(served, true), 'Status')] : []),
  ]);
}

/** GET /openapi/v2: everything in one Swagger 2.0 document. */
export function openApiV2(registry: Registry, title: string, version: string): JsonObject {
  const served = registry.groups().flatMap((group) => registry.versions(group).flatMap((item) => item.resources));
  return {
    swagger: '2.0',
    info: { title, version },
    paths: Object.assign({}, ...served.map((one) => pathsOf(one, 'v2'))) as JsonObject,
    definitions: Object.assign(sharedDefinitions('v2'), ...served.map((one) => definitionsOf(one, 'v2'))) as JsonObject,
    securityDefinitions: {
      BearerToken: { type: 'apiKey', name: 'authorization', in: 'header', description: 'Bearer Token authentication' },
    },
    security: [{ BearerToken: [] }],
  };
}

/** GET /openapi/v3/apis/GROUP/VERSION; undefined when there is no such version. */
export function openApiV3(registry: Registry, group: string, version: string, title: string): JsonObject | undefined {
  const found = registry.versions(group).find((item) => item.version === version);
  if (!found) return undefined;
  return {
    openapi: '3.0.0',
    info: { title, version: 'unversioned' },
    paths: Object.assign({}, ...found.resources.map((served) => pathsOf(served, 'v3'))) as JsonObject,
    components: {
      schemas: Object.assign(
        sharedDefinitions('v3'),
        ...found.resources.map((served) => definitionsOf(served, 'v3')),
      ) as JsonObject,
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          name: 'authorization',
          in: 'header',
          description: 'Bearer Token authentication',
        },
      },
    },
  };
}

/** The hash by which clients know that a document changed. */
export function hashOf(text: string | Buffer): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}
