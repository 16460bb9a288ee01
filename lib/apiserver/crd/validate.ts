// Validation of CustomResourceDefinitions: names, versions, columns, changes (apiextensions validation.go). Schemas have a file
// of their own.
import { asText, equal, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { dns1035Label, dnsSubdomain } from '../resources/names.ts';
import type { Schema } from '../schema/schema.ts';
import { type FieldError, fieldError } from '../status.ts';
import { validateRootSchema } from './validate-schema.ts';

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(asText) : []);

export function validateDefinition(definition: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = isObject(definition['spec']) ? definition['spec'] : {};
  const names = isObject(spec['names']) ? spec['names'] : {};
  return [
    ...(old ? [] : validateName(definition, spec, names)),
    ...validateGroup(asText(spec['group'])),
    ...validateScope(spec['scope']),
    ...validateNames(names),
    ...validateVersions(spec),
    ...validateConversion(spec),
    // Status is what migration tools write; what follows from it is told with the next change of the versions.
    ...(equal(old?.['spec'] ?? null, spec) ? [] : validateStoredVersions(definition, spec)),
    ...(old ? validateChange(spec, old) : []),
  ];
}

function validateName(definition: KubeObject, spec: JsonObject, names: JsonObject): FieldError[] {
  const { name = '' } = definition.metadata;
  const right = name === `${asText(names['plural'])}.${asText(spec['group'])}`;
  return right ? [] : [fieldError.invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group')];
}

function validateGroup(group: string): FieldError[] {
  if (!group) return [fieldError.required('spec.group')];
  const problems = dnsSubdomain(group);
  if (problems.length > 0) return [fieldError.invalid('spec.group', group, problems.join(','))];
  return group.includes('.')
    ? []
    : [fieldError.invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function validateScope(scope: Json | undefined): FieldError[] {
  if (scope === 'Cluster' || scope === 'Namespaced') return [];
  return [
    scope ? fieldError.notSupported('spec.scope', scope, ['Cluster', 'Namespaced']) : fieldError.required('spec.scope'),
  ];
}

function validateNames(names: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const value = asText(names[field]);
    if (!value) errors.push(fieldError.required(`spec.names.${field}`));
    else {
      const lower = field === 'kind' || field === 'listKind' ? value.toLowerCase() : value;
      for (const problem of dns1035Label(lower)) errors.push(fieldError.invalid(`spec.names.${field}`, value, problem));
    }
  }
  if (names['kind'] && names['kind'] === names['listKind']) {
    errors.push(fieldError.invalid('spec.names.listKind', names['listKind'], 'kind and listKind may not be the same'));
  }
  return errors;
}

/** Whether all versions say the same: then the API treats it as said once, for all of them. */
function isShared(versions: readonly JsonObject[], field: string): boolean {
  return versions.every((version) => equal(version[field], versions[0]?.[field]));
}

function validateVersions(spec: JsonObject): FieldError[] {
  const versions = objects(spec['versions']);
  const errors: FieldError[] = [];
  const refuse = (why: string) => errors.push(fieldError.invalid('spec.versions', versions, why));
  versions.forEach((version, index) => {
    const name = asText(version['name']);
    for (const problem of dns1035Label(name)) {
      errors.push(fieldError.invalid(`spec.versions[${index}].name`, name, problem));
      if (index === 0) errors.push(fieldError.invalid('spec.version', name, problem));
    }
  });
  if (new Set(versions.map((version) => version['name'])).size < versions.length)
    refuse('must contain unique version names');
  if (versions.filter((version) => version['storage'] === true).length !== 1) {
    refuse('must have exactly one version marked as storage version');
  }
  const parts: [string, string, (version: JsonObject, path: string) => FieldError[]][] = [
    ['schema', 'spec.validation.openAPIV3Schema', validateVersionSchema],
    ['additionalPrinterColumns', 'spec.additionalPrinterColumns', validateColumns],
    ['subresources', 'spec.subresources', validateSubresources],
    ['selectableFields', 'spec.selectableFields', validateSelectable],
  ];
  for (const [field, sharedPath, validate] of parts) {
    if (versions.length === 0) continue;
    const missingSchema = field === 'schema' && !schemaOf(versions[0]!);
    if (isShared(versions, field) && !missingSchema) errors.push(...validate(versions[0]!, sharedPath));
    else errors.push(...versions.flatMap((version, index) => validate(version, `spec.versions[${index}].${field}`)));
  }
  return errors;
}

function schemaOf(version: JsonObject): Schema | undefined {
  const schema = isObject(version['schema']) ? version['schema']['openAPIV3Schema'] : undefined;
  return isObject(schema) ? (schema as Schema) : undefined;
}

function validateVersionSchema(version: JsonObject, path: string): FieldError[] {
  const schema = schemaOf(version);
  const own = path.endsWith('.schema') ? `${path}.openAPIV3Schema` : path;
  return schema ? validateRootSchema(schema, own) : [fieldError.required(own)];
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];

function validateColumns(version: JsonObject, path: string): FieldError[] {
  return objects(version['additionalPrinterColumns']).flatMap((column, index) => {
    const at = `${path}[${index}]`;
    const known = `must be one of ${COLUMN_TYPES.join(',')}`;
    const type = asText(column['type']);
    return [
      ...(column['name'] ? [] : [fieldError.required(`${at}.name`)]),
      ...(type ? [] : [fieldError.required(`${at}.type`, known)]),
      ...(type && !COLUMN_TYPES.includes(type) ? [fieldError.invalid(`${at}.type`, type, known)] : []),
      ...(column['jsonPath'] ? [] : [fieldError.required(`${at}.JSONPath`)]),
    ];
  });
}

function validateSubresources(version: JsonObject, path: string): FieldError[] {
  const scale = isObject(version['subresources']) ? version['subresources']['scale'] : undefined;
  if (!isObject(scale)) return [];
  const check = (field: string, root: string): FieldError[] => {
    const value = asText(scale[field]);
    const at = `${path}.scale.${field}`;
    if (!value) return [fieldError.required(at)];
    return value.startsWith(`.${root}.`) ? [] : [fieldError.invalid(at, value, `should be a json path under .${root}`)];
  };
  return [...check('specReplicasPath', 'spec'), ...check('statusReplicasPath', 'status')];
}

const SELECTABLE_TYPES = ['string', 'boolean', 'integer'];
const MAX_SELECTABLE = 8;

function validateSelectable(version: JsonObject, path: string): FieldError[] {
  const fields = objects(version['selectableFields']);
  const errors = fields.flatMap((field, index) => {
    const at = `${path}[${index}].jsonPath`;
    const text = asText(field['jsonPath']);
    if (!text) return [fieldError.required(at)];
    const [first] = text.split(/[.[]/, 1);
    if (first) return [fieldError.invalid(at, text, `is an invalid path: expected [ or . but got: ${first}`)];
    const found = follow(schemaOf(version), text);
    if (!found) return [fieldError.invalid(at, text, 'is an invalid path: does not refer to a valid field')];
    if (text.startsWith('.metadata')) return [fieldError.invalid(at, text, 'must not point to fields in metadata')];
    const why =
      'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
    if (!SELECTABLE_TYPES.includes(found.type ?? '')) return [fieldError.invalid(at, text, why)];
    const known = fields.slice(0, index).some((other) => other['jsonPath'] === text);
    return known ? [fieldError.duplicate(at, text)] : [];
  });
  if (fields.length > MAX_SELECTABLE) errors.push(fieldError.tooMany(path, fields.length, MAX_SELECTABLE));
  return errors;
}

function follow(schema: Schema | undefined, path: string): Schema | undefined {
  const keys = path.split('.').slice(1);
  return keys.reduce<Schema | undefined>((found, key) => found?.properties?.[key], schema);
}

/** Conversion between versions changes apiVersion alone: there is nobody to call a webhook. */
function validateConversion(spec: JsonObject): FieldError[] {
  const strategy = isObject(spec['conversion']) ? spec['conversion']['strategy'] : undefined;
  return strategy === 'None' ? [] : [fieldError.notSupported('spec.conversion.strategy', strategy, ['None'])];
}

function validateStoredVersions(definition: KubeObject, spec: JsonObject): FieldError[] {
  const status = isObject(definition['status']) ? definition['status'] : {};
  const stored = texts(status['storedVersions']);
  const versions = objects(spec['versions']);
  const field = 'status.storedVersions';
  if (stored.length === 0) return [fieldError.invalid(field, null, 'must have at least one stored version')];
  return stored.flatMap((name, index) => {
    if (versions.some((version) => version['name'] === name)) return [];
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    return [fieldError.invalid(`${field}[${index}]`, name, why)];
  });
}

function validateChange(spec: JsonObject, old: KubeObject): FieldError[] {
  const before = isObject(old['spec']) ? old['spec'] : {};
  const kindOf = (from: JsonObject) => (isObject(from['names']) ? from['names']['kind'] : undefined);
  const immutable = (path: string, now: Json | undefined, then: Json | undefined): FieldError[] =>
    now === then ? [] : [fieldError.invalid(path, now, 'field is immutable')];
  if (!hasCondition(old, 'Established')) return immutable('spec.group', spec['group'], before['group']);
  return [
    ...immutable('spec.group', spec['group'], before['group']),
    ...immutable('spec.scope', spec['scope'], before['scope']),
    ...immutable('spec.names.kind', kindOf(spec), kindOf(before)),
  ];
}

/** Whether a definition's condition has the status True. */
export function hasCondition(definition: KubeObject, type: string): boolean {
  const status = isObject(definition['status']) ? definition['status'] : {};
  return objects(status['conditions']).some(
    (condition) => condition['type'] === type && condition['status'] === 'True',
  );
}
