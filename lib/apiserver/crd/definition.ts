// From a CustomResourceDefinition to the Resource that serves it.
import { at, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { OBJECT_META } from '../resources/metadata.ts';
import { dnsSubdomain } from '../resources/names.ts';
import { apiVersionOf, type Column, type Resource, type ResourceVersion } from '../resources/resource.ts';
import { hasRules } from '../schema/cel.ts';
import type { Schema } from '../schema/schema.ts';
import { humanDuration } from '../table/duration.ts';
import { compileJsonPath, type JsonPath, JsonPathError } from '../table/jsonpath.ts';

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** ".spec.replicas" as keys. */
function keysOf(path: Json | undefined): string[] {
  return textOf(path).split('.').filter(Boolean);
}

function cellOf(type: string, value: Json | undefined, now: number): Json {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      if (typeof value !== 'string') return null;
      const then = Date.parse(value);
      return Number.isNaN(then) ? '<invalid>' : humanDuration(now - then);
    }
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}

const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique in its namespace.',
  priority: 0,
  cell: (object) => object.metadata.name ?? '',
};

const TEXT: Schema = { type: 'string' };

const AGE: JsonObject = {
  name: 'Age',
  type: 'date',
  description: 'When the object was created.',
  jsonPath: '.metadata.creationTimestamp',
};

/** A path that cannot be read finds nothing: the definition is in force all the same. */
function pathOf(text: string): JsonPath {
  try {
    return compileJsonPath(text);
  } catch (error) {
    if (error instanceof JsonPathError) return () => [];
    throw error;
  }
}

function columnOf(definition: JsonObject): Column {
  const type = textOf(definition['type']);
  const find = pathOf(textOf(definition['jsonPath']));
  return {
    name: textOf(definition['name']),
    type,
    format: textOf(definition['format']),
    description:
      textOf(definition['description']) ||
      `Custom resource definition column (in JSONPath format): ${textOf(definition['jsonPath'])}`,
    priority: typeof definition['priority'] === 'number' ? definition['priority'] : 0,
    cell: (object, now) => cellOf(type, find(object)[0], now),
  };
}

/** @param newer the version to use instead of this one, where there is a better one */
function versionOf(
  group: string,
  kind: string,
  definition: JsonObject,
  storedAs: string,
  newer: string | undefined,
): ResourceVersion {
  const name = textOf(definition['name']);
  const scale = at(definition, ['subresources', 'scale']);
  const columns = objects(definition['additionalPrinterColumns']);
  const own = textOf(definition['deprecationWarning']);
  const better = newer !== undefined && compareVersions(newer, name) < 0;
  const advice = better ? `; use ${group}/${newer} ${kind}` : '';
  const warning = own || `${group}/${name} ${kind} is deprecated${advice}`;
  const withVersion = (apiVersion: string) => (object: KubeObject) => ({ ...object, apiVersion });
  const schema = (at(definition, ['schema', 'openAPIV3Schema']) ?? { type: 'object' }) as Schema;
  return {
    name,
    schema,
    fields: { ...schema, properties: { apiVersion: TEXT, kind: TEXT, ...schema.properties, metadata: OBJECT_META } },
    blank: {},
    rules: hasRules(schema),
    columns: [NAME, ...(columns.length > 0 ? columns : [AGE]).map(columnOf)],
    selectable: objects(definition['selectableFields']).map((field) => keysOf(field['jsonPath']).join('.')),
    status: isObject(at(definition, ['subresources', 'status'])),
    scale: isObject(scale)
      ? {
          specReplicas: keysOf(scale['specReplicasPath']),
          statusReplicas: keysOf(scale['statusReplicasPath']),
          labelSelector: scale['labelSelectorPath'] ? keysOf(scale['labelSelectorPath']) : undefined,
        }
      : undefined,
    deprecation: definition['deprecated'] === true ? warning : undefined,
    ...(apiVersionOf(group, name) === storedAs
      ? {}
      : { convert: { fromStorage: withVersion(apiVersionOf(group, name)), toStorage: withVersion(storedAs) } }),
  };
}

/** Orders versions as the API does: GA before beta before alpha, higher numbers first, other names last. */
export function compareVersions(a: string, b: string): number {
  const parse = (name: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name);
    if (!match) return undefined;
    const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
    return [stage, Number(match[1]), Number(match[3] ?? 0)] as const;
  };
  const [left, right] = [parse(a), parse(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
}

/** The resource that an accepted definition describes. */
export function resourceOf(definition: KubeObject): Resource {
  const spec = definition['spec'] as JsonObject;
  const names = spec['names'] as JsonObject;
  const group = textOf(spec['group']);
  const kind = textOf(names['kind']);
  const all = objects(spec['versions']);
  const storageName = textOf(all.find((version) => version['storage'] === true)?.['name']);
  const storedAs = apiVersionOf(group, storageName);
  // Versions without a stability in their names are nobody's successors.
  const newest = all
    .filter((version) => version['served'] === true && version['deprecated'] !== true)
    .map((version) => textOf(version['name']))
    .sort(compareVersions)[0];
  const versions = all
    .map((version) => ({
      served: version['served'] === true,
      version: versionOf(group, kind, version, storedAs, newest),
    }))
    .sort((a, b) => compareVersions(a.version.name, b.version.name));
  return {
    group,
    plural: textOf(names['plural']),
    singular: textOf(names['singular']) || kind.toLowerCase(),
    kind,
    listKind: textOf(names['listKind']) || `${kind}List`,
    shortNames: texts(names['shortNames']),
    categories: texts(names['categories']),
    namespaced: spec['scope'] === 'Namespaced',
    versions: new Map(versions.filter(({ served }) => served).map(({ version }) => [version.name, version])),
    storage: versions.find(({ version }) => version.name === storageName)!.version,
    storageApiVersion: storedAs,
    schemas: new Map(versions.map(({ version }) => [apiVersionOf(group, version.name), version.schema])),
    collection: `${textOf(names['plural'])}.${group}`,
    custom: true,
    review: false,
    generations: true,
    behaviour: { validateName: dnsSubdomain },
  };
}
